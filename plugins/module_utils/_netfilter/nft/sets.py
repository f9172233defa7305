# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sets and maps of an nf_tables table, asked for what packets have."""

from __future__ import annotations

import heapq
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft import elements
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.data import (
    COUNTING,
    expression,
    value_in,
    value_or_verdict,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.kernel import Table, number
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import rules
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Answer, Doubt, Where
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.keys import Element, find
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import NOTHING, join
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import Unknown

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.registers import Registers
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import Packets

_NFTA_SET_FLAGS, _NFTA_SET_KEY_LEN, _NFTA_SET_DESC = 3, 5, 9
_NFTA_SET_DESC_SIZE, _NFTA_SET_DESC_CONCAT, _NFTA_SET_FIELD_LEN = 1, 2, 1
_USUAL_SIZE = 0xFFFF  # of a set that packets change: nft_dynset_init() in net/netfilter/nft_dynset.c
_NFT_SET_INTERVAL = 4
_NFTA_SET_ELEM_KEY, _NFTA_SET_ELEM_DATA, _NFTA_SET_ELEM_FLAGS = 1, 2, 3
_NFTA_SET_ELEM_EXPR, _NFTA_SET_ELEM_KEY_END, _NFTA_SET_ELEM_EXPRESSIONS = 7, 10, 11
_INTERVAL_END, _CATCH_ALL = 1, 2

Choices = t.List[t.Tuple[t.Union[bytes, rules.Verdict], Answer]]
"""What a map may have, and for which packets: the first whose doubt turns out well."""


class SetReader:
    """Reads each set once, when it is asked for."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._told: dict[str, dict[int, bytes]] = {}
        self._sets: dict[str, Set] = {}
        self._rooms: dict[str, bool] = {}

    def has(self, name: str, packets: Packets, registers: Registers, at: int) -> Answer:
        """For which packets the registers have, from *at* on, what is in the set. Raises SourceError."""
        answers = [answer for _found, answer in self.find(name, packets, registers, at)]
        return answers[0] if len(answers) == 1 else bool(answers)  # several: those of the set, and all others

    def find(self, name: str, packets: Packets, registers: Registers, at: int) -> Choices:
        """What the map has for them. Raises SourceError."""
        if name not in self._sets:
            self._sets[name] = Set(self._about(name), elements.elements(self._table, name))
        if name in self._table.updated_sets():
            return [(rules.Verdict(rules.LOST), Doubt(f"what is in the set {name} then"))]
        return self._sets[name].choices(packets, registers, at)

    def takes_more(self, name: str) -> bool:
        """Whether the set has room for what a packet adds. Raises SourceError."""
        if name not in self._rooms:
            description = dict(attributes(self._about(name).get(_NFTA_SET_DESC, b"")))
            size = number(description.get(_NFTA_SET_DESC_SIZE)) or _USUAL_SIZE
            self._rooms[name] = sum(1 for _element in elements.elements(self._table, name)) < size
        return self._rooms[name]

    def _about(self, name: str) -> dict[int, bytes]:
        self._told = self._told or elements.sets(self._table)
        if name not in self._told:
            raise SourceError(f"the set {name} is gone")
        return self._told[name]

    def members(self, name: str, most: int) -> list[Element]:
        """The lowest in a set that was asked for."""
        known = self._sets.get(name)
        return known.members(most) if known else []


class Set:
    """One set or map."""

    def __init__(self, told: t.Mapping[int, bytes], made: t.Iterable[bytes]) -> None:
        """*told* are the attributes of its NEWSET, *made* its elements. Raises SourceError."""
        self._key_bytes = number(told.get(_NFTA_SET_KEY_LEN))
        description = dict(attributes(told.get(_NFTA_SET_DESC, b"")))
        fields = [
            number(dict(attributes(field)).get(_NFTA_SET_FIELD_LEN))
            for _kind, field in attributes(description.get(_NFTA_SET_DESC_CONCAT, b""))
        ] or [self._key_bytes]
        self._parts: list[slice] = []
        begin = 0
        for size in fields:
            self._parts.append(slice(begin, begin + size))
            begin += size + -size % 4  # each part begins at a multiple of four
        self._single: dict[bytes, Element] = {}
        self._ranges: list[Element] = []
        self._otherwise: bytes | None = None  # what every other key has
        has_ends = bool(number(told.get(_NFTA_SET_FLAGS)) & _NFT_SET_INTERVAL) and len(fields) == 1
        self._fill(made, has_ends)

    def _fill(self, made: t.Iterable[bytes], has_ends: bool) -> None:
        ends: list[tuple[bytes, bool, Element]] = []
        for each in made:
            told = dict(attributes(each))
            flags, value = number(told.get(_NFTA_SET_ELEM_FLAGS)), told.get(_NFTA_SET_ELEM_DATA, b"")
            if flags & _CATCH_ALL:
                self._otherwise = value
                continue
            key = value_in(told.get(_NFTA_SET_ELEM_KEY))
            last = value_in(told.get(_NFTA_SET_ELEM_KEY_END)) or key
            element = Element(key, last, value, _doubt(told))
            if has_ends:
                ends.append((key, not flags & _INTERVAL_END, element))
            elif key == last:
                self._single[key] = element
            else:
                self._ranges.append(element)
        self._single = dict(sorted(self._single.items()))
        self._ranges += _paired(sorted(ends, key=lambda end: end[:2]))

    def members(self, most: int) -> list[Element]:
        elements = (*self._single.values(), *self._ranges)
        return heapq.nsmallest(most, elements, key=lambda element: (element.first, element.last))

    def choices(self, packets: Packets, registers: Registers, at: int) -> Choices:
        """For what the registers have from *at* on."""
        key = [(part, registers.read(at + part.start, part.stop - part.start)) for part in self._parts]
        known = [value for _part, value in key if isinstance(value, bytes)]
        single: t.Iterable[Element] = self._single.values()
        if len(known) == len(key):
            exact = self._single.get(b"".join(value + bytes(-len(value) % 4) for value in known)[: self._key_bytes])
            single = (exact,) if exact else ()
        found, count = find(packets.flows, key, (*single, *self._ranges))
        ways: Choices = [(value_or_verdict(value), answer) for value, answer in found.items()]
        choices = [value.choices for _part, value in key if isinstance(value, Unknown)]
        if ways and count in choices:
            ways[-1] = ways[-1][0], True  # one of them it is
        elif self._otherwise is not None:
            sure, may, doubt = NOTHING, NOTHING, None
            for answer in found.values():
                sure, may, doubt = join(sure, answer.sure), join(may, answer.may), answer.doubt or doubt
            ways.append((value_or_verdict(self._otherwise), Where(sure, may, doubt, is_outside=True)))
        return ways


def _doubt(told: t.Mapping[int, bytes]) -> Doubt | None:
    """An element may have a limit of its own."""
    inner = [told[_NFTA_SET_ELEM_EXPR]] if _NFTA_SET_ELEM_EXPR in told else []
    inner += [each for _kind, each in attributes(told.get(_NFTA_SET_ELEM_EXPRESSIONS, b""))]
    return None if all(expression(each)[0] in COUNTING for each in inner) else Doubt("a limit of a set's element")


def _paired(ends: t.Sequence[tuple[bytes, bool, Element]]) -> t.Iterator[Element]:
    """Intervals whose first key and first key beyond are elements of their own; beyond the last key there is none."""
    for place, (key, begins, element) in enumerate(ends):
        if begins:
            beyond = number(ends[place + 1][0]) if place + 1 < len(ends) else 1 << 8 * len(key)
            yield element._replace(last=(beyond - 1).to_bytes(len(key), "big"))
