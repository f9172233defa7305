# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What rules see of packets, by the numbers of linux/netfilter/nf_tables.h and nf_conntrack_common.h."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import (
    FORWARD,
    INPUT,
    NOT_YET,
    OUTPUT,
    POSTROUTING,
    UNTRACKED,
    bits,
    native,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import Field, Unknown, size_of
from support.nftables import packets
from support.records import at

ADDRESS, ADDRESS6 = at("192.0.2.1").address, at("2001:db8::1").address
IPV4, IPV6 = packets(), packets("2001:db8::1", protocol=17)
SENT_HERE = packets(hook=OUTPUT, comes=(), source=ADDRESS)
SOURCE, SOURCE6 = Field("source", 0, 4, 0xFFFFFFFF), Field("source", 0, 16, (1 << 128) - 1)
SOURCE_PORT, PORT = Field("source port", 0, 2, 0xFFFF), Field("port", 0, 2, 0xFFFF)


def told(value):
    """What it depends on, and its size, where it is not known."""
    return (value.doubt.what, value.size) if isinstance(value, Unknown) else value


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (0, ("its length", 4)),
        (1, b"\x08\0"),
        (3, bytes(4)),
        (4, native(2)),
        (5, bytes(4)),
        (6, b"wan0".ljust(16, b"\0")),
        (7, bytes(16)),
        (8, struct.pack("=H", 1)),
        (10, None),
        (11, None),
        (15, b"\2"),
        (16, b"\6"),
        (17, ("the meta key 17", 16)),
        (18, ("the meta key 18", 16)),
        (19, b"\0"),
        (20, ("the processor that takes it", 4)),
        (21, bytes(4)),
        (23, None),
        (24, ("chance", 4)),
        (25, ("whether IPsec protects it", 4)),
        (26, ("the meta key 26", 16)),
        (27, ("the meta key 27", 16)),
        (30, ("the time", 8)),
        (31, ("the time", 4)),
        (32, ("the time", 4)),
        (33, ("the meta key 33", 4)),
        (34, ("the meta key 34", 16)),
    ],
)
def test_meta(key, expected):
    assert told(IPV4.meta(key)) == expected


def test_meta_of_other_packets():
    assert [IPV6.meta(key) for key in (1, 15, 16)] == [b"\x86\xdd", b"\x0a", b"\x11"]
    for hook in (OUTPUT, POSTROUTING):
        sent = SENT_HERE._replace(hook=hook)
        assert [told(sent.meta(key))[0] for key in (10, 11, 19, 23)] == [
            f"the meta key {key}" for key in (10, 11, 19, 23)
        ]
    assert IPV4._replace(hook=FORWARD).meta(19) == IPV4._replace(hook=INPUT).meta(19) == b"\0"
    assert IPV4._replace(mark=native(7)).meta(3) == native(7)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (0, native(8)),
        (1, b"\0"),
        (3, bytes(4)),
        (6, None),
        (7, b"\2"),
        (8, SOURCE),
        (9, ADDRESS),
        (10, b"\6"),
        (11, SOURCE_PORT),
        (12, PORT),
        (13, ("the connection's tracking", 16)),
        (19, SOURCE),
        (20, ADDRESS),
        (21, SOURCE),
        (22, ADDRESS),
        (23, ("the connection's tracking", 16)),
    ],
)
def test_connection(key, expected):
    assert told(IPV4.connection(key)) == expected


def test_the_status_of_a_connection():
    """Nothing has been seen in answer to it (IPS_SEEN_REPLY), nor is it expected, assured or confirmed."""
    status = IPV4.connection(2)
    assert (status.size, status.known_mask, status.known_bits) == (4, bits(0x2F), 0)
    assert IPV4._replace(is_sent_on=True).connection(2).known_bits == bits(0x20)


def test_connections_of_other_packets():
    assert (IPV6.connection(7), IPV6.connection(10), IPV6.connection(21)) == (b"\x0a", b"\x11", SOURCE6)
    assert told(IPV4.connection(12, 1)) == ("the connection's tracking", 16)
    assert told(IPV4._replace(is_sent_on=True).connection(12)) == ("the connection's tracking", 16)
    assert IPV4._replace(ct_mark=native(7)).connection(3) == native(7)
    for tracking, state in ((NOT_YET, 1), (UNTRACKED, 64)):
        other = IPV4._replace(tracking=tracking)
        assert (other.connection(0), other.connection(3), other.connection(12)) == (native(state), None, None)


def test_only_what_is_not_tracked_yet_can_stay_so():
    assert IPV4._replace(tracking=NOT_YET).untracked().tracking == UNTRACKED
    assert IPV4.untracked() == IPV4


@pytest.mark.parametrize(
    ("seen", "result", "flags", "expected"),
    [
        pytest.param(IPV4, 3, 2, native(2), id="to this host"),
        pytest.param(packets(), 3, 1, native(1), id="from another"),
        pytest.param(SENT_HERE, 3, 1, native(2), id="from this host"),
        pytest.param(IPV4, 3, 9, ("the routes", 4), id="of one device"),
        pytest.param(IPV4, 1, 9, native(2), id="device of the way back"),
        pytest.param(IPV4, 2, 9, b"wan0".ljust(16, b"\0"), id="name of the device of the way back"),
        pytest.param(IPV4, 1, 41, b"\1", id="there is a way back"),
        pytest.param(IPV4, 1, 1, native(2), id="by whatever device"),
        pytest.param(IPV4, 1, 2, ("the routes", 4), id="device of the way on"),
        pytest.param(IPV4, 2, 2, ("the routes", 16), id="name of the device of the way on"),
        pytest.param(packets(is_routed=False), 1, 9, ("the routes", 4), id="no usual way back"),
        pytest.param(packets(is_routed=False), 2, 41, ("the routes", 16), id="is there a way back"),
    ],
)
def test_route(seen, result, flags, expected):
    assert told(seen.route(result, flags)) == expected


def test_routes_of_what_is_sent_on():
    flows = type(IPV4.flows)(6, IPV4.flows.arrivals, [80], is_local=False)
    assert IPV4._replace(flows=flows).route(3, 2) == native(1)


@pytest.mark.parametrize(
    ("seen", "base", "offset", "size", "expected"),
    [
        pytest.param(IPV4, 1, 0, 1, b"\x45", id="version"),
        pytest.param(IPV4, 1, 9, 1, b"\6", id="protocol"),
        pytest.param(IPV4, 1, 8, 1, ("the time to live", 1), id="time to live"),
        pytest.param(IPV4, 1, 10, 2, ("the header", 2), id="checksum"),
        pytest.param(IPV4, 1, 12, 4, SOURCE, id="source"),
        pytest.param(IPV4, 1, 16, 4, ADDRESS, id="destination"),
        pytest.param(IPV4, 1, 18, 4, ("the header", 4), id="beyond the header"),
        pytest.param(IPV4, 2, 0, 2, SOURCE_PORT, id="source port"),
        pytest.param(IPV4, 2, 2, 2, PORT, id="port"),
        pytest.param(IPV4, 2, 13, 1, ("the client's use of ECN", 1), id="flags"),
        pytest.param(IPV4, 2, 4, 9, ("the header", 9), id="rest of TCP"),
        pytest.param(IPV4, 0, 0, 6, ("the header", 6), id="link layer"),
        pytest.param(IPV6, 1, 6, 1, b"\x11", id="next header"),
        pytest.param(IPV6, 1, 7, 1, ("the time to live", 1), id="hop limit"),
        pytest.param(IPV6, 1, 8, 16, SOURCE6, id="source over IPv6"),
        pytest.param(IPV6, 1, 24, 16, ADDRESS6, id="destination over IPv6"),
        pytest.param(IPV6, 2, 2, 2, PORT, id="port of UDP"),
        pytest.param(IPV6, 2, 4, 2, ("the header", 2), id="length of UDP"),
        pytest.param(IPV4, 1, 0, 200, ("the header", 64), id="more than registers have"),
    ],
)
def test_payload(seen, base, offset, size, expected):
    assert told(seen.payload(base, offset, size)) == expected


def test_bits_of_the_headers_that_are_known():
    version, fragment, flags = IPV6.payload(1, 0, 1), IPV4.payload(1, 6, 2), IPV4.payload(2, 13, 1)
    assert (version.known_mask, version.known_bits) == (0xF0, 0x60)
    assert (fragment.known_mask, fragment.known_bits, fragment.doubt.what) == (0xBFFF, 0, "the flag DF of its header")
    assert (flags.known_mask, flags.known_bits) == (0x3F, 0x02)
    assert (size_of(IPV4.flows.header(True)), size_of(IPV6.flows.header(True))) == (20, 40)
    assert (size_of(IPV4.flows.header(False)), size_of(IPV6.flows.header(False))) == (14, 4)
