# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt, Where, narrow
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import networks, size
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import region
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import ipsets
from support.netlink import attribute
from support.nftables import packets
from support.records import at

FLOWS = packets(ports=(22, 80)).flows
SOURCE, TARGET = True, False


def message(index, name, kind, *entries, family=socket.AF_INET, head=b""):
    made = b"".join(attribute(7 | 0x8000, each) for each in entries)
    return bytes(4) + b"".join((
        attribute(2, name.encode() + b"\0"), attribute(3, kind.encode() + b"\0"), attribute(5, bytes((family,))),
        attribute(7, head), attribute(8, made), attribute(11, struct.pack(">H", index)),
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


def both(first, second, length=32, other_length=32):
    """Of a set with two addresses in each key."""
    ends = attribute(1, attribute(1, socket.inet_aton(first))) + attribute(20, attribute(1, socket.inet_aton(second)))
    return ends + attribute(3, bytes((length,))) + attribute(21, bytes((other_length,)))


def of_ipv6(address, length):
    return attribute(1, attribute(2, at(address).address)) + attribute(3, bytes((length,)))


MORE = (
    message(1, "to here", "hash:net,net", both("10.0.0.0", "192.0.2.1", 8), both("11.0.0.0", "192.0.2.2", 8)),
    message(2, "networks", "hash:ip", net("10.0.0.0"), head=attribute(20, b"\x18")),
    message(3, "v6", "hash:net", of_ipv6("fd00::", 8), family=socket.AF_INET6),
    message(4, "udp", "hash:net,port", net("10.0.0.0", 8, port=80, protocol=17)),
    message(5, "nested", "hash:net", net("10.0.0.0", 8), net("10.1.0.0", 16, is_exception=True), net("10.1.2.0", 24)),
    message(6, "addresses", "bitmap:ip", net("10.0.0.0", 30)),
    message(7, "of lists", "list:set", attribute(18, b"lists\0"), attribute(18, b"networks\0")),
    message(8, "lists", "list:set", attribute(18, b"addresses\0")),
    message(9, "itself", "list:set", attribute(18, b"itself\0")),
    message(10, "from", "hash:ip,port,ip", net("10.0.0.9", port=80, protocol=6)
            + attribute(20, attribute(1, socket.inet_aton("192.0.2.1")))),
    message(11, "twice", "hash:net,net", both("10.0.0.0", "10.1.0.0", 8, 16), both("11.0.0.0", "12.0.0.0", 8, 8)),
)  # fmt: skip


def sizes(index, ends, monkeypatch, messages=MORE, seen=FLOWS):
    """Port -> how many clients, or what it depends on."""
    monkeypatch.setattr(ipsets, "dump", lambda *_request: messages)
    answer = ipsets.IpSets().has(index, seen, ends)
    if isinstance(answer, Doubt):
        return answer.what
    every = region(seen.all)
    sure, may = narrow(answer, every, every) if isinstance(answer, Where) else ((), ())
    if sure != may:
        return answer.doubt.what
    found = {}
    for mask, part in sure:
        for _place, port in seen.each(mask):
            found[port] = found.get(port, 0) + size(part) * 2**seen.bits
    return found


@pytest.mark.parametrize(
    ("index", "ends", "expected"),
    [
        (1, [SOURCE, TARGET], {22: 2**24, 80: 2**24}),
        (1, [TARGET, SOURCE], {}),
        (2, [SOURCE], {22: 256, 80: 256}),
        (4, [SOURCE, TARGET], {}),
        (5, [SOURCE], dict.fromkeys((22, 80), 2**24 - 2**16 + 2**8)),
        (6, [SOURCE], {22: 4, 80: 4}),
        (7, [SOURCE], {22: 256, 80: 256}),
        (8, [SOURCE], {22: 4, 80: 4}),
        (9, [SOURCE], "the ipset itself"),
        (10, [SOURCE, TARGET, TARGET], {80: 1}),
        (10, [SOURCE, TARGET, SOURCE], {}),
        (11, [SOURCE, SOURCE], {22: 2**16, 80: 2**16}),
    ],
)
def test_kinds(index, ends, expected, monkeypatch):
    assert sizes(index, ends, monkeypatch) == expected


def test_versions_of_ip(monkeypatch):
    v6 = packets("2001:db8::1").flows
    assert sizes(3, [SOURCE], monkeypatch, seen=v6) == {80: 2**120}
    assert sizes(3, [SOURCE], monkeypatch) == {}
    assert sizes(2, [SOURCE], monkeypatch, seen=v6) == {}


def test_ports_that_clients_send_from(monkeypatch):
    made = [message(1, "ports", "bitmap:port", net("", port=5000)), message(2, "low", "bitmap:port", net("", port=53))]
    assert sizes(1, [SOURCE], monkeypatch, made) == "the source port"
    assert sizes(2, [SOURCE], monkeypatch, made) == {}
    v6 = packets("2001:db8::1", ports=(22, 80)).flows
    assert sizes(1, [TARGET], monkeypatch, [message(1, "ports", "bitmap:port", net("", port=22))], v6) == {22: 2**128}


def test_large_sets_come_in_several_messages(monkeypatch):
    more = bytes(4) + attribute(2, b"nets\0") + attribute(8, attribute(7 | 0x8000, net("11.0.0.0", 8)))
    assert sizes(1, [SOURCE], monkeypatch, [message(1, "nets", "hash:net", net("10.0.0.0", 8)), more]) == {
        22: 2**25, 80: 2**25,
    }  # fmt: skip
