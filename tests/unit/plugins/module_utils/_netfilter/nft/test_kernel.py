# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ChangedError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.kernel import number, place, read, text
from support import nftables as nft

HTTP = nft.dport(80)


def test_read(monkeypatch):
    one, two = nft.base_chain("a"), nft.base_chain("b", nft.OUTPUT)
    ipv6, asleep = nft.base_chain(family=nft.IP6), nft.base_chain(table="asleep")
    rules = [nft.rule("a", HTTP), nft.rule("a", HTTP, family=nft.IP6), nft.rule("a", HTTP, table="testing")]
    chains = [one, ipv6, two, asleep]
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


def test_rules_are_with_their_chains(monkeypatch):
    rules = [nft.rule("a", HTTP, table="tcp"), nft.rule("long name", table="tcp"), nft.rule("a", HTTP, table="tcp")]
    made = nft.Kernel([nft.base_chain("a", table="tcp")], rules).runs(monkeypatch)
    (table,) = read(made.answers[4])
    assert {name: len(found) for name, found in table.rules.items()} == {"a": 2, "long name": 1}


def test_sets_that_packets_change(monkeypatch):
    adds = nft.expression("dynset", nft.parts(nft.text("seen")))
    made = nft.Kernel([nft.base_chain("a")], [nft.rule("a", HTTP, adds)]).runs(monkeypatch)
    (table,) = read(made.answers[4])
    assert table.updated_sets() == {"seen"}


def test_values():
    assert (text(b"eth0\0\0"), text(None), text(b"\xff\0")) == ("eth0", "", "\udcff")
    assert (number(b"\1\0"), number(None)) == (256, 0)
    assert [place(nft.be32(register)) for register in (1, 2, 4, 8, 9)] == [0, 16, 48, 0, 4]
