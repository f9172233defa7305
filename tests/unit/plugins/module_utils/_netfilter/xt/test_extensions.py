# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import (
    OUTPUT,
    PREROUTING,
    NeedsPortError,
    Packet,
    Target,
    Verdict,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import extensions, port_matches
from support.nftables import WAN
from support.records import at

PACKET = Packet(6, PREROUTING, WAN, at("192.0.2.1").address, 80)
EVERY = (0, 65535)


def tcp(ports=EVERY, sources=EVERY, option=0, mask=0, flags=0, invert=0):
    return "tcp", 0, struct.pack("=HHHHBBBB", *sources, *ports, option, mask, flags, invert)


def udp(ports=EVERY, sources=EVERY, invert=0):
    return "udp", 0, struct.pack("=HHHHBxxx", *sources, *ports, invert)


def multiport(*numbers, which=1, ranges=(), invert=0):
    begins = [int(place in ranges) for place in range(15)]
    padded = [*numbers, *[0] * (15 - len(numbers))]
    return "multiport", 1, struct.pack("=BB15H15BB", which, len(numbers), *padded, *begins, invert)


def addrtype(source=0, destination=0, flags=0):
    return "addrtype", 1, struct.pack("=HHI", source, destination, flags)


def conntrack(match=1, invert=0, states=8):
    return "conntrack", 3, struct.pack("=146xHHHH6x", match, invert, states, 0)


UNICAST, LOCAL = 2, 4


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        pytest.param(tcp(), True, id="TCP"),
        pytest.param(tcp((80, 80)), True, id="port"),
        pytest.param(tcp((81, 90)), False, id="other ports"),
        pytest.param(tcp((81, 90), invert=2), True, id="not other ports"),
        pytest.param(tcp((80, 80), (1024, 65535)), "the source port", id="source port"),
        pytest.param(tcp((81, 81), (1024, 65535)), False, id="source port, other port"),
        pytest.param(tcp(mask=0x17, flags=2), True, id="syn"),
        pytest.param(tcp(mask=0x17, flags=2, invert=4), False, id="not syn"),
        pytest.param(tcp(mask=0x12, flags=0x12), False, id="syn and ack"),
        pytest.param(tcp(mask=0xFF, flags=2), "the client's use of ECN", id="syn alone"),
        pytest.param(tcp(option=8), "the TCP header", id="option"),
        pytest.param(udp((80, 80)), True, id="UDP"),
        pytest.param(udp((80, 80), invert=2), False, id="UDP, other ports"),
        pytest.param(udp(sources=(53, 53), invert=1), "the source port", id="UDP, source port"),
        pytest.param(multiport(80, 443), True, id="several ports"),
        pytest.param(multiport(81, 443), False, id="several other ports"),
        pytest.param(multiport(81, 443, invert=1), True, id="not several ports"),
        pytest.param(multiport(22, 79, 90, 443, ranges=[1]), True, id="several ranges"),
        pytest.param(multiport(80, which=0), "the source port", id="several source ports"),
        pytest.param(multiport(80, which=2), "the source port", id="several ports of either end"),
        pytest.param(addrtype(destination=LOCAL), True, id="to this host"),
        pytest.param(addrtype(destination=LOCAL, flags=2), False, id="not to this host"),
        pytest.param(addrtype(destination=UNICAST), False, id="to another host"),
        pytest.param(addrtype(destination=LOCAL, flags=4), "the routes", id="to this device"),
        pytest.param(addrtype(source=LOCAL), False, id="from this host"),
        pytest.param(addrtype(source=LOCAL, flags=1), True, id="not from this host"),
        pytest.param(addrtype(source=UNICAST, destination=LOCAL), True, id="from another host"),
        pytest.param(conntrack(), True, id="new"),
        pytest.param(conntrack(match=0x2001), True, id="new, as -m state has it"),
        pytest.param(conntrack(states=2), False, id="established"),
        pytest.param(conntrack(invert=1), False, id="not new"),
        pytest.param(conntrack(match=3), "the connection's tracking", id="something else of a connection"),
        pytest.param(("comment", 0, bytes(256)), True, id="comment"),
        pytest.param(("mark", 1, bytes(12)), "the match 'mark'", id="mark"),
        pytest.param(("multiport", 9, bytes(48)), "the match 'multiport'", id="too new"),
        pytest.param(("tcp", 0, b"short"), "the match 'tcp'", id="too short"),
    ],
)
def test_matches(match, expected):
    assert extensions.test(*match)(PACKET) == expected


def test_matches_of_other_packets():
    from_here = PACKET._replace(hook=OUTPUT)
    assert extensions.test(*addrtype(source=LOCAL))(from_here) is True
    assert extensions.test(*tcp())(PACKET._replace(port=None)) is True
    for match in (tcp((80, 80)), multiport(80)):
        with pytest.raises(NeedsPortError):
            extensions.test(*match)(PACKET._replace(port=None))


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (tcp((80, 80)), (80,)),
        (udp((53, 53)), (53,)),
        (tcp((80, 80), invert=2), None),
        (tcp((80, 90)), None),
        (tcp(), None),
        (multiport(80, 443), {80, 443}),
        (multiport(80, 90, ranges=[0]), None),
        (multiport(80, invert=1), None),
        (multiport(80, which=2), None),
        (("multiport", 0, bytes(48)), None),
        (("tcp", 1, tcp((80, 80))[2]), None),
        (("tcp", 0, b"short"), None),
        (addrtype(), None),
    ],
)
def test_ports(match, expected):
    assert port_matches.only(*match) == expected


FIVE, NINE = b"\x0a\x58\0\5", b"\x0a\x58\0\x09"
SIX = at("fd00::5").address


def old(flags, first=FIVE, last=FIVE, ports=(80, 80)):
    return struct.pack("=II4s4s", 1, flags, first, last) + struct.pack(">HH", *ports)


def new(flags, first=FIVE, last=FIVE, ports=(80, 80), base=None):
    tail = b"" if base is None else struct.pack(">HH", base, 0)
    return struct.pack("=I16s16s", flags, first, last) + struct.pack(">HH", *ports) + tail


@pytest.mark.parametrize(
    ("name", "revision", "info", "is_ipv6", "expected"),
    [
        pytest.param("DNAT", 0, old(3), False, Target(addresses=(FIVE, FIVE), ports=(80, 80)), id="old"),
        pytest.param("DNAT", 1, new(1), False, Target(addresses=(FIVE, FIVE)), id="address alone"),
        pytest.param("DNAT", 2, new(2, base=0), False, Target(ports=(80, 80)), id="port alone"),
        pytest.param(
            "DNAT",
            2,
            new(3, FIVE, NINE, (80, 90), 0),
            False,
            Target(addresses=(FIVE, NINE), ports=(80, 90)),
            id="ranges",
        ),
        pytest.param(
            "DNAT",
            2,
            new(35, ports=(80, 90), base=70),
            False,
            Target(addresses=(FIVE, FIVE), ports=(80, 90), base_port=70),
            id="shifted",
        ),
        pytest.param(
            "DNAT", 2, new(3, SIX, SIX, base=0), True, Target(addresses=(SIX, SIX), ports=(80, 80)), id="IPv6"
        ),
        pytest.param("REDIRECT", 0, old(2), False, Target(is_redirect=True, ports=(80, 80)), id="redirect"),
        pytest.param("REDIRECT", 0, new(2), True, Target(is_redirect=True, ports=(80, 80)), id="redirect, IPv6"),
    ],
)
def test_targets(name, revision, info, is_ipv6, expected):
    assert extensions.target(name, revision, info, is_ipv6) == (Verdict("nat", target=expected), None)


def test_other_targets():
    assert extensions.target("MARK", 2, bytes(8), False) == (None, None)
    assert extensions.target("NETMAP", 0, bytes(20), False) == (Verdict("nat"), None)
    assert extensions.target("NFQUEUE", 3, bytes(8), False) == (Verdict("accept"), "the target 'NFQUEUE'")
    assert extensions.target("DNAT", 2, b"short", False) == (Verdict("nat"), "the target 'DNAT'")
