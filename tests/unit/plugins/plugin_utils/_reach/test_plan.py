# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flows, as people write them, and who tries what."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._reach import plan
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.plan import PlanError, Target

GROUPS = {"web": ["web1", "web2", "web3"], "db": ["db1", "db2"], "all": ["web1", "web2", "web3", "db1", "db2"]}


def match(pattern):
    found = []
    for part in pattern.replace(",", ":").split(":"):
        found += GROUPS.get(part, [part] if part in GROUPS["all"] else [])
    return found


INVENTORY = plan.Inventory(
    match,
    frozenset(GROUPS) | frozenset(GROUPS["all"]),
    frozenset(GROUPS["all"]),
    {"db1": "10.0.0.1", "db2": ["10.0.0.2", "fd00::2"]},
    lambda names: [{"port": 9100, "name": "node", "held_by": ["x"]}] if names else [],
)


def make(*entries, sample=0):
    return plan.make(list(entries), INVENTORY, sample)


def pairs(*entries, sample=0):
    return [(client, target.host) for flow in make(*entries, sample=sample) for client, target in flow.pairs()]


def test_groups_hosts_and_patterns():
    (flow,) = make({"from": ["web1", "web2"], "to": "db", "ports": [5432, "53/udp"], "name": "sql"})
    assert flow.sources == ("web1", "web2")
    assert flow.targets == (
        Target("db1", "10.0.0.1", True),
        Target("db2", "10.0.0.2", True),
        Target("db2", "fd00::2", True),
    )
    assert [(port.protocol, port.port) for port in flow.ports] == [("tcp", 5432), ("udp", 53)]
    assert len(list(plan.cases([flow]))) == 12
    assert pairs({"from": "web1:web2", "to": "web3", "ports": [1]}) == [("web1", "web3"), ("web2", "web3")]


@pytest.mark.parametrize("to", ["vip.example.com", "10.9.9.9", "fd00::9"])
def test_what_is_not_of_the_inventory_is_outside(to):
    (flow,) = make({"from": "web", "to": to, "ports": [443]})
    assert flow.targets == (Target(to, to, False),)


def test_a_host_never_tries_itself():
    assert ("web1", "web1") not in pairs({"from": "web", "to": "all", "ports": [1]})


def test_profiles():
    (flow,) = make({"from": "web", "to": "db", "profiles": ["node_exporter"]})
    assert flow.ports == (plan.Port("tcp", 9100, "node"),)


def test_ports_of_profiles_that_serve_their_own_host_alone_are_no_flows():
    addressed = [{"port": 80}, {"port": 81, "address": "127.0.0.1"}, {"port": 82, "address": "::1"}]
    inventory = INVENTORY._replace(profile_ports=lambda _names: addressed)
    (flow,) = plan.make([{"from": "web", "to": "db", "profiles": ["x"]}], inventory, 0)
    assert [each.port for each in flow.ports] == [80]


def test_a_sample_spreads_over_the_clients():
    assert pairs({"from": "web", "to": "db", "ports": [1]}, sample=1) == [
        ("web1", "db1"),
        ("web2", "db2"),
        ("web3", "db2"),
    ]


def test_a_sample_of_two():
    entry = {"from": "web", "to": "db", "ports": [1]}
    assert pairs(entry, sample=2) == [
        ("web1", "db1"), ("web2", "db1"), ("web2", "db2"), ("web3", "db2"), ("web3", "db2"), ("web1", "db2"),
    ]  # fmt: skip
    assert pairs(entry, sample=3) == pairs(entry)
    assert [flow.left_out() for flow in make(entry, sample=2)] == [3]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("x", "a flow is a dictionary"),
        ({"from": "web1", "to": "web1", "ports": [1]}, "the same host"),
        ({"from": "web", "to": "127.0.0.1", "ports": [1]}, "to '127.0.0.1' is the client itself"),
        ({"from": "web", "to": "[::1]", "ports": [1]}, "to '[::1]' is the client itself"),
        ({"from": "web", "to": "10.0.0.0/24", "ports": [1]}, "'10.0.0.0/24' is not a name or an address"),
        ({"from": "wbe", "to": "db", "ports": [1]}, "did you mean web"),
        ({"from": "web", "to": "db:nobody*", "ports": [1], "exept": 1}, "did you mean expect?"),
        ({"from": "web", "to": "nobody*", "ports": [1]}, "matches no host"),
        ({"from": "web", "to": "10.0.0.9:80", "ports": [1]}, "; write the port into ports"),
        ({"from": "web", "to": "[fd00::9]:80/udp", "ports": [1]}, "; write the port into ports"),
        ({"from": 7, "to": "db", "ports": [1]}, "from is a host"),
        ({"from": "web", "ports": [1]}, "to is a host"),
        ({"from": "web", "to": "db"}, "are missing"),
        ({"from": "web", "to": "db", "ports": [0]}, "port 0 does not exist"),
        ({"from": "web", "to": "db", "ports": ["127.0.0.1:80"]}, "is an address"),
        ({"from": "web", "to": "db", "ports": ["1-2000"]}, "at most 1000"),
        ({"from": "web", "to": "db", "ports": [1], "expect": "shut"}, "'open' or 'closed'"),
        ({"from": "web", "to": "db", "ports": [1], "name": 1}, "name is text"),
    ],
)
def test_errors_name_the_flow_and_what_would_be_right(entry, said):
    with pytest.raises(PlanError, match=r"port_reach_flows\[0\]") as error:
        make(entry)
    assert said in str(error.value)


def test_what_a_sample_leaves_out():
    (flow,) = plan.make([{"from": "web", "to": "web", "ports": [1, 2]}], INVENTORY, 1)
    assert flow.left_out() == (len(flow.sources) * (len(flow.sources) - 1) - len(flow.sources)) * 2
    assert plan.make([{"from": "web", "to": "db", "ports": [1]}], INVENTORY, 0)[0].left_out() == 0


def test_there_has_to_be_a_flow():
    for nothing in ([], None, "x"):
        with pytest.raises(PlanError, match="a list of flows is needed"):
            plan.make(nothing, INVENTORY, 0)


def test_an_address_has_to_be_text():
    for address in ({}, [], "", " ", ["10.0.0.1", ""], ["10.0.0.1", 7], "10.0.0.0/8"):
        inventory = INVENTORY._replace(addresses={"db1": address})
        with pytest.raises(PlanError, match="port_reach_address of db1"):
            plan.make([{"from": "web", "to": "db1", "ports": [1]}], inventory, 0)


@pytest.mark.parametrize(
    ("address", "leads_home"),
    [
        *(("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", True), ("::ffff:127.0.0.1", True)),
        *(("10.0.0.1", False), ("db1", False)),
    ],
)
def test_loopback(address, leads_home):
    assert plan.is_loopback(address) == leads_home


def test_suggestions():
    assert "db1" in plan.near_names("dbb1", {"db1"})
    assert plan.near_names("zzz", {"db1"}) == ""
