# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other ways to run plays give the same verdicts: ansible-runner, as AWX does, and mitogen."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Callable, Iterator

import ansible_mitogen
import ansible_runner
import pytest
from reach.hosts import ROOT, Hosts

LISTEN = "import socket, time; s = socket.create_server(('', 5432)); print(flush=True); time.sleep(60)"
PLAYS = [
    {
        "hosts": "all",
        "gather_facts": False,
        "roles": [
            {
                "role": "preflight.ports.port_reach",
                "vars": {
                    "port_reach_flows": [
                        {"from": "web", "to": "db", "ports": [5433, "53/udp"]},
                        {"from": "db", "to": "web", "ports": [5432]},
                    ]
                },
            },
            {"role": "preflight.ports.port_preflight", "vars": {"port_preflight_ports": [5432, "53/udp"]}},
        ],
    }
]

Run = Callable[[Hosts, Path], str]


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    with Hosts(tmp_path, web=1, db=1) as made:
        made.python(made.namespace("db1"), LISTEN)
        yield made


def by_runner(hosts: Hosts, playbook: Path) -> str:
    bin_folder = str(Path(sys.executable).parent)
    run = ansible_runner.run(
        private_data_dir=str(hosts.folder),
        playbook=str(playbook),
        inventory=str(hosts.folder / "hosts.json"),
        envvars={
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
        },
        quiet=True,
    )
    assert run.status == "failed"
    with run.stdout as stdout:
        said: str = stdout.read()
    return said


def by_mitogen(hosts: Hosts, playbook: Path) -> str:
    _status, said = hosts.ansible("ansible-playbook", str(playbook))
    return said


@pytest.mark.parametrize("run", [by_runner, by_mitogen])
def test_the_verdicts_are_the_same(run: Run, hosts: Hosts, monkeypatch: pytest.MonkeyPatch):
    if run is by_mitogen:
        monkeypatch.setenv("ANSIBLE_STRATEGY", "mitogen_linear")
        monkeypatch.setenv("ANSIBLE_STRATEGY_PLUGINS", f"{Path(ansible_mitogen.__file__).parent}/plugins/strategy")
    playbook = hosts.folder / "plays.json"
    playbook.write_text(json.dumps(PLAYS))
    said = run(hosts, playbook)
    assert "3 flows as expected" in said
    assert "Ports are not as required on 1 of 2 hosts:" in said
    assert "5432/tcp: listening on 0.0.0.0, held by python" in said
    recap = {line.split()[0]: line for line in said.splitlines() if "unreachable=" in line}
    assert ("failed=0" in recap["web1"], "failed=1" in recap["db1"]) == (True, True), said
    assert hosts.responders() == [server.pid for server in hosts._processes]
