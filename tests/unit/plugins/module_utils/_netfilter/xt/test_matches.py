# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt, Where, narrow
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import OUTPUT, UNTRACKED
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import region
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.matches import decode
from support.nftables import packets

EVERY = (0, 65535)
SENT = packets()


def answer(match, seen=SENT):
    """True, False, "some", or what it depends on."""
    found = decode(*match, None)(seen)
    if isinstance(found, Where) and not found.doubt:
        every = region(seen.flows.all)
        sure, _may = narrow(found, every, every)
        return sure == every or ("some" if sure else False)
    return found.what if isinstance(found, Doubt) else found.doubt.what if isinstance(found, Where) else found


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


def iprange(which, first="\x0a\0\0\0", last="\x0a\0\0\xff"):
    ends = [each.encode("latin-1").ljust(16, b"\0") for each in (first, last)]
    return "iprange", 1, struct.pack("=16s16s16s16sB", *ends, *ends, which)


def mark(name, value, mask=0xFFFFFFFF, invert=0):
    return name, 1, struct.pack("=IIB", value, mask, invert)


UNICAST, LOCAL = 2, 4


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        pytest.param(tcp(), True, id="TCP"),
        pytest.param(tcp((80, 80)), True, id="port"),
        pytest.param(tcp((81, 90)), False, id="other ports"),
        pytest.param(tcp((81, 90), invert=2), True, id="not other ports"),
        pytest.param(tcp((80, 80), (1024, 65535)), True, id="source port of clients"),
        pytest.param(tcp((80, 80), (2000, 65535)), "the source port", id="source port of some"),
        pytest.param(tcp((80, 80), (1, 1000)), False, id="source port of none"),
        pytest.param(tcp(mask=0x17, flags=2), True, id="syn"),
        pytest.param(tcp(mask=0x17, flags=2, invert=4), False, id="not syn"),
        pytest.param(tcp(mask=0xFF, flags=2), "the client's use of ECN", id="syn alone"),
        pytest.param(tcp(option=8), "the TCP options of the client", id="option"),
        pytest.param(udp((80, 80)), True, id="UDP"),
        pytest.param(multiport(80, 443), True, id="several ports"),
        pytest.param(multiport(81, 443), False, id="several other ports"),
        pytest.param(multiport(81, 443, invert=1), True, id="not several ports"),
        pytest.param(multiport(22, 79, 90, 443, ranges=[1]), True, id="several ranges"),
        pytest.param(multiport(8000, which=0), "the source port", id="several source ports"),
        pytest.param(addrtype(destination=LOCAL), True, id="to this host"),
        pytest.param(addrtype(destination=LOCAL, flags=2), False, id="not to this host"),
        pytest.param(addrtype(destination=UNICAST), False, id="to another host"),
        pytest.param(addrtype(destination=LOCAL, flags=4), "the routes", id="to this device"),
        pytest.param(addrtype(source=LOCAL), False, id="from this host"),
        pytest.param(addrtype(source=UNICAST, destination=LOCAL), True, id="from another host"),
        pytest.param(iprange(1), "some", id="range of clients"),
        pytest.param(iprange(17), "some", id="all but a range of clients"),
        pytest.param(iprange(2), False, id="range of other addresses"),
        pytest.param(iprange(34), True, id="not a range of other addresses"),
        pytest.param(mark("mark", 0), True, id="no mark"),
        pytest.param(mark("mark", 1), False, id="mark"),
        pytest.param(mark("mark", 1, invert=1), True, id="not marked"),
        pytest.param(mark("connmark", 0), True, id="no mark of the connection"),
        pytest.param(("state", 0, struct.pack("=I", 8)), True, id="state new"),
        pytest.param(("state", 0, struct.pack("=I", 6)), False, id="state established"),
        pytest.param(("devgroup", 0, struct.pack("=5I", 1, 0, 0xFFFFFFFF, 0, 0)), True, id="group"),
        pytest.param(("devgroup", 0, struct.pack("=5I", 1, 7, 0xFFFFFFFF, 0, 0)), False, id="another group"),
        pytest.param(("devgroup", 0, struct.pack("=5I", 4, 7, 7, 7, 7)), "the device that it leaves by", id="leaving"),
        pytest.param(("pkttype", 0, struct.pack("=ii", 0, 0)), True, id="to one host"),
        pytest.param(("pkttype", 0, struct.pack("=ii", 1, 0)), False, id="broadcast"),
        pytest.param(("rpfilter", 0, b"\0"), True, id="way back"),
        pytest.param(("rpfilter", 0, b"\x08"), False, id="no way back"),
        pytest.param(("recent", 0, bytes(8) + b"\2\0"), True, id="remembering"),
        pytest.param(("recent", 0, bytes(8) + b"\1\0"), "how often a client has come", id="remembered"),
        pytest.param(("helper", 0, bytes(34)), False, id="helper"),
        pytest.param(("comment", 0, bytes(256)), True, id="comment"),
        pytest.param(("rt", 0, b""), False, id="a header that clients do not send"),
        pytest.param(("limit", 0, b""), "a rate limit", id="limit"),
        pytest.param(("multiport", 9, bytes(48)), "the match 'multiport'", id="too new"),
        pytest.param(("tcp", 0, b"short"), "the match 'tcp'", id="too short"),
    ],
)
def test_matches(match, expected):
    assert answer(match) == expected


def test_matches_of_other_packets():
    here = packets(hook=OUTPUT, comes=(), source=b"\xc0\0\2\1")
    assert answer(addrtype(source=LOCAL), here) is True
    untracked = packets(tracking=UNTRACKED)
    assert answer(("state", 0, struct.pack("=I", 64)), untracked) is True
    assert answer(mark("connmark", 0), untracked) is False
    assert answer(udp(sources=(53, 53)), packets(protocol=17)) is False
    assert answer(("rpfilter", 0, b"\0"), packets(is_routed=False)) == "the routes"


def conntrack_info(**given):
    fields = dict.fromkeys(("source", "source_mask", "address", "address_mask"), bytes(16))
    fields.update(protocol=0, source_port=0, port=0, asks=0, inverts=0, states=0, status=0)
    fields.update(given)
    ends = [fields[name] for name in ("source", "source_mask", "address", "address_mask")]
    numbers = [fields[name] for name in ("source_port", "port")]
    told = [fields[name] for name in ("asks", "inverts", "states", "status")]
    packed = struct.pack("=16s16s16s16s64x8xH4HHHHH", *ends, fields["protocol"], *numbers, 0, 0, *told)
    return "conntrack", 3, packed + struct.pack("=HHHH", *numbers, 0, 0)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"asks": 1, "states": 8}, True),
        ({"asks": 0x2001, "states": 8}, True),
        ({"asks": 1, "states": 6}, False),
        ({"asks": 1, "states": 8, "inverts": 1}, False),
        ({"asks": 2, "protocol": 6}, True),
        ({"asks": 2, "protocol": 17}, False),
        ({"asks": 2, "protocol": 17, "inverts": 2}, True),
        ({"asks": 64, "status": 32}, False),
        ({"asks": 512, "port": 80}, True),
        ({"asks": 512, "port": 81}, False),
        ({"asks": 8, "address": b"\xc0\0\2\1" + bytes(12), "address_mask": b"\xff" * 16}, True),
        ({"asks": 4, "source": b"\x0a" + bytes(15), "source_mask": b"\xff" + bytes(15)}, "some"),
        ({"asks": 4096}, True),
        ({"asks": 4096, "inverts": 4096}, False),
        ({"asks": 128}, "the connection's tracking"),
    ],
)
def test_conntrack(given, expected):
    assert answer(conntrack_info(**given)) == expected


def test_conntrack_of_what_nat_has_sent_on():
    sent_on = SENT._replace(is_sent_on=True)
    assert answer(conntrack_info(asks=1, states=128), sent_on) is True
    assert answer(conntrack_info(asks=64, status=32), sent_on) is True
    assert answer(conntrack_info(asks=512, port=80), sent_on) == "where it was sent at first"
