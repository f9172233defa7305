# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of which not all is known, beside their bits one by one."""

from __future__ import annotations

import random

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import (
    Field,
    Joined,
    Unknown,
    cut,
    joined,
    masked,
    size_of,
)

DOUBT = Doubt("chance")


def bits(number, size):
    return [number >> place & 1 for place in reversed(range(8 * size))]


def bits_of(value):
    """0 and 1, None for what is not known, and of a field (its name, the place of the bit, whether it is inverted)."""
    if isinstance(value, bytes):
        return bits(int.from_bytes(value, "big"), len(value))
    if isinstance(value, Joined):
        return [bit for part in value.parts for bit in bits_of(part)]
    if isinstance(value, Unknown):
        known, found = bits(value.known_mask, value.size), bits(value.known_bits, value.size)
        return [bit if is_known else None for bit, is_known in zip(found, known)]
    kept, flipped = bits(value.mask, value.size), bits(value.flips, value.size)
    return [(value.name, 8 * value.at + n, flip) if keep else flip for n, (keep, flip) in enumerate(zip(kept, flipped))]


def with_mask(bit, keep, flip):
    if not keep:
        return flip
    return bit if bit is None else (*bit[:2], bit[2] ^ flip) if isinstance(bit, tuple) else bit ^ flip


def any_value(chance):
    """One, or some behind each other."""
    made = []
    for number in range(chance.randint(1, 4)):
        size = chance.randint(1, 4)
        mask, other = chance.getrandbits(8 * size), chance.getrandbits(8 * size)
        made.append(
            chance.choice([
                mask.to_bytes(size, "big"),
                Field(f"field {number}", chance.randint(0, 3), size, mask, other),
                Unknown(DOUBT, size, mask, mask & other, chance.choice([0, 3])),
            ])
        )  # fmt: skip
    return joined(made)


@pytest.mark.parametrize("seed", range(60))
def test_parts_and_masks(seed):
    chance = random.Random(seed)
    value = any_value(chance)
    size = size_of(value)
    assert 8 * size == len(bits_of(value))
    for at in range(size):
        for length in range(1, size - at + 1):
            part = cut(value, at, length)
            assert bits_of(part) == bits_of(value)[8 * at : 8 * (at + length)]
    for mask in (chance.getrandbits(8 * size), 0, (1 << 8 * size) - 1):
        for flips in (chance.getrandbits(8 * size), 0):
            expected = map(with_mask, bits_of(value), bits(mask, size), bits(flips, size))
            assert bits_of(masked(value, mask, flips)) == list(expected)


def test_what_is_known_is_told_plainly():
    assert joined([b"ab", b"c"]) == b"abc"
    assert joined([DOUBT]) is DOUBT
    assert masked(Unknown(DOUBT, 2, 0xFF00, 0x1200), 0xFF00, 1) == b"\x12\1"
    assert masked(Field("port", 0, 2, 0xFFFF), 0xFF, 0) == Field("port", 0, 2, 0xFF)


def test_choices_are_those_of_the_whole_value():
    one_of_three = Unknown(DOUBT, 4, choices=3)
    assert cut(one_of_three, 0, 4) == one_of_three
    assert cut(one_of_three, 2, 2).choices == masked(one_of_three, 0xFF, 0).choices == 0
