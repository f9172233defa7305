# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.preflight.ports.plugins.filter import profile_ports as plugin
from ansible_collections.preflight.ports.plugins.filter.profile_ports import FilterModule, profile_ports

BROKER = """\
product: Broker
version: "1"
held_by: [brokerd]
ports:
  - {port: 5000, purpose: clients}
  - {port: 5001-5002, protocol: [tcp, udp], address: 127.0.0.1, purpose: gossip, held_by: [kernel]}
"""
CLUSTER = """\
product: Broker
version: "1"
held_by: [brokerd]
includes: [broker]
selinux_domain: broker_t
ports:
  - {port: 6000, purpose: peers}
"""


@pytest.fixture(autouse=True)
def catalogue(tmp_path, monkeypatch):
    for name, text in {"broker": BROKER, "broker_cluster": CLUSTER, "database": BROKER}.items():
        (tmp_path / "profiles" / f"{name}.yml").parent.mkdir(exist_ok=True)
        (tmp_path / "profiles" / f"{name}.yml").write_text(text)
    (tmp_path / "secret.yml").write_text(BROKER)
    monkeypatch.setattr(plugin, "_CATALOGUE", tmp_path / "profiles")
    plugin._profile.cache_clear()
    yield
    plugin._profile.cache_clear()


def ports(names):
    return [entry["port"] for entry in profile_ports(names)]


def test_entries_are_what_the_modules_take():
    assert profile_ports(["broker"]) == [
        {"port": 5000, "name": "Broker: clients", "held_by": ["brokerd"]},
        {
            "port": "5001-5002",
            "protocol": ["tcp", "udp"],
            "address": "127.0.0.1",
            "name": "Broker: gossip",
            "held_by": ["kernel"],
        },
    ]


def test_included_profiles_come_first():
    assert ports(["broker_cluster"]) == [5000, "5001-5002", 6000]


def test_profiles_keep_the_order_of_their_names():
    assert ports(["broker_cluster", "broker"]) == [5000, "5001-5002", 6000, 5000, "5001-5002"]


def test_names_between_commas():
    assert ports("broker, database") == 2 * [5000, "5001-5002"]


def test_no_profile():
    assert profile_ports([]) == []


def test_asking_twice_gives_the_same():
    assert profile_ports(["broker"]) == profile_ports(["broker"])


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        pytest.param("brokr", "did you mean broker?", id="typing error"),
        pytest.param("Broker", "did you mean broker or broker_cluster?", id="upper case"),
        pytest.param("cluster", "did you mean broker_cluster?", id="part of a name"),
        pytest.param("zzz", "the profiles are broker, broker_cluster, database", id="nothing near"),
        pytest.param("", "the profiles are broker, broker_cluster, database", id="empty"),
        pytest.param("../secret", "the profiles are broker, broker_cluster, database", id="outside of the catalogue"),
    ],
)
def test_an_unknown_name_tells_the_near_ones(name, suggestion):
    with pytest.raises(AnsibleFilterError) as failure:
        profile_ports(["broker", name])
    assert f"unknown profile {name!r}; {suggestion}" in str(failure.value)


def test_ansible_finds_it():
    assert FilterModule().filters() == {"profile_ports": profile_ports}


def test_domains():
    assert [entry.get("selinux_domain") for entry in profile_ports(["broker_cluster"])] == [None, None, "broker_t"]
