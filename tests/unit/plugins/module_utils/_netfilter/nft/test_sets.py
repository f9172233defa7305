# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.registers import Registers
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.sets import SetReader
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt, Where
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Verdict
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import Unknown
from support import nftables as nft
from support.netlink import attribute

INTERVAL, END, CATCH_ALL = 4, 1, 2
SOMETHING = Unknown(Doubt("the header"), 4)
CHANCE = Unknown(Doubt("chance"), 4, choices=10)
PORT_80, PORT_81 = b"\0\x50", b"\0\x51"
PACKETS = nft.packets()


def registers(*values):
    made = Registers()
    for place, value in enumerate(values):
        made.store(4 * place, bytes(value) if isinstance(value, list) else value)
    return made


def plain(answer):
    """True and False, or what it depends on."""
    if not isinstance(answer, Where):
        return answer.what if isinstance(answer, Doubt) else answer
    if answer.is_outside and not answer.doubt:
        return not answer.may
    return answer.doubt.what if answer.doubt else bool(answer.sure)


def has(sets, *values):
    return plain(sets.has("s", PACKETS, registers(*values), 0))


def finds(sets, *values):
    ways = [(found, plain(answer)) for found, answer in sets.find("s", PACKETS, registers(*values), 0)]
    return [(found, None if answer is True else answer) for found, answer in ways if answer is not False]


class Table:
    """With one set."""

    def __init__(self, the_set, made):
        self.answers = {10: [the_set], 13: [nft.elements("s", *made)] if made else []}
        self.asked = []

    def ask(self, request, answer, *names):
        self.asked.append((request, answer, *names))
        return self.answers[request]

    def updated_sets(self):
        return frozenset()


def reader(the_set, *made):
    table = Table(the_set, made)
    sets = SetReader(table)
    sets.asked = table.asked
    return sets


def ports(*keys, flags=0, **rest):
    return reader(nft.a_set("s", 2, flags), *(nft.element(key, **rest) for key in keys))


def test_a_set_is_read_once():
    sets = ports(PORT_80)
    assert (has(sets, PORT_80), has(sets, PORT_81)) == (True, False)
    assert sets.asked == [(10, 9), (13, 12, "s")]


def test_a_set_that_is_gone():
    with pytest.raises(SourceError, match="t is gone"):
        ports().has("t", PACKETS, registers(PORT_80), 0)


@pytest.mark.parametrize(("size", "takes_more"), [(None, True), (3, True), (2, False), (1, False)])
def test_room_in_a_set(size, takes_more):
    description = nft.attribute(9, nft.attribute(1, nft.be32(size))) if size else b""
    sets = reader(nft.a_set("s", 2) + description, nft.element(PORT_80), nft.element(PORT_81))
    assert [sets.takes_more("s"), sets.takes_more("s")] == [takes_more] * 2
    assert sets.asked == [(10, 9), (13, 12, "s")]


def test_an_empty_set():
    assert has(ports(), PORT_80) is False


def interval(first, beyond=None):
    return [nft.element(first), *([nft.element(beyond, flags=END)] if beyond else [])]


@pytest.mark.parametrize(
    ("port", "expected"), [(79, False), (80, True), (90, True), (91, False), (99, False), (100, True), (65535, True)]
)
def test_intervals(port, expected):
    made = [nft.element(b"\0\0", flags=END), *interval(b"\0\x64"), *interval(PORT_80, b"\0\x5b")]
    sets = reader(nft.a_set("s", 2, INTERVAL), *made)
    assert has(sets, [port >> 8, port & 255]) is expected


def test_intervals_side_by_side():
    made = [nft.element(PORT_80, b"a"), nft.element(b"\0\x5b", b"b"), nft.element(b"\0\x64", flags=END)]
    sets = reader(nft.a_set("s", 2, INTERVAL), *made)
    assert [finds(sets, [0, port]) for port in (80, 90, 91, 99, 100)] == [
        [(b"a", None)], [(b"a", None)], [(b"b", None)], [(b"b", None)], [],
    ]  # fmt: skip


def network_and_ports(*key):
    """10.0.0.0-10.0.0.255 . 80-90"""
    made = nft.element(b"\x0a\0\0\0\0\x50\0\0", last=b"\x0a\0\0\xff\0\x5a\0\0")
    return has(reader(nft.a_set("s", 8, INTERVAL, (4, 2)), made), *key)


def test_intervals_of_several_fields():
    assert network_and_ports([10, 0, 0, 7], [0, 85]) is True
    assert network_and_ports([10, 0, 0, 7], [0, 91]) is False
    assert network_and_ports([10, 0, 1, 7], [0, 85]) is False
    assert network_and_ports(SOMETHING, [0, 85]) == "the header"
    assert network_and_ports(SOMETHING, [0, 91]) is False


def test_keys_that_are_known_in_part():
    made = [nft.element(b"\x0a\0\0\1\0\x50\0\0"), nft.element(b"\x0a\0\0\2\0\x51\0\0")]
    sets = reader(nft.a_set("s", 8), *made)
    assert has(sets, SOMETHING, [0, 80]) == "the header"
    assert has(sets, SOMETHING, [0, 82]) is False
    assert has(sets, [10, 0, 0, 1], [0, 80]) is True


def test_fields_that_do_not_fill_their_place():
    """A protocol, a port and an address: each begins at a multiple of four bytes."""
    made = [nft.element(b"\6\0\0\0\0\x50\0\0\x0a\0\0\1"), nft.element(b"\x11\0\0\0\0\x35\0\0\x0a\0\0\2")]
    sets = reader(nft.a_set("s", 12, fields=(1, 2, 4)), *made)
    assert has(sets, [6], [0, 80], [10, 0, 0, 1]) is True
    assert has(sets, [17], [0, 53], [10, 0, 0, 2]) is True
    assert has(sets, [6], [0, 53], [10, 0, 0, 2]) is False
    assert has(sets, [6], [0, 80], [10, 0, 0, 2]) is False
    ends_with_a_port = reader(nft.a_set("s", 8, fields=(4, 2)), nft.element(b"\x0a\0\0\1\0\x50\0\0"))
    assert has(ends_with_a_port, [10, 0, 0, 1], [0, 80]) is True
    not_filled_up = reader(nft.a_set("s", 6, fields=(4, 2)), nft.element(b"\x0a\0\0\1\0\x50"))
    assert has(not_filled_up, [10, 0, 0, 1], [0, 80]) is True


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6, 16])
def test_keys_of_any_size(size):
    key = bytes(range(1, size + 1))
    sets = reader(nft.a_set("s", size), nft.element(key))
    assert has(sets, key) is True
    assert has(sets, key[:-1] + b"\xff") is False


def with_expressions(key, *names, kind=11):
    made = b"".join(attribute(1, nft.parts(nft.text(name))) for name in names)
    inner = attribute(kind, nft.parts(nft.text(names[0])) if kind == 7 else made)
    return attribute(1, attribute(1, attribute(1, key)) + inner)


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (with_expressions(PORT_80, "counter", kind=7), True),
        (with_expressions(PORT_80, "last", "counter"), True),
        (with_expressions(PORT_80, "limit", kind=7), "a limit of a set's element"),
        (with_expressions(PORT_80, "counter", "quota"), "a limit of a set's element"),
    ],
)
def test_limits_of_elements(element, expected):
    assert has(reader(nft.a_set("s", 2), element), PORT_80) == expected


def test_members_are_the_lowest():
    sets = ports(b"\0\x5a", PORT_81, PORT_80)
    assert sets.members("s", 9) == []
    has(sets, PORT_80)
    assert [each.first for each in sets.members("s", 9)] == [PORT_80, PORT_81, b"\0\x5a"]
    assert [each.first for each in sets.members("s", 2)] == [PORT_80, PORT_81]


def test_a_set_that_packets_change():
    sets = ports(PORT_80)
    sets._table.updated_sets = lambda: frozenset(["s"])
    ((found, answer),) = sets.find("s", PACKETS, registers(PORT_80), 0)
    assert (found.kind, answer.what) == ("lost", "what is in the set s then")


def test_maps():
    sets = reader(
        nft.a_set("s", 2),
        nft.element(PORT_80, b"\x0a\0\0\1"),
        nft.element(PORT_81, end=nft.verdict(nft.GOTO, "a")),
        nft.element(None, end=nft.verdict(nft.ACCEPT), flags=CATCH_ALL),
    )
    assert [finds(sets, [0, port]) for port in (80, 81, 82)] == [
        [(b"\x0a\0\0\1", None)],
        [(Verdict("goto", "a"), None)],
        [(Verdict("accept"), None)],
    ]


def native(value):
    return value.to_bytes(4, "big")


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        pytest.param(range(10), ["chance"] * 9 + [None], id="one of all"),
        pytest.param(range(9), ["chance"] * 9, id="one, or none"),
    ],
)
def test_chance(numbers, expected):
    sets = reader(nft.a_set("s", 4), *(nft.element(native(each), native(each)) for each in reversed(numbers)))
    assert [doubt for _data, doubt in finds(sets, CHANCE)] == expected


def test_chance_with_a_rest():
    made = [nft.element(native(0), b"x"), nft.element(None, b"y", flags=CATCH_ALL)]
    assert [found for found, _doubt in finds(reader(nft.a_set("s", 4), *made), CHANCE)] == [b"x", b"y"]
