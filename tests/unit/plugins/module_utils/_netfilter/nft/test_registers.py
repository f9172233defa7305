# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registers of a rule, beside their bytes one by one."""

from __future__ import annotations

import random

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.registers import UNSET, Registers
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import (
    Field,
    Joined,
    Unknown,
    size_of,
)

PORT = Field("port", 0, 2, 0xFFFF)


class Bytes:
    """64 of them, of which each belongs to the value that was stored there."""

    def __init__(self):
        self.bytes = [None] * 96
        self.values = {}

    def store(self, at, value):
        filled = value + bytes(-len(value) % 4)
        for place, size in list(self.values.items()):
            if place < at + len(filled) and at < place + size:
                whole = size + -size % 4
                self.bytes[place : place + whole] = [None] * whole
                del self.values[place]
        self.values[at] = len(value)
        self.bytes[at : at + len(filled)] = list(filled)


def known(value):
    """The bytes that are known before the first that is not."""
    parts = value.parts if isinstance(value, Joined) else (value,)
    found = b""
    for part in parts:
        if not isinstance(part, bytes):
            return found
        found += part
    return found


@pytest.mark.parametrize("seed", range(80))
def test_registers(seed):
    chance = random.Random(seed)
    registers, plain = Registers(), Bytes()
    for _store in range(chance.randint(1, 8)):
        at, value = 4 * chance.randrange(16), bytes(chance.choices(range(1, 256), k=chance.randint(1, 16)))
        registers.store(at, value)
        plain.store(at, value)
    copied = registers.copy()
    for at in range(0, 64, 4):
        for size in range(1, 20):
            value = registers.read(at, size)
            expected = plain.bytes[at : at + size]
            gap = expected.index(None) if None in expected else size
            assert (size_of(value), known(value)) == (size, bytes(expected[:gap])), (at, size)
            assert copied.read(at, size) == value


def test_a_copy_is_another():
    one = Registers({0: b"abcd"})
    other = one.copy()
    other.store(0, b"efgh")
    assert (one.read(0, 4), other.read(0, 4)) == (b"abcd", b"efgh")


def test_fields():
    registers = Registers()
    registers.store(8, PORT)
    assert registers.read(8, 2) == PORT
    assert registers.read(8, 4) == Joined((PORT, b"\0\0"))
    assert registers.read(9, 1) == Field("port", 1, 1, 0xFF)
    assert registers.read(4, 4) == Unknown(UNSET, 4)
    assert registers.read(8, 6) == Joined((PORT, b"\0\0", Unknown(UNSET, 2)))
