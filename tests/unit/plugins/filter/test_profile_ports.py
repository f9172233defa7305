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


GOSSIP = {"port": "5001-5002", "protocol": ["tcp", "udp"], "address": "127.0.0.1", "name": "Broker: gossip"}


CLIENTS = {"port": 5000, "name": "Broker: clients", "held_by": ["brokerd"]}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, [CLIENTS, {**GOSSIP, "held_by": ["kernel"]}], id="none"),
        pytest.param(
            {"held_by": ["forkd"]},
            [{**CLIENTS, "held_by": ["forkd"]}, {**GOSSIP, "held_by": ["kernel"]}],
            id="a holder, but of ports that have their own",
        ),
        pytest.param(
            {"address": "10.0.0.5", "ports": [5000]},
            [{**CLIENTS, "address": "10.0.0.5"}],
            id="an address, and one port",
        ),
        pytest.param({"ports": [5002]}, [{**GOSSIP, "port": 5002, "held_by": ["kernel"]}], id="one of a range"),
        pytest.param({"ports": 5002}, [{**GOSSIP, "port": 5002, "held_by": ["kernel"]}], id="a number"),
        pytest.param({"ports": "5001-5002"}, [{**GOSSIP, "held_by": ["kernel"]}], id="a string"),
        pytest.param({"ports": ["5001-5002"]}, [{**GOSSIP, "held_by": ["kernel"]}], id="the range"),
        pytest.param(
            {"ports": ["7000/udp"], "held_by": ["forkd"]},
            [{"port": "7000/udp", "name": "Broker", "held_by": ["forkd"]}],
            id="a port of its own",
        ),
    ],
)
def test_a_profile_can_be_changed(changes, expected):
    assert profile_ports([{"name": "broker", **changes}]) == expected


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        ({"name": "broker", "port": 1}, "unknown key 'port'; the keys are name, held_by, address, ports"),
        ({"held_by": ["x"]}, "the key name is missing"),
        ({"name": "brokr"}, "did you mean broker?"),
    ],
)
def test_changes_that_are_none(item, complaint):
    with pytest.raises(AnsibleFilterError) as failure:
        profile_ports([item])
    assert complaint in str(failure.value)


def test_who_includes_a_profile_holds_its_ports(catalogue, tmp_path):
    (tmp_path / "profiles/fork.yml").write_text(CLUSTER.replace("brokerd", "forkd"))
    holders = [entry["held_by"] for entry in profile_ports(["fork"])]
    assert holders == [["forkd"], ["kernel"], ["forkd"]]


def test_ansible_finds_it():
    assert FilterModule().filters() == {"profile_ports": profile_ports}


def test_domains():
    assert [entry.get("selinux_domain") for entry in profile_ports(["broker_cluster"])] == [None, None, "-broker_t"]


def test_what_is_no_list():
    with pytest.raises(AnsibleFilterError, match="profile_ports: None is no list; name profiles, as in"):
        profile_ports(None)


def test_a_port_that_a_profile_lacks_keeps_its_domain(tmp_path):
    (tmp_path / "profiles/web.yml").write_text("product: web\nports: []\nheld_by: [webd]\nselinux_domain: web_t\n")
    (entry,) = profile_ports([{"name": "web", "ports": [8081]}])
    assert (entry["port"], entry["selinux_domain"]) == (8081, "-web_t")
