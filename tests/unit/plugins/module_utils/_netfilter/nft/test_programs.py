# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ChangedError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.kernel import read
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.programs import bases
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import (
    BRIDGED,
    EGRESS,
    INGRESS,
    OUTPUT,
    UNSEEN,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import region
from support import nftables as nft
from support.netlink import attribute

PACKETS = nft.packets()


def kinds(rule, packets=PACKETS):
    return [outcome.verdict.kind for outcome in rule.outcomes(packets, region(packets.flows.all))]


@pytest.mark.parametrize(
    ("chain", "family", "table", "expected"),
    [
        ("base", nft.IP, "nat", ("nft", "ip nat", (4,))),
        ("PREROUTING", nft.IP, "nat", ("iptables", "ip nat", (4,))),
        ("OUTPUT", nft.IP6, "nat", ("iptables", "ip6 nat", (16,))),
        ("PREROUTING", nft.IP, "netavark", ("nft", "ip netavark", (4,))),
        ("PREROUTING", nft.INET, "nat", ("nft", "inet nat", (4, 16))),
    ],
)
def test_bases(chain, family, table, expected, monkeypatch):
    chains = [nft.base_chain(chain, OUTPUT, table, family, priority=-105)]
    nft.Kernel(chains).runs(monkeypatch)
    (made,) = [base for each in read(chains) for base in bases(each, None)]
    assert (made.name, made.hook, made.priority) == (chain, OUTPUT, -105)
    assert (made.tool, made.table, made.address_bytes) == expected


def base(monkeypatch, *rules, **rest):
    made = nft.Kernel([nft.base_chain()], rules, **rest).runs(monkeypatch)
    (table,) = read(made.answers[4])
    return bases(table, None)[0], made


def test_a_chain_has_the_rules_of_its_name(monkeypatch):
    one, two = nft.rule("base", nft.dport(80), nft.end(nft.ACCEPT)), nft.rule("bases", nft.end(nft.DROP))
    made, _kernel = base(monkeypatch, one, two)
    (rule,) = made.chain("base")
    assert made.chain("base")[0] is rule
    assert made.chain("empty") == []
    assert (kinds(rule), kinds(rule, nft.packets(protocol=17))) == (["accept"], [])


def test_rules_share_their_expressions(monkeypatch):
    rules = [nft.rule("base", nft.meta(16), nft.compare(b"\6"), nft.end(nft.ACCEPT))] * 3
    made, _kernel = base(monkeypatch, *rules)
    assert [kinds(rule) for rule in made.chain("base")] == [["accept"]] * 3


def test_sets_are_those_of_the_table(monkeypatch):
    match = nft.rule("base", nft.payload(2, 2, 2), nft.lookup("s"), nft.end(nft.ACCEPT))
    find = nft.rule("base", nft.payload(2, 2, 2), nft.lookup("m", 1, 0))
    sets = [nft.a_set("s", 2), nft.a_set("m", 2), nft.a_set("s", 4, table="other")]
    held = [
        nft.elements("s", nft.element(b"\0\x50")),
        nft.elements("m", nft.element(b"\0\x50", end=nft.verdict(nft.DROP))),
        nft.elements("s", nft.element(b"\0\x51"), table="other"),
    ]
    made, kernel = base(monkeypatch, match, find, sets=sets, set_elements=held)
    assert [kinds(rule) for rule in made.chain("base")] == [["accept"], ["drop"]]
    assert [request for request, _body in kernel.asked].count(10) == 1


def test_sets_that_changed_after_the_rules(monkeypatch):
    made, kernel = base(monkeypatch, nft.rule("base", nft.payload(2, 2, 2), nft.lookup("s")))
    changed = nft.a_set("s", 2)
    kernel.answers[10] = [changed[:2] + b"\0\x08" + changed[4:]]
    (rule,) = made.chain("base")
    with pytest.raises(ChangedError):
        kinds(rule)


def test_comments(monkeypatch):
    match = nft.expression("match", nft.parts(nft.text("comment"), nft.be32(0), b"web\0".ljust(256, b"\0")))
    made, _kernel = base(
        monkeypatch,
        nft.rule("base", nft.end(nft.ACCEPT), userdata=b"\0\4web\0"),
        nft.rule("base", nft.expression("counter"), match),
        nft.rule("base", nft.expression("counter"), userdata=b"\7\4web\0"),
    )
    assert [rule.comment() for rule in made.chain("base")] == ["web", "web", None]


NETDEV, BRIDGE_FAMILY = 5, 7


def only_base(monkeypatch, **made):
    devices = made.pop("devices", b"")
    chain = nft.base_chain(**made)
    if devices:
        hooked = nft.numbers(made["hook"], -100)
        chain = chain.replace(attribute(4, hooked), attribute(4, hooked + devices))
    nft.Kernel([chain]).runs(monkeypatch)
    (found,) = [base for each in read([chain]) for base in bases(each, None)]
    return found


@pytest.mark.parametrize(
    ("family", "hook", "expected"),
    [
        *((family, hook, hook) for family in (nft.IP, nft.IP6, nft.INET) for hook in range(5)),
        (nft.INET, 5, INGRESS),
        (NETDEV, 0, INGRESS),
        (NETDEV, 1, EGRESS),
        (BRIDGE_FAMILY, 0, BRIDGED),
        (BRIDGE_FAMILY, 1, BRIDGED),
        *((BRIDGE_FAMILY, hook, UNSEEN) for hook in range(2, 6)),
    ],
)
def test_hooks(family, hook, expected, monkeypatch):
    assert only_base(monkeypatch, family=family, hook=hook).hook == expected


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (nft.IP, ("ip t", (4,))),
        (nft.IP6, ("ip6 t", (16,))),
        (nft.INET, ("inet t", (4, 16))),
        (NETDEV, ("netdev t", (4, 16))),
        (BRIDGE_FAMILY, ("bridge t", (4, 16))),
    ],
)
def test_families(family, expected, monkeypatch):
    found = only_base(monkeypatch, family=family, table="t")
    assert (found.table, found.address_bytes, found.tool) == (*expected, "nft")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ({}, (True, False, -100, None)),
        ({"kind": "filter", "policy": 0}, (False, True, -100, None)),
        ({"kind": "filter", "policy": 1, "priority": 300}, (False, False, 300, None)),
        ({"hook": 0, "devices": attribute(3, b"wan0\0")}, (True, False, -100, {"wan0"})),
        (
            {"hook": 0, "devices": attribute(4, attribute(1, b"wan0\0") + attribute(1, b"lan0\0"))},
            (True, False, -100, {"wan0", "lan0"}),
        ),
    ],
)
def test_what_a_base_chain_tells(made, expected, monkeypatch):
    found = only_base(monkeypatch, **made)
    assert (found.is_nat, found.drops, found.priority, found.devices) == expected


@pytest.mark.parametrize(
    ("table", "chain", "tool"),
    [
        *((table, chain, "iptables") for table in ("raw", "mangle", "nat", "filter", "security")
          for chain in ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")),
        ("filter", "input", "nft"),
        ("other", "INPUT", "nft"),
    ],
)  # fmt: skip
def test_who_made_a_chain(table, chain, tool, monkeypatch):
    assert only_base(monkeypatch, name=chain, table=table).tool == tool


def test_handles(monkeypatch):
    numbered = nft.rule("base", nft.end(nft.ACCEPT)).replace(attribute(3, bytes(8)), attribute(3, bytes(7) + b"\7"))
    made, _kernel = base(monkeypatch, numbered)
    assert [rule.handle() for rule in made.chain("base")] == [7]
