# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sets and maps of an nf_tables table, asked for keys that are known in part."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft import elements
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.kernel import Table, number
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.registers import Choices, Found, data
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Answer
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.seen_bytes import (
    Bytes,
    Unknown,
    between,
    equal,
)

_INTERVAL = 4
_INTERVAL_END, _CATCH_ALL = 1, 2

Interval = t.Tuple[bytes, bytes, bytes]
"""Its first key, its last, and what it maps to."""


class SetReader:
    """Reads each set once, when it is asked for."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._told: dict[str, dict[int, bytes]] = {}
        self._sets: dict[str, Set] = {}

    def has(self, name: str, key: Bytes) -> Answer:
        """Whether the set has what *key* begins with. Raises SourceError."""
        asked = key[: self._set(name).key_bytes]
        if all(isinstance(byte, Unknown) for byte in asked):
            return asked[0].why if isinstance(asked[0], Unknown) else False  # spares reading, say, a list of countries
        doubts = [doubt for _found, doubt in self.find(name, key)]
        return bool(doubts) if None in doubts or not doubts else t.cast(str, doubts[0])

    def find(self, name: str, key: Bytes) -> Choices:
        """What the map may have for it. Raises SourceError."""
        the_set = self._set(name)
        if not the_set.is_read:
            the_set.fill(elements.elements(self._table, name))
        return the_set.choices(key[: the_set.key_bytes])

    def _set(self, name: str) -> Set:
        if name not in self._sets:
            self._told = self._told or elements.sets(self._table)
            if name not in self._told:
                raise SourceError(f"the set {name} is gone")
            self._sets[name] = Set(self._told[name])
        return self._sets[name]


class Set:
    """One set or map."""

    def __init__(self, told: t.Mapping[int, bytes]) -> None:
        """*told* are the attributes of its NEWSET. Raises SourceError."""
        description = dict(attributes(told.get(9, b"")))
        fields = [number(dict(attributes(field)).get(1)) for _kind, field in attributes(description.get(2, b""))]
        self.key_bytes = number(told.get(5))
        self._fields = fields or [self.key_bytes]  # bytes of each part of a key; each begins at a multiple of four
        self._has_ends = bool(number(told.get(3)) & _INTERVAL) and len(self._fields) == 1
        self.is_read = False
        self._single: dict[bytes, bytes] = {}  # what each key maps to, as the kernel tells it
        self._intervals: list[Interval] = []
        self._otherwise: bytes | None = None  # what every other key maps to

    def fill(self, made: t.Iterable[bytes]) -> None:
        """Raises SourceError."""
        ends: list[tuple[bytes, bool, bytes]] = []
        for element in made:
            told = dict(attributes(element))
            flags, found = number(told.get(3)), told.get(2, b"")
            key = dict(attributes(told.get(1, b""))).get(1, b"")
            if flags & _CATCH_ALL:
                self._otherwise = found
            elif 10 in told:
                self._intervals.append((key, dict(attributes(told[10])).get(1, b""), found))
            elif self._has_ends:
                ends.append((key, not flags & _INTERVAL_END, found))
            else:
                self._single[key] = found
        self._intervals += _paired(sorted(ends, key=lambda end: end[:2]))
        self.is_read = True

    def choices(self, key: Bytes) -> Choices:
        """What it may have for *key*."""
        unknown = next((byte for byte in key if isinstance(byte, Unknown)), None)
        if unknown is None:
            exact = self._single.get(bytes(t.cast("t.Sequence[int]", key)))
            if exact is not None:
                return [(data(exact), None)]
        # A key that is known was none of the single ones.
        single = sorted(self._single.items(), key=lambda item: item[0]) if unknown else ()
        found: list[tuple[Found, str | None]] = []
        for first, last, value in [*((each, each, value) for each, value in single), *self._intervals]:
            answer = self._inside(first, last, key)
            if answer is True:
                return [*found, (data(value), None)]
            if isinstance(answer, str):
                found.append((data(value), answer))
        if unknown and found and len(found) == unknown.choices:
            found[-1] = (found[-1][0], None)  # one of them it is
        elif self._otherwise is not None:
            found.append((data(self._otherwise), None))
        return found

    def _inside(self, first: bytes, last: bytes, key: Bytes) -> Answer:
        if first == last:
            return equal(key, first)
        answer: Answer = True
        at = 0
        for size in self._fields:
            part = slice(at, at + size)
            inside = between(key[part], number(first[part]), number(last[part]))
            if inside is False:
                return False
            answer = inside if answer is True else answer
            at += size + -size % 4
        return answer


def _paired(ends: t.Sequence[tuple[bytes, bool, bytes]]) -> t.Iterator[Interval]:
    """Intervals whose first key and first key beyond are elements of their own; beyond the last key there is none."""
    for place, (key, begins, found) in enumerate(ends):
        if begins:
            beyond = number(ends[place + 1][0]) if place + 1 < len(ends) else 1 << 8 * len(key)
            yield key, (beyond - 1).to_bytes(len(key), "big"), found
