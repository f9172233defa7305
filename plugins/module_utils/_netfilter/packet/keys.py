# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which packets have a key that is in a set, and what the set has for it. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt, Where, doubt_of
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import Clients, united
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import (
    PORT,
    SOURCE,
    SOURCE_ADDRESS,
    Flows,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import (
    NOTHING,
    flows_of,
    join,
    region,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import (
    Field,
    Joined,
    Value,
    size_of,
)


class Element(t.NamedTuple):
    """The keys from *first* to *last*, which is meant part by part."""

    first: bytes
    last: bytes
    value: bytes = b""
    """What a map has for them."""
    doubt: Doubt | None = None
    """What it depends on whether they count."""


Key = t.Sequence[t.Tuple[slice, Value]]
"""Where each part of a key is, and what packets have for it."""


def find(flows: Flows, key: Key, elements: t.Iterable[Element]) -> tuple[dict[bytes, Where], int]:
    """Value -> the packets whose key has it; and how many elements may be those of some packets."""
    key = [each for part in key for each in _split(*part)]
    whole = [(part, value) for part, value in key if isinstance(value, Field) and flows.is_whole(value)]
    ports = [part for part, value in whole if value.name == PORT]
    sources = [part for part, value in whole if value.name == SOURCE]
    others = [(part, value) for part, value in key if part not in (*ports, *sources)]
    # Elements that differ in the source address alone come together, because there may be very many.
    together: dict[tuple[bytes, int, int, Doubt | None], list[tuple[int, int]]] = {}
    count = 0
    for element in elements:
        sure, may, doubt = _flows(flows, element, ports, others)
        first = max((_number(element.first[part]) for part in sources), default=0)
        last = min((_number(element.last[part]) for part in sources), default=0)
        if may and first <= last:
            count += 1
            together.setdefault((element.value, sure, may, doubt), []).append((first, last))
    found: dict[bytes, Where] = {}
    for (value, sure, may, doubt), ranges in together.items():
        clients: Clients = united(sorted(ranges), flows.bits) if sources else True
        known = found.get(value, Where(NOTHING, NOTHING))
        found[value] = Where(
            join(known.sure, region(sure, clients)), join(known.may, region(may, clients)), known.doubt or doubt
        )
    return found, count


def _split(part: slice, value: Value) -> t.Iterator[tuple[slice, Value]]:
    """The kernel does not always tell the parts of a key."""
    begin = part.start
    for each in value.parts if isinstance(value, Joined) else (value,):
        yield slice(begin, begin + size_of(each)), each
        begin += size_of(each)


def _flows(flows: Flows, element: Element, ports: t.Sequence[slice], others: Key) -> tuple[int, int, Doubt | None]:
    """Those that surely have an element's key, apart from the source address; those that may; and why they differ."""
    may, doubt = flows.all, element.doubt
    for part, value in others:
        if isinstance(value, bytes) and not element.first[part] <= value <= element.last[part]:
            return 0, 0, None
    for part in ports:
        may &= flows.to_ports(_number(element.first[part]), _number(element.last[part]))
        if not may:
            return 0, 0, None
    sure = 0 if doubt else may
    for part, value in others:
        if not isinstance(value, bytes):
            answer = flows.between(value, element.first[part], element.last[part])
            if isinstance(answer, Where):
                of_some = any(clients is not True for _mask, clients in answer.may)
                sure, may = 0 if of_some else sure & flows_of(answer.sure), may & flows_of(answer.may)
                doubt = SOURCE_ADDRESS if of_some else doubt
            elif answer is not True:
                sure, may = 0, may if answer else 0
            doubt = doubt_of(answer) or doubt
    return sure, may, doubt


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big")
