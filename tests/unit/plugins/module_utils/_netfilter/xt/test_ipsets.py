# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt, Where, narrow
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import networks
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import region
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import ipsets
from support.netlink import attribute
from support.nftables import packets

FLOWS = packets(ports=(22, 80)).flows
SOURCE, TARGET = True, False


def message(index, name, kind, *entries, family=socket.AF_INET):
    made = b"".join(attribute(7 | 0x8000, each) for each in entries)
    return bytes(4) + b"".join((
        attribute(2, name.encode() + b"\0"), attribute(3, kind.encode() + b"\0"), attribute(5, bytes((family,))),
        attribute(7, b""), attribute(8, made), attribute(11, struct.pack(">H", index)),
    ))  # fmt: skip


def net(address, length=None, port=None, protocol=None, is_exception=False):
    made = attribute(1, attribute(1, socket.inet_aton(address))) if address else b""
    made += b"" if length is None else attribute(3, bytes((length,)))
    made += b"" if port is None else attribute(4, struct.pack(">H", port))
    made += b"" if protocol is None else attribute(7, bytes((protocol,)))
    return made + (attribute(8, struct.pack(">I", 4)) if is_exception else b"")


SETS = [
    message(1, "nets", "hash:net", net("10.0.0.0", 8), net("10.1.0.0", 16, is_exception=True)),
    message(2, "pairs", "hash:ip,port", net("10.0.0.9", port=80, protocol=6)),
    message(3, "ports", "bitmap:port", net("", port=22)),
    message(4, "all", "list:set", attribute(18, b"ports\0")),
    message(5, "v6", "hash:net", family=socket.AF_INET6),
    message(6, "odd", "hash:mac"),
]


@pytest.fixture
def sets(monkeypatch):
    monkeypatch.setattr(ipsets, "dump", lambda *_request: SETS)
    return ipsets.IpSets()


@pytest.mark.parametrize(
    ("index", "ends", "expected"),
    [
        (1, [SOURCE], {22: 8, 80: 8}),
        (2, [SOURCE, TARGET], {80: 1}),
        (3, [TARGET], {22: 1}),
        (4, [TARGET], {22: 1}),
        (5, [SOURCE], {}),
        (6, [SOURCE], "the ipset odd"),
        (7, [SOURCE], "the ipset 7"),
        (2, [SOURCE], "the ipset pairs"),
    ],
)
def test_has(index, ends, expected, sets):
    """*expected*: port -> from how many networks it has packets."""
    answer = sets.has(index, FLOWS, ends)
    if isinstance(answer, Doubt):
        assert answer.what == expected
        return
    every = region(FLOWS.all)
    sure, may = narrow(answer, every, every) if isinstance(answer, Where) else ((), ())
    assert sure == may
    found = {port: list(networks(part, 32)) for mask, part in sure for _place, port in FLOWS.each(mask)}
    counts = {port: len(parts) for port, parts in found.items()}
    assert counts == expected


def test_names(sets):
    assert (sets.name(3), sets.name(9)) == ("ports", "9")
