# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers about all packets at once, beside those about each of them."""

from __future__ import annotations

import itertools
import random
import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import flows as fields
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import (
    Doubt,
    Where,
    doubt_of,
    exactly,
    inverted,
    narrow,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import between, matching
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Arrival, Device, Flows
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import flows_of, region
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import Field, Unknown, joined
from support.records import at

TCP, UDP = 6, 17
WAN, LAN, BRIDGE = Device(2, "wan0"), Device(300, "lan0", group=7), Device(4, "br\udcff", kind=772)
ONE, TWO, THREE = (at(address).address for address in ("192.0.2.1", "192.0.2.2", "10.0.0.1"))
PORTS = (22, 53, 80, 443)
ARRIVALS = (Arrival(ONE, (WAN,)), Arrival(TWO, (WAN, LAN), (BRIDGE,)), Arrival(THREE, (LAN, BRIDGE)), Arrival(ONE))
FLOWS = Flows(TCP, ARRIVALS, reversed(PORTS))
SIZES = {"iif": 4, "iifname": 16, "iifgroup": 4, "iiftype": 2, "oif": 4, "oifname": 16, "address": 4, "port": 2}


def of_device(device, name):
    if name.endswith("name"):
        return device.name.encode("utf-8", "surrogateescape").ljust(16, b"\0")
    if name == "iiftype":
        return struct.pack("=H", device.kind)
    return struct.pack("=I", device.group if name == "iifgroup" else device.number)


def possible(arrival, port, name):
    """The values of a field that packets of one flow may have."""
    if name in ("address", "port"):
        return {arrival.address if name == "address" else struct.pack(">H", port)}
    devices = arrival.goes if name.startswith("oif") else arrival.comes
    return {of_device(device, name) for device in devices} or {bytes(SIZES[name])}


def number(flows, place, port):
    return 1 << place * len(flows.ports) + flows.ports.index(port)


def expected(field, has, most=9):
    """The flows of which all packets have it, if it is known of at most so many values; and of which some may."""
    sure = may = 0
    for (place, arrival), port in itertools.product(enumerate(ARRIVALS), PORTS):
        values = possible(arrival, port, field.name)
        parts = (int.from_bytes(each[field.at : field.at + field.size], "big") for each in values)
        answers = [has(part) for part in {(part & field.mask) ^ field.flips for part in parts}]
        sure |= number(FLOWS, place, port) if all(answers) and len(answers) <= most else 0
        may |= number(FLOWS, place, port) if any(answers) else 0
    return sure, may


def found(answer, flows=FLOWS):
    every = region(flows.all)
    return tuple(flows_of(each) for each in narrow(answer, every, every))


def any_field(chance):
    name = chance.choice(sorted(SIZES))
    begin = chance.choice([0, 0, chance.randrange(SIZES[name])])
    size = SIZES[name] - begin if chance.random() < 0.7 else chance.randint(1, SIZES[name] - begin)
    full = (1 << 8 * size) - 1
    mask = chance.choice([full, full, chance.getrandbits(8 * size)])
    return Field(name, begin, size, mask, chance.choice([0, 0, chance.getrandbits(8 * size)]))


def a_value(chance, field):
    """Mostly one that some packets have."""
    if chance.random() < 0.2:
        return chance.getrandbits(8 * field.size)
    whole = chance.choice(sorted(possible(chance.choice(ARRIVALS), chance.choice(PORTS), field.name)))
    return int.from_bytes(whole[field.at : field.at + field.size], "big") & field.mask ^ field.flips


@pytest.mark.parametrize("seed", range(150))
def test_fields(seed):
    chance = random.Random(seed)
    field = any_field(chance)
    low, high = sorted((a_value(chance, field), a_value(chance, field)))
    first, last = (each.to_bytes(field.size, "big") for each in (low, high))
    assert found(FLOWS.equal(field, first)) == expected(field, lambda value: value == low)
    assert found(inverted(FLOWS.equal(field, last))) == expected(field, lambda value: value != high)
    if field.name != "port" or FLOWS.is_whole(field) or low == high:
        assert found(FLOWS.between(field, first, last)) == expected(field, lambda value: low <= value <= high, 1)
    else:
        assert FLOWS.between(field, first, last) == Doubt("a part of a number", is_understood=False)


@pytest.mark.parametrize("name", sorted(SIZES))
def test_load(name):
    values = {value for arrival in ARRIVALS for port in PORTS for value in possible(arrival, port, name)}
    field = Field(name, 0, SIZES[name], (1 << 8 * SIZES[name]) - 1)
    assert FLOWS.load(name) == (values.pop() if len(values) == 1 else field)
    assert FLOWS.is_whole(field)
    assert not FLOWS.is_whole(field._replace(flips=1))
    assert not FLOWS.is_whole(field._replace(mask=field.mask - 1))
    assert not FLOWS.is_whole(field._replace(size=field.size - 1, mask=field.mask >> 8))


def test_what_all_packets_have_is_no_field():
    one = Flows(TCP, ARRIVALS[:1], [80])
    assert [one.load(name) for name in ("iif", "iifname", "address")] == [
        struct.pack("=I", 2),
        b"wan0" + bytes(12),
        ONE,
    ]
    assert isinstance(one.load("port"), Field)
    sent_here = Flows(TCP, [Arrival(ONE, source=TWO)], [80])
    assert sent_here.load("source") == TWO


def test_the_source_address():
    source = FLOWS.load("source")
    assert source == Field("source", 0, 4, 0xFFFFFFFF)
    network = between(10 << 24, (11 << 24) - 1, 32)
    assert FLOWS.between(source, b"\x0a\0\0\0", b"\x0a\xff\xff\xff") == exactly(region(FLOWS.all, network))
    head = Field("source", 0, 1, 0xFF)
    assert FLOWS.equal(head, b"\x0a") == exactly(region(FLOWS.all, network))
    assert FLOWS.equal(head._replace(flips=1), b"\x0b") == exactly(region(FLOWS.all, network))
    end = Field("source", 3, 1, 0xFF)
    assert FLOWS.equal(end, b"\7") == Doubt("the source address")
    second = Field("source", 2, 2, 0xFFF8)
    assert FLOWS.equal(second, b"\0\x08") == Doubt("the source address")
    assert FLOWS.equal(Field("source", 0, 4, 0xFFFF0007), b"\xc0\0\0\7") == Doubt("the source address")
    some = matching(0xFFFFFF07, 0xC0000007, 32)
    assert FLOWS.equal(Field("source", 0, 4, 0xFFFFFF07), b"\xc0\0\0\7") == exactly(region(FLOWS.all, some))
    assert FLOWS.equal(head._replace(mask=0xF0), b"\x0a") is False
    assert FLOWS.between(head, b"\x0a", b"\x0b") == Doubt("a part of a number", is_understood=False)


@pytest.mark.parametrize(
    ("first", "last", "tcp", "udp"),
    [
        (0, 65535, True, "all"),
        (1024, 65535, True, "some"),
        (1025, 65535, "some", "some"),
        (1024, 65534, "some", "some"),
        (0, 1024, "some", "some"),
        (0, 1023, False, "own"),
        (53, 53, False, "own"),
        (54, 79, False, False),
        (2000, 2000, "some", "some"),
    ],
)
def test_source_ports(first, last, tcp, udp):
    """Of UDP they may also be the port that the packet is for, as with NTP."""
    ends = first.to_bytes(2, "big"), last.to_bytes(2, "big")
    source_port, doubt = FLOWS.load("source port"), Doubt("the source port")
    assert FLOWS.between(source_port, *ends) == (doubt if tcp == "some" else tcp)
    other = Flows(UDP, ARRIVALS[:1], PORTS)
    own = other.to_ports(first, last)
    answer = other.between(source_port, *ends)
    wanted = {"all": (other.all, other.all), "some": (0, other.all), "own": (0, own), False: (0, 0)}[udp]
    assert (found(answer, other), doubt_of(answer)) == (wanted, doubt if udp in ("some", "own") else None)
    assert FLOWS.equal(source_port._replace(mask=0xFF), b"\0\7") == doubt


def test_flows_of_arrivals_and_ports():
    by_hand = {(place, port): number(FLOWS, place, port) for place in range(len(ARRIVALS)) for port in PORTS}
    assert FLOWS.all == sum(by_hand.values())
    assert list(FLOWS.each(FLOWS.all)) == list(by_hand)
    for key, flow in by_hand.items():
        assert list(FLOWS.each(flow)) == [key]
        assert FLOWS.flow(key[0], (key[1],)) == flow
    assert FLOWS.arrival(1) == FLOWS.flow(1, PORTS) == sum(by_hand[1, port] for port in PORTS)
    assert FLOWS.flow(2, (22, 443)) == by_hand[2, 22] | by_hand[2, 443]
    for first, last in itertools.product(range(20, 90, 3), range(20, 90, 7)):
        to = sum(flow for (_place, port), flow in by_hand.items() if first <= port <= last)
        assert FLOWS.to_ports(first, last) == (to if first <= last else FLOWS.to_ports(first, last))


def test_by_devices():
    sure, may = (flows_of(each) for each in FLOWS.by_devices({"wan0"}))
    assert (sure, may) == (FLOWS.arrival(0), FLOWS.arrival(0) | FLOWS.arrival(1))
    sure, may = (flows_of(each) for each in FLOWS.by_devices({"lan0", "wan0"}))
    assert (sure, may) == (FLOWS.arrival(0) | FLOWS.arrival(1), FLOWS.arrival(0) | FLOWS.arrival(1) | FLOWS.arrival(2))
    assert FLOWS.by_devices(set()) == ((), ())


def test_bytes_and_what_is_not_known():
    chance = Doubt("chance")
    assert FLOWS.equal(b"ab", b"ab") is True
    assert FLOWS.equal(b"ab", b"ac") is False
    assert [FLOWS.between(value, b"b", b"d") for value in (b"a", b"b", b"c", b"d", b"e")] == [
        False, True, True, True, False,
    ]  # fmt: skip
    unknown = Unknown(chance, 2, 0xFF00, 0x1200)
    assert FLOWS.equal(unknown, b"\x12\7") == FLOWS.between(unknown, b"\x12\7", b"\x12\7") == chance
    assert FLOWS.equal(unknown, b"\x13\7") is False
    assert FLOWS.between(unknown, b"\x13\0", b"\x14\0") == chance
    several = joined([FLOWS.load("port"), b"\1"])
    assert found(FLOWS.equal(several, b"\0\x50\1")) == (FLOWS.to_ports(80, 80),) * 2
    assert FLOWS.equal(several, b"\0\x50\2") is False
    assert FLOWS.between(several, b"\0\x50\0", b"\0\x51\1") == Doubt(
        "several fields as one number", is_understood=False
    )
    assert FLOWS.between(joined([several, unknown]), bytes(5), b"\1" * 5) == chance


def test_every_and_some():
    port_80, chance = exactly(region(FLOWS.to_ports(80, 80))), Doubt("chance")
    here = exactly(region(FLOWS.arrival(1)))
    assert FLOWS.every([]) == exactly(region(FLOWS.all))
    assert found(FLOWS.every([port_80, here])) == (FLOWS.flow(1, (80,)),) * 2
    assert found(FLOWS.some([port_80, here])) == (FLOWS.to_ports(80, 80) | FLOWS.arrival(1),) * 2
    assert FLOWS.every([port_80, False]) is False
    assert FLOWS.some([port_80, True]) is True
    both = FLOWS.every([port_80, chance])
    assert (found(both), doubt_of(both)) == ((0, FLOWS.to_ports(80, 80)), chance)
    either = FLOWS.some([port_80, chance])
    assert (found(either), doubt_of(either)) == ((FLOWS.to_ports(80, 80), FLOWS.all), chance)
    assert found(FLOWS.some([])) == (0, 0)


def test_narrow():
    every, port_80 = region(FLOWS.all), region(FLOWS.to_ports(80, 80))
    others = region(FLOWS.all & ~FLOWS.to_ports(80, 80))
    maybe = Where((), port_80, Doubt("chance"))
    assert narrow(True, port_80, every) == (port_80, every)
    assert narrow(False, port_80, every) == ((), ())
    assert narrow(Doubt("chance"), port_80, every) == ((), every)
    assert narrow(exactly(port_80), every, every) == (port_80, port_80)
    assert narrow(exactly(port_80), others, every) == ((), port_80)
    assert narrow(maybe, every, every) == ((), port_80)
    assert narrow(inverted(exactly(port_80)), every, every) == (others, others)
    assert narrow(inverted(maybe), every, every) == (others, every)
    assert narrow(inverted(exactly(port_80)), port_80, every) == ((), others)


def test_inverted():
    where, doubt = exactly(region(1)), Doubt("chance")
    assert [inverted(each) for each in (True, False, doubt)] == [False, True, doubt]
    assert inverted(inverted(where)) == where != inverted(where)
    assert [inverted(each, 0) for each in (True, where, doubt)] == [True, where, doubt]
    assert [doubt_of(each) for each in (True, doubt, where, Where((), where.may, doubt))] == [None, doubt, None, doubt]


def test_ipv6():
    v6 = Flows(TCP, [Arrival(at("2001:db8::1").address, (WAN,))], [80])
    assert (v6.is_ipv6, v6.bits, FLOWS.is_ipv6, FLOWS.bits) == (True, 128, False, 32)
    assert v6.load("source") == Field("source", 0, 16, (1 << 128) - 1)
    assert fields.Device(1, "lo").kind == 1  # ARPHRD_ETHER
