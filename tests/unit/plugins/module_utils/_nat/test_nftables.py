# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct

import nftables as nft
import pytest
from ansible_collections.preflight.ports.plugins.module_utils._nat.nftables import number, read, text
from ansible_collections.preflight.ports.plugins.module_utils._nat.programs import ports_of
from ansible_collections.preflight.ports.plugins.module_utils._nat.tables import ChangedError
from netlink import attribute

HTTP, OTHER = nft.dport(80), nft.dport(81)


def match(name, revision, info):
    return nft.expression("match", nft.parts(nft.text(name), nft.be32(revision), info))


def target(name):
    return nft.expression("target", nft.parts(nft.text(name), nft.be32(0), bytes(20)))


TCP_80 = match("tcp", 0, struct.pack("=HHHHBBBB", 0, 65535, 80, 80, 0, 0, 0, 0))
UDP_RANGE = match("udp", 0, struct.pack("=HHHHB", 0, 65535, 80, 90, 0))
MULTIPORT = match("multiport", 1, struct.pack("=BB15H15BB", 1, 2, 80, 443, *[0] * 13, *[0] * 15, 0))


def test_read(monkeypatch):
    one, two = nft.base_chain("a"), nft.base_chain("b", nft.OUTPUT)
    ipv6, asleep = nft.base_chain(family=nft.IP6), nft.base_chain(table="asleep")
    foreign = nft.base_chain(family=7)
    rules = [nft.rule("a", HTTP), nft.rule("a", HTTP, family=nft.IP6), nft.rule("a", HTTP, table="testing")]
    chains = [one, ipv6, two, asleep, foreign]
    nft.Kernel(chains, rules, dormant=[(nft.IP, "asleep")]).runs(monkeypatch)
    assert [(table.family, table.name, table.base_chains) for table in read(chains)] == [
        (nft.IP, "test", [one, two]),
        (nft.IP6, "test", [ipv6]),
    ]


def test_read_while_rules_change(monkeypatch):
    chain = nft.base_chain("a")
    nft.Kernel([chain], [nft.rule("a", HTTP, generation=b"\0\x08")]).runs(monkeypatch)
    with pytest.raises(ChangedError):
        read([chain])


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        pytest.param(HTTP, (80,), id="native"),
        pytest.param(nft.payload(2, 2, 2) + nft.compare(b"\0\x50", nft.NEQ), None, id="any other port"),
        pytest.param(nft.payload(2, 0, 2) + nft.compare(b"\0\x50"), None, id="source port"),
        pytest.param(nft.payload(2, 2, 2) + nft.compare(b"\0\x50\0\0"), None, id="a longer value"),
        pytest.param(TCP_80, (80,), id="iptables"),
        pytest.param(UDP_RANGE, None, id="range of iptables"),
        pytest.param(MULTIPORT, {80, 443}, id="several ports of iptables"),
        pytest.param(b"", None, id="nothing"),
    ],
)
def test_ports_of(expressions, expected):
    assert ports_of(nft.rule("a", expressions)) == expected


def test_rules_stand_with_their_chains(monkeypatch):
    rules = [nft.rule("a", TCP_80, table="tcp"), nft.rule("long name", table="tcp"), nft.rule("a", HTTP, table="tcp")]
    made = nft.Kernel([nft.base_chain("a", table="tcp")], rules).runs(monkeypatch)
    (table,) = read(made.answers[4])
    assert {name: len(found) for name, found in table.rules.items()} == {"a": 2, "long name": 1}
    assert [ports_of(rule) for rule in table.rules["a"]] == [(80,), (80,)]


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        pytest.param(HTTP + nft.dnat("10.88.0.5"), True, id="dnat"),
        pytest.param(HTTP + nft.redirect(), True, id="redirect"),
        pytest.param(HTTP + target("DNAT"), True, id="DNAT"),
        pytest.param(TCP_80 + target("REDIRECT"), True, id="REDIRECT"),
        pytest.param(target("NETMAP"), True, id="NETMAP"),
        pytest.param(OTHER + nft.dnat("10.88.0.5"), False, id="another port"),
        pytest.param(HTTP + target("MARK"), False, id="another target"),
        pytest.param(HTTP + nft.end(nft.JUMP, "nat"), False, id="jump"),
    ],
)
def test_may_redirect(expressions, expected, monkeypatch):
    for name in ("test", "nat"):
        assert table(monkeypatch, name, base=[expressions]).may_redirect({80}) is expected


def table(monkeypatch, name="test", **chains):
    rules = [nft.rule(chain, each, table=name) for chain, made in chains.items() for each in made]
    kernel = nft.Kernel([nft.base_chain(table=name)], rules).runs(monkeypatch)
    return read(kernel.answers[4])[0]


DNAT, VERDICT_MAP = nft.dnat("10.88.0.5"), nft.lookup("m", 1, 0)
PORT = nft.payload(2, 2, 2)
OTHER_80 = nft.payload(2, 2, 2, 9) + nft.compare(b"\0\x51", register=9)  # 81 in another register


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(HTTP + DNAT, True, id="the port"),
        pytest.param(OTHER + DNAT, False, id="another port"),
        pytest.param(nft.meta(3) + nft.compare(b"\0\0\0\1") + OTHER + DNAT, False, id="another port, and a mark"),
        pytest.param(OTHER + HTTP + DNAT, False, id="another port first"),
        pytest.param(DNAT, True, id="no port"),
        pytest.param(nft.meta(3) + nft.compare(b"\0\0\0\1") + DNAT, True, id="a mark"),
        pytest.param(nft.meta(16) + nft.compare(b"\6") + DNAT, True, id="a protocol"),
        pytest.param(PORT + nft.compare(b"\0\x51", nft.NEQ) + DNAT, True, id="all ports but another"),
        pytest.param(PORT + nft.compare(b"\0\x51", nft.GTE) + DNAT, True, id="ports from another on"),
        pytest.param(
            PORT + nft.expression("range", nft.numbers(1, 0) + attribute(3, attribute(1, b"\0\x51")) * 2) + DNAT,
            True,
            id="a range",
        ),
        pytest.param(nft.payload(2, 0, 2) + nft.compare(b"\0\x51") + DNAT, True, id="a source port"),
        pytest.param(nft.payload(2, 0, 4) + nft.compare(b"\0\1\0\x51") + DNAT, True, id="both ports"),
        pytest.param(nft.payload(1, 2, 2) + nft.compare(b"\0\x51") + DNAT, True, id="another header"),
        pytest.param(PORT + nft.compare(b"\0\x51", register=2) + DNAT, True, id="another register"),
        pytest.param(OTHER_80 + DNAT, True, id="another register for both"),
        pytest.param(PORT + nft.expression("bitwise", nft.numbers(1, 1, 2)) + nft.compare(b"\0\x51") + DNAT, True,
                     id="a masked port"),
        pytest.param(nft.expression("inner", attribute(5, PORT[4:])) + nft.compare(b"\0\x51") + DNAT, True,
                     id="the port of a packet within"),
        pytest.param(DNAT + OTHER, True, id="another port, too late"),
        pytest.param(TCP_80 + target("DNAT"), True, id="the port of iptables"),
        pytest.param(match("tcp", 0, struct.pack("=HHHHBBBB", 0, 65535, 81, 81, 0, 0, 0, 0)) + target("DNAT"), False,
                     id="another port of iptables"),
        pytest.param(match("tcp", 0, struct.pack("=HHHHBBBB", 0, 65535, 81, 81, 0, 0, 0, 2)) + target("DNAT"), True,
                     id="all ports of iptables but another"),
        pytest.param(match("tcp", 1, struct.pack("=HHHHBBBB", 0, 65535, 81, 81, 0, 0, 0, 0)) + target("DNAT"), True,
                     id="a match of a kind that is not known"),
        pytest.param(UDP_RANGE + target("DNAT"), True, id="a range of iptables"),
        pytest.param(MULTIPORT + target("DNAT"), True, id="several ports of iptables"),
        pytest.param(match("multiport", 1, struct.pack("=BB15H15BB", 1, 2, 81, 443, *[0] * 13, *[0] * 15, 0))
                     + target("DNAT"), False, id="several other ports of iptables"),
        pytest.param(match("comment", 0, b"tcp dport 81\0".ljust(256, b"\0")) + target("DNAT"), True, id="a comment"),
        pytest.param(nft.lookup("tcp") + DNAT, True, id="a set named tcp"),
        pytest.param(nft.lookup("multiport") + DNAT, True, id="a set named multiport"),
        pytest.param(HTTP + target("MARK"), False, id="nothing of it"),
    ],
)  # fmt: skip
def test_may_redirect_by_ports(rule, expected, monkeypatch):
    assert table(monkeypatch, base=[nft.end(nft.JUMP, "a"), HTTP], a=[HTTP, rule]).may_redirect({80}) is expected


SLASH_30 = nft.payload(1, 16, 4) + nft.expression(
    "bitwise",
    nft.numbers(1, 1, 4) + attribute(4, attribute(1, b"\xff\xff\xff\xfc")) + attribute(5, attribute(1, bytes(4))),
)


@pytest.mark.parametrize(
    ("chains", "expected"),
    [
        pytest.param({"base": [nft.end(nft.JUMP, "a")], "a": [DNAT]}, True, id="jump"),
        pytest.param({"base": [nft.end(nft.GOTO, "a")], "a": [DNAT]}, True, id="goto"),
        pytest.param({"base": [HTTP + nft.end(nft.JUMP, "a")], "a": [DNAT]}, True, id="jump for the port"),
        pytest.param({"base": [OTHER + nft.end(nft.JUMP, "a")], "a": [DNAT]}, False, id="jump for another port"),
        pytest.param({"base": [TCP_80 + nft.end(nft.JUMP, "a")], "a": [DNAT]}, True, id="jump of iptables"),
        pytest.param({"base": [SLASH_30 + nft.end(nft.GOTO, "a")], "a": [DNAT]}, True, id="a mask like a goto"),
        pytest.param(
            {"base": [nft.payload(1, 16, 4) + nft.compare(b"\xff\xff\xff\xfd") + nft.end(nft.JUMP, "a")], "a": [DNAT]},
            True,
            id="an address like a jump",
        ),
        pytest.param(
            {"base": [nft.end(nft.JUMP, "a"), nft.end(nft.JUMP, "b")], "a": [OTHER + DNAT], "b": [DNAT]},
            True,
            id="the second of two",
        ),
        pytest.param({"base": [nft.end(nft.JUMP, "a") + OTHER], "a": [DNAT]}, True, id="another port, too late"),
        pytest.param({"base": [nft.end(nft.ACCEPT)], "a": [DNAT]}, False, id="nobody jumps"),
        pytest.param({"base": [nft.end(nft.JUMP, "a")], "a": [nft.end(nft.JUMP, "base")]}, False, id="circle"),
        pytest.param({"base": [nft.end(nft.JUMP, "empty")]}, False, id="empty chain"),
        pytest.param({"base": [VERDICT_MAP], "a": [DNAT]}, True, id="map"),
        pytest.param({"base": [VERDICT_MAP], "a": [OTHER + DNAT]}, False, id="map to another port"),
        pytest.param({"base": [OTHER + VERDICT_MAP], "a": [DNAT]}, False, id="map for another port"),
        pytest.param({"base": [VERDICT_MAP + OTHER], "a": [DNAT]}, True, id="map before another port"),
        pytest.param({"base": [nft.lookup("s")], "a": [DNAT]}, False, id="set"),
    ],
)
def test_may_redirect_in_other_chains(chains, expected, monkeypatch):
    assert table(monkeypatch, **chains).may_redirect({80}) is expected


def test_ports_of_a_rule_that_maps_before_it_asks():
    assert ports_of(nft.rule("a", VERDICT_MAP, OTHER)) is None
    assert ports_of(nft.rule("a", nft.lookup("s"), OTHER, VERDICT_MAP)) == (81,)


def test_values():
    assert (text(b"eth0\0\0"), text(None), text(b"\xff\0")) == ("eth0", "", "\udcff")
    assert (number(b"\1\0"), number(None)) == (256, 0)
