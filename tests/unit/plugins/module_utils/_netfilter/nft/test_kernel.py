# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ChangedError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.kernel import number, read, text
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.programs import ports_of
from support import nftables as nft

HTTP, OTHER = nft.dport(80), nft.dport(81)


def match(name, revision, info):
    return nft.expression("match", nft.parts(nft.text(name), nft.be32(revision), info))


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


def test_ports_of_a_rule_that_maps_before_it_asks():
    assert ports_of(nft.rule("a", nft.lookup("m", 1, 0), OTHER)) is None
    assert ports_of(nft.rule("a", nft.lookup("s"), OTHER, nft.lookup("m", 1, 0))) == (81,)


def test_values():
    assert (text(b"eth0\0\0"), text(None), text(b"\xff\0")) == ("eth0", "", "\udcff")
    assert (number(b"\1\0"), number(None)) == (256, 0)
