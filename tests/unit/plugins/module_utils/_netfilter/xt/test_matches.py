# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import (
    Doubt,
    Where,
    doubt_of,
    narrow,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import size
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import OUTPUT, UNTRACKED, native
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
        pytest.param(tcp((80, 80), (1, 1000), invert=1), True, id="not source port of none"),
        pytest.param(tcp((80, 80), (1, 1000), invert=2), False, id="not the port, source port of none"),
        pytest.param(tcp((80, 80), invert=2), False, id="not the port"),
        pytest.param(tcp((80, 80), mask=0x17, flags=2, invert=8), True, id="of the option only"),
        pytest.param(tcp(mask=0x17, flags=0x12), False, id="syn and ack"),
        pytest.param(tcp(mask=0x17, flags=0x12, invert=4), True, id="not syn and ack"),
        pytest.param(tcp(invert=1), False, id="from no port"),
        pytest.param(tcp(invert=2), False, id="to no port"),
        pytest.param(tcp(invert=4), False, id="not without flags"),
        pytest.param(udp((80, 80)), True, id="UDP"),
        pytest.param(udp((81, 81)), False, id="UDP to another port"),
        pytest.param(udp((81, 81), invert=2), True, id="UDP not to another port"),
        pytest.param(udp((80, 80), (1, 9), invert=1), True, id="UDP not from another port"),
        pytest.param(udp((80, 80), (1, 9), invert=2), False, id="UDP from another port"),
        pytest.param(multiport(80, 443), True, id="several ports"),
        pytest.param(multiport(81, 443), False, id="several other ports"),
        pytest.param(multiport(81, 443, invert=1), True, id="not several ports"),
        pytest.param(multiport(22, 79, 90, 443, ranges=[1]), True, id="several ranges"),
        pytest.param(multiport(22, 78, 79, 443, ranges=[1]), False, id="several ranges without it"),
        pytest.param(multiport(79, 80, ranges=[0]), True, id="the end of a range"),
        pytest.param(multiport(80, 443, 80, ranges=[0]), True, id="the beginning of a range"),
        pytest.param(multiport(81, 443, 80, ranges=[0]), True, id="behind a range"),
        pytest.param(multiport(*range(100, 114), 80), True, id="the last of all"),
        pytest.param(multiport(8000, which=0), "the source port", id="several source ports"),
        pytest.param(multiport(80, which=0), False, id="the port as source port"),
        pytest.param(multiport(80, which=2), True, id="either port"),
        pytest.param(multiport(8000, which=2), "the source port", id="either port of another number"),
        pytest.param(addrtype(destination=LOCAL), True, id="to this host"),
        pytest.param(addrtype(destination=LOCAL, flags=2), False, id="not to this host"),
        pytest.param(addrtype(destination=UNICAST), False, id="to another host"),
        pytest.param(addrtype(destination=LOCAL, flags=4), "the routes", id="to this device"),
        pytest.param(addrtype(source=LOCAL), False, id="from this host"),
        pytest.param(addrtype(source=UNICAST, destination=LOCAL), True, id="from another host"),
        pytest.param(addrtype(source=UNICAST, flags=1), False, id="not from another host"),
        pytest.param(addrtype(source=LOCAL, destination=LOCAL, flags=1), True, id="not from this host"),
        pytest.param(addrtype(source=UNICAST, destination=LOCAL, flags=2), False, id="from another, not to this host"),
        pytest.param(addrtype(source=UNICAST, destination=UNICAST, flags=2), True, id="not to another host"),
        pytest.param(addrtype(), True, id="of any type"),
        pytest.param(iprange(1), "some", id="range of clients"),
        pytest.param(iprange(17), "some", id="all but a range of clients"),
        pytest.param(iprange(2), False, id="range of other addresses"),
        pytest.param(iprange(34), True, id="not a range of other addresses"),
        pytest.param(iprange(18), False, id="range of other addresses, inverted for clients"),
        pytest.param(iprange(2, "\xc0\0\2\0", "\xc0\0\2\1"), True, id="range with the address"),
        pytest.param(iprange(2, "\xc0\0\2\2", "\xc0\0\2\3"), False, id="range behind the address"),
        pytest.param(iprange(3), False, id="ranges of clients and of other addresses"),
        pytest.param(iprange(35), "some", id="range of clients, not of other addresses"),
        pytest.param(iprange(0), True, id="no range"),
        pytest.param(mark("mark", 0), True, id="no mark"),
        pytest.param(mark("mark", 1), False, id="mark"),
        pytest.param(mark("mark", 1, invert=1), True, id="not marked"),
        pytest.param(mark("connmark", 0), True, id="no mark of the connection"),
        pytest.param(("state", 0, struct.pack("=I", 8)), True, id="state new"),
        pytest.param(("state", 0, struct.pack("=I", 6)), False, id="state established"),
        pytest.param(("devgroup", 0, struct.pack("=5I", 1, 0, 0xFFFFFFFF, 0, 0)), True, id="group"),
        pytest.param(("devgroup", 0, struct.pack("=5I", 1, 7, 0xFFFFFFFF, 0, 0)), False, id="another group"),
        pytest.param(("devgroup", 0, struct.pack("=5I", 3, 0, 0xFFFFFFFF, 0, 0)), False, id="not the group"),
        pytest.param(("devgroup", 0, struct.pack("=5I", 3, 7, 0xFFFFFFFF, 0, 0)), True, id="not another group"),
        pytest.param(("devgroup", 0, struct.pack("=5I", 1, 0, 0, 0, 0)), True, id="no bit of the group"),
        pytest.param(("devgroup", 0, struct.pack("=5I", 0, 7, 7, 0, 0)), True, id="no group is asked for"),
        pytest.param(("devgroup", 0, struct.pack("=5I", 4, 7, 7, 7, 7)), "the device that it leaves by", id="leaving"),
        pytest.param(("pkttype", 0, struct.pack("=ii", 0, 0)), True, id="to one host"),
        pytest.param(("pkttype", 0, struct.pack("=ii", 1, 0)), False, id="broadcast"),
        pytest.param(("pkttype", 0, struct.pack("=ii", 1, 1)), True, id="no broadcast"),
        pytest.param(("pkttype", 0, struct.pack("=ii", 0, 1)), False, id="not to one host"),
        pytest.param(("rpfilter", 0, b"\4"), True, id="way back, of loopback too"),
        pytest.param(("rpfilter", 0, b"\0"), True, id="way back"),
        pytest.param(("rpfilter", 0, b"\x08"), False, id="no way back"),
        pytest.param(("recent", 0, bytes(8) + b"\2\0"), True, id="remembering"),
        pytest.param(("recent", 0, bytes(8) + b"\1\0"), "how often a client has come", id="remembered"),
        pytest.param(("helper", 0, bytes(34)), False, id="helper"),
        pytest.param(("helper", 0, b"\1" + bytes(33)), True, id="no helper"),
        pytest.param(("nfacct", 1, b""), True, id="counting"),
        pytest.param(("comment", 0, bytes(256)), True, id="comment"),
        pytest.param(("rt", 0, b""), False, id="a header that clients do not send"),
        pytest.param(("limit", 0, b""), "a rate limit", id="limit"),
        pytest.param(("multiport", 9, bytes(48)), "the match 'multiport'", id="too new"),
        pytest.param(("tcp", 0, b"short"), "the match 'tcp'", id="too short"),
    ],
)
def test_matches(match, expected):
    assert answer(match) == expected


def clients_of(match, seen=SENT):
    """How many clients send what the match has."""
    found = decode(*match, None)(seen)
    every = region(seen.flows.all)
    return sum(size(clients) for _flows, clients in narrow(found, every, every)[0])


def test_which_clients_match():
    network = 2**-24
    assert clients_of(iprange(1)) == clients_of(iprange(33)) == network
    assert clients_of(iprange(17)) == 1 - network
    masked = {"source": b"\x0a" + bytes(15), "source_mask": b"\xff\xff\xff" + bytes(13)}
    assert clients_of(conntrack_info(asks=4, **masked)) == network
    assert clients_of(conntrack_info(asks=4, inverts=4, **masked)) == 1 - network
    ends = "\xfd" + "\0" * 15, "\xfd" + "\0" * 14 + "\xff"
    assert clients_of(iprange(1, *ends), packets("2001:db8::1")) == 2**-120


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (mark("mark", 0x12), True),
        (mark("mark", 0x13), False),
        (mark("mark", 0x10, 0xF0), True),
        (mark("mark", 0x10, 0xF0, invert=1), False),
        (mark("mark", 0x12, 0xF0), False),
        (mark("connmark", 0x34), True),
        (mark("connmark", 0x12), False),
    ],
)
def test_marks(match, expected):
    marked = SENT._replace(mark=native(0x12), ct_mark=native(0x34))
    assert answer(match, marked) is expected


class IpSets:
    """One set, which has what comes from some and goes to some."""

    def has(self, index, flows, are_sources):
        return (index, are_sources) in ((7, [True]), (7, [False, True]))

    def name(self, index):
        return f"set {index}"


def of_set(*ends, index=7, flags=0, revision=1, rest=b""):
    flags |= sum(is_source << place for place, is_source in enumerate(ends, 1))
    return "set", revision, struct.pack("=HBB", index, len(ends), flags) + rest


def counters(packets=0, octets=0, flags=0):
    """How each is compared, as in xt_set_info_match_v4."""
    return struct.pack("=4xQB7xQB7xI4x", 0, packets, 0, octets, flags)


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        (of_set(True), True),
        (of_set(False), False),
        (of_set(False, True), True),
        (of_set(True, False), False),
        (of_set(True, index=8), False),
        (of_set(True, flags=1), False),
        (of_set(False, flags=1), True),
        (of_set(True, flags=128), "the counters of an ipset"),
        (of_set(True, revision=4, rest=counters()), True),
        (of_set(True, revision=4, rest=counters(packets=1)), "the counters of an ipset"),
        (of_set(True, revision=4, rest=counters(octets=1)), "the counters of an ipset"),
        (of_set(True, revision=4, rest=counters(flags=1 << 3)), "the counters of an ipset"),
        (of_set(True, revision=2, rest=counters(packets=1)), True),
        (of_set(True, revision=0), "the match 'set'"),
    ],
)
def test_ipsets(match, expected):
    found = decode(*match, IpSets)(SENT)
    assert (found.what if isinstance(found, Doubt) else found) == expected


def test_an_ipset_that_packets_have_changed_themselves():
    found = decode(*of_set(True), IpSets)(SENT._replace(updated=frozenset([7])))
    assert found.what == "what is in the ipset set 7 then"


def test_matches_of_other_packets():
    here = packets(hook=OUTPUT, comes=(), source=b"\xc0\0\2\1")
    assert answer(addrtype(source=LOCAL), here) is True
    untracked = packets(tracking=UNTRACKED)
    assert answer(("state", 0, struct.pack("=I", 64)), untracked) is True
    assert answer(mark("connmark", 0), untracked) is False
    assert answer(udp(sources=(53, 53)), packets(protocol=17)) is False
    assert answer(("rpfilter", 0, b"\0"), packets(is_routed=False)) == "the routes"


def conntrack_info(revision=3, last_ports=(0, 0), **given):
    fields = dict.fromkeys(("source", "source_mask", "address", "address_mask"), bytes(16))
    fields.update(protocol=0, source_port=0, port=0, asks=0, inverts=0, states=0, status=0)
    fields.update(given)
    ends = [fields[name] for name in ("source", "source_mask", "address", "address_mask")]
    numbers = [fields[name] for name in ("source_port", "port")]
    told = [fields[name] for name in ("asks", "inverts", "states", "status")]
    packed = struct.pack("=16s16s16s16s64x8xH4HHHHH", *ends, fields["protocol"], *numbers, 0, 0, *told)
    ends = [last or first for first, last in zip(numbers, last_ports)]
    return "conntrack", revision, packed + (struct.pack("=HHHH", *ends, 0, 0) if revision == 3 else b"")


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
        ({"asks": 1, "states": 6, "inverts": 1}, True),
        ({"asks": 2, "protocol": 6, "inverts": 2}, False),
        ({"asks": 2, "protocol": 6, "inverts": 64}, True),
        ({"asks": 64, "status": 32, "inverts": 64}, True),
        ({"asks": 64, "status": 2}, False),
        ({"asks": 64, "status": 16}, "the connection's tracking"),
        ({"asks": 512, "port": 79, "last_ports": (0, 81)}, True),
        ({"asks": 512, "port": 70, "last_ports": (0, 79)}, False),
        ({"asks": 512, "port": 80, "inverts": 512}, False),
        ({"asks": 512, "port": 80, "inverts": 256}, True),
        ({"asks": 512, "port": 81, "inverts": 512}, True),
        ({"asks": 256, "source_port": 1024, "last_ports": (65535, 0)}, True),
        ({"asks": 256, "source_port": 1}, False),
        ({"asks": 256, "source_port": 1, "inverts": 256}, True),
        ({"asks": 256, "source_port": 5000}, "the source port"),
        ({"asks": 8, "address": b"\xc0\0\2\2" + bytes(12), "address_mask": b"\xff" * 16}, False),
        ({"asks": 8, "inverts": 8, "address": b"\xc0\0\2\2" + bytes(12), "address_mask": b"\xff" * 16}, True),
        ({"asks": 8, "address": b"\xc0" + bytes(15), "address_mask": b"\xff" + bytes(15)}, True),
        ({"asks": 513, "states": 8, "port": 80}, True),
        ({"asks": 513, "states": 8, "port": 81}, False),
        ({"asks": 0}, True),
    ],
)
def test_conntrack(given, expected):
    assert answer(conntrack_info(**given)) == expected


def test_conntrack_before_it_had_ranges():
    in_network_order = struct.unpack("=H", struct.pack(">H", 80))[0]
    assert answer(conntrack_info(revision=2, asks=512, port=in_network_order)) is True
    assert answer(conntrack_info(revision=2, asks=512, port=in_network_order + 1)) is False


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"asks": 1, "states": 256}, True),
        ({"asks": 1, "states": 64}, False),
        ({"asks": 1, "states": 256, "inverts": 1}, False),
        ({"asks": 513, "states": 256, "port": 81}, True),
        ({"asks": 512, "port": 80}, False),
    ],
)
def test_conntrack_of_what_is_not_tracked(given, expected):
    """xt_conntrack looks at the state, and at nothing else."""
    assert answer(conntrack_info(**given), packets(tracking=UNTRACKED)) is expected


HERE, THERE, FIRST_BYTES = b"\xc0\0\2\1", b"\xc0\0\2\2", b"\xff\xff\xff\0"


@pytest.mark.parametrize(
    ("ends", "given", "expected"),
    [
        ({(HERE, 80)}, {"asks": 512, "port": 80}, True),
        ({(HERE, 80)}, {"asks": 512, "port": 80, "inverts": 512}, False),
        ({(HERE, 80)}, {"asks": 512, "port": 81}, False),
        ({(HERE, 80), (HERE, 81)}, {"asks": 512, "port": 80}, "where it was sent at first"),
        ({(HERE, 80), (HERE, 81)}, {"asks": 512, "port": 79, "last_ports": (0, 81)}, True),
        ({(HERE, 80)}, {"asks": 8, "address": HERE.ljust(16, b"\0"), "address_mask": b"\xff" * 16}, True),
        ({(THERE, 80)}, {"asks": 8, "address": HERE.ljust(16, b"\0"), "address_mask": b"\xff" * 16}, False),
        ({(THERE, 80)}, {"asks": 8, "address": HERE.ljust(16, b"\0"), "address_mask": FIRST_BYTES.ljust(16, b"\0")},
         True),
    ],
)  # fmt: skip
def test_conntrack_knows_where_packets_went_before_nat(ends, given, expected):
    sent_on = packets()._replace(is_sent_on=True)
    assert answer(conntrack_info(**given), sent_on) == "where it was sent at first"
    sent_on.flows.first_ends = dict.fromkeys(sent_on.flows.each(sent_on.flows.all), ends)
    assert answer(conntrack_info(**given), sent_on) == expected
    if expected == "where it was sent at first":
        assert not doubt_of(decode(*conntrack_info(**given), None)(sent_on)).is_understood


def test_conntrack_of_what_nat_has_sent_on():
    sent_on = SENT._replace(is_sent_on=True)
    assert answer(conntrack_info(asks=1, states=128), sent_on) is True
    assert answer(conntrack_info(asks=64, status=32), sent_on) is True
    assert answer(conntrack_info(asks=64, status=32, inverts=64), sent_on) is False
    assert answer(conntrack_info(asks=1, states=128, inverts=1), sent_on) is False
    assert answer(conntrack_info(asks=256, source_port=1), sent_on) is False
