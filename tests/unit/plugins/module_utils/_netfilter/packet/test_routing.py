# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import between, networks
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.routing import Route, Routes

BITS = 4
WAN, LAN = frozenset({2}), frozenset({3})


def devices(*routes, clients=True):
    found = Routes(routes, BITS).by_devices(clients)
    return {numbers: list(networks(part, BITS)) for numbers, part in found.items()}


def test_the_longest_prefix_decides():
    default, own = Route(1, 0, 0, 0, WAN), Route(1, 8, 2, 0, LAN)
    assert devices(default, own) == {LAN: [(8, 2)], WAN: [(0, 1), (12, 2)]}
    assert devices(default, own, clients=between(8, 9, BITS)) == {LAN: [(8, 3)]}


def test_an_earlier_table_and_a_lower_metric_win():
    assert devices(Route(1, 8, 2, 0, LAN), Route(0, 0, 0, 0, WAN)) == {WAN: [(0, 0)]}
    assert devices(Route(1, 0, 0, 9, LAN), Route(1, 0, 0, 1, WAN)) == {WAN: [(0, 0)]}


def test_no_route():
    assert devices(Route(1, 8, 1, 0, LAN)) == {LAN: [(8, 1)], frozenset(): [(0, 1)]}
