# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of some bytes of packets: the same for all, a field that differs, or not everything. Pure.

Numbers are big-endian, unless they are of this host, which keeps marks and the numbers of devices in its own order.
"""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt


class Field(t.NamedTuple):
    """Some bytes of a field in which packets differ."""

    name: str
    at: int
    size: int
    mask: int
    """The bits that are kept; all others are 0."""
    flips: int = 0
    """The bits that are inverted then."""


class Unknown(t.NamedTuple):
    """Bytes of which at most some bits are known."""

    doubt: Doubt
    size: int
    known_mask: int = 0
    known_bits: int = 0
    choices: int = 0
    """How many values it can have, where that is known."""


class Joined(t.NamedTuple):
    """Several, one behind the other."""

    parts: tuple[t.Any, ...]


Value = t.Union[bytes, Field, Unknown, Joined]


def size_of(value: Value) -> int:
    if isinstance(value, Joined):
        return sum(map(size_of, value.parts))
    return len(value) if isinstance(value, bytes) else value.size


def joined(parts: t.Iterable[Value]) -> Value:
    made = tuple(parts)
    known = [part for part in made if isinstance(part, bytes)]
    return b"".join(known) if len(known) == len(made) else made[0] if len(made) == 1 else Joined(made)


def cut(value: Value, at: int, size: int) -> Value:
    """*size* of its bytes, from *at* on."""
    if isinstance(value, bytes):
        return value[at : at + size]
    if isinstance(value, Joined):
        found, begin = [], 0
        for part in value.parts:
            end = begin + size_of(part)
            if begin < at + size and at < end:
                first = max(at - begin, 0)
                found.append(cut(part, first, min(at + size, end) - begin - first))
            begin = end
        return joined(found)
    if size == value.size:
        return value
    below, kept = 8 * (value.size - at - size), (1 << 8 * size) - 1
    if isinstance(value, Field):
        return Field(value.name, value.at + at, size, value.mask >> below & kept, value.flips >> below & kept)
    return Unknown(value.doubt, size, value.known_mask >> below & kept, value.known_bits >> below & kept)


def masked(value: Value, mask: int, flips: int) -> Value:
    """Its bits that are in *mask*, those of *flips* inverted."""
    size = size_of(value)
    if isinstance(value, bytes):
        return (int.from_bytes(value, "big") & mask ^ flips).to_bytes(size, "big")
    if isinstance(value, Joined):
        found, left = [], 8 * size
        for part in value.parts:
            left -= 8 * size_of(part)
            kept = (1 << 8 * size_of(part)) - 1
            found.append(masked(part, mask >> left & kept, flips >> left & kept))
        return joined(found)
    if isinstance(value, Field):
        return value._replace(mask=value.mask & mask, flips=value.flips & mask ^ flips)
    known = value.known_mask | ~mask & (1 << 8 * size) - 1
    bits = (value.known_bits & value.known_mask & mask ^ flips) & known
    if known == (1 << 8 * size) - 1:
        return bits.to_bytes(size, "big")
    return value._replace(known_mask=known, known_bits=bits, choices=0)
