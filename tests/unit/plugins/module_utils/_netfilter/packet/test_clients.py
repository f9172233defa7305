# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import (
    between,
    both,
    either,
    matching,
    networks,
    size,
    united,
    without,
)

BITS = 4
EVERY = range(1 << BITS)


def members(clients):
    return {number for number in EVERY if both(between(number, number, BITS), clients) is not False}


RANGES = [(first, last) for first in EVERY for last in range(first, len(EVERY), 3)]


@pytest.mark.parametrize(("first", "last"), RANGES)
def test_ranges(first, last):
    some, wanted = between(first, last, BITS), set(range(first, last + 1))
    assert members(some) == wanted
    assert size(some) == len(wanted) / len(EVERY)
    for begin, end in RANGES[::5]:
        other, others = between(begin, end, BITS), set(range(begin, end + 1))
        assert members(both(some, other)) == wanted & others
        assert members(either(some, other)) == wanted | others
        assert members(without(some, other)) == wanted - others
        assert members(united(sorted([(first, last), (begin, end)]), BITS)) == wanted | others


@pytest.mark.parametrize("mask", EVERY)
def test_matching(mask):
    assert members(matching(mask, 5 & mask, BITS)) == {number for number in EVERY if number & mask == 5 & mask}


def test_a_mask_that_would_make_too_many_networks():
    assert matching(1 << 31 | 1, 1, 32) is None
    assert matching(0x0000_00FF, 9, 32) is None
    assert matching(0xFF00_00FF, 9, 32) is None
    assert matching(0xFF00_FFFF, 9, 32) is not None
    assert matching(0xFFFF_0000, 9 << 16, 32) == between(9 << 16, (10 << 16) - 1, 32)
    assert matching(0, 0, 32) is True


def test_networks():
    assert list(networks(between(1, 11, BITS), BITS)) == [(1, 4), (2, 3), (4, 2), (8, 2)]
    assert (list(networks(True, BITS)), list(networks(False, BITS))) == ([(0, 0)], [])
