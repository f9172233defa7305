# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook preflight.ports.check."""

from __future__ import annotations

import json

import pytest
from reports import fleet

CHECK = "- ansible.builtin.import_playbook: preflight.ports.check\n"
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def check(folder, *arguments, **variables):
    inventory = {"all": {"hosts": {"a": variables}, "vars": LOCAL}}
    return fleet.run(folder, CHECK, inventory, *arguments, port_preflight_reports=["ports.json"])


@pytest.mark.parametrize(
    ("arguments", "variables", "labels"),
    [
        (["-e", "check_ports=1,2/udp"], {}, ["1/tcp", "2/udp"]),
        (["-e", "port_preflight_ports=1"], {}, ["1/tcp"]),
        (["-e", "port_preflight_profiles=redis"], {}, ["6379/tcp"]),
        (["-e", "check_ports=1", "-e", "port_preflight_profiles=redis"], {}, ["1/tcp", "6379/tcp"]),
        ([], {"port_preflight_ports": [3]}, ["3/tcp"]),
        (["-e", "check_ports=1"], {"port_preflight_ports": [3]}, ["1/tcp"]),
        (["-e", "check_ports=1"], {"ports": {"http": 80}}, ["1/tcp"]),
    ],
)
def test_ports_and_profiles_come_from_any_side(tmp_path, arguments, variables, labels):
    check(tmp_path, "-e", "port_preflight_enforce=false", *arguments, **variables)
    assert [port["label"] for port in json.loads((tmp_path / "ports.json").read_text())["required"]] == labels


@pytest.mark.parametrize("variables", [{"port_preflight_ports": [1]}, {"port_preflight_profiles": ["redis"]}])
def test_the_first_host_may_need_none(tmp_path, variables):
    inventory = {"all": {"hosts": {"a": {}, "b": variables}, "vars": LOCAL}}
    done = fleet.run(tmp_path, CHECK, inventory, port_preflight_reports=["ports.json"], port_preflight_enforce=False)
    assert done.returncode == 0
    assert [len(host["ports"]) for host in json.loads((tmp_path / "ports.json").read_text())["hosts"]] == [0, 1]


@pytest.mark.parametrize("arguments", [[], ["-e", "check_ports="], ["--tags", "some"]])
def test_none_is_an_error(tmp_path, arguments):
    done = check(tmp_path, *arguments)
    assert done.returncode == 2
    assert "No port is required on any host" in done.stdout
