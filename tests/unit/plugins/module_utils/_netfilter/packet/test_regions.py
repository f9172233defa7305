# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of packets, beside sets of Python's own."""

from __future__ import annotations

import random

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import clients, regions

BITS = 4
ADDRESSES = range(1 << BITS)
FLOWS = range(5)


def addresses_in(tree):
    return {
        address
        for network, length in clients.networks(tree, BITS)
        for address in range(network, network + (1 << BITS - length))
    }


def any_clients(chance):
    """Of a few ranges."""
    found = False
    for _range in range(chance.randint(0, 3)):
        first = chance.choice(ADDRESSES)
        found = clients.either(found, clients.between(first, chance.randint(first, ADDRESSES[-1]), BITS))
    return found


def packets_in(region):
    found = [(flow, address) for mask, tree in region for flow in FLOWS if mask >> flow & 1
             for address in addresses_in(tree)]  # fmt: skip
    assert len(found) == len(set(found)), "a flow is in two parts"
    return set(found)


def any_region(chance):
    flows = list(FLOWS)
    chance.shuffle(flows)
    cuts = sorted(chance.choices(range(len(flows) + 1), k=2))
    parts = (flows[: cuts[0]], flows[cuts[0] : cuts[1]])
    return regions.gathered((sum(1 << flow for flow in part), any_clients(chance)) for part in parts)


@pytest.mark.parametrize("seed", range(60))
def test_regions(seed):
    chance = random.Random(seed)
    one, other = any_region(chance), any_region(chance)
    for name, expected in (
        ("meet", packets_in(one) & packets_in(other)),
        ("minus", packets_in(one) - packets_in(other)),
        ("join", packets_in(one) | packets_in(other)),
    ):
        assert packets_in(getattr(regions, name)(one, other)) == expected, name
    assert regions.flows_of(one) == sum(1 << flow for flow in {flow for flow, _address in packets_in(one)})


def test_empty_regions():
    assert regions.region(0) == regions.region(3, False) == regions.NOTHING
    assert regions.gathered([(0, True), (3, False)]) == regions.NOTHING
    assert regions.gathered([(1, True), (2, True)]) == regions.region(3)
    one = regions.region(3)
    assert regions.join(one, regions.NOTHING) == regions.join(regions.NOTHING, one) == one
    assert regions.minus(one, one) == regions.NOTHING
