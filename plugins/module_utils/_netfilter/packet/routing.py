# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By which device this host reaches others. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import (
    Clients,
    between,
    both,
    either,
    without,
)


class Route(t.NamedTuple):
    """One route of the tables that everybody uses."""

    order: int
    """Of its table: the first that has a route decides."""
    network: int
    length: int
    metric: int
    devices: frozenset[int]
    """The numbers of the devices it leads out by; none if it leads nowhere else."""


class Routes:
    """Those of one version of IP."""

    def __init__(self, routes: t.Iterable[Route], bits: int) -> None:
        self._routes = sorted(routes, key=lambda route: (route.order, -route.length, route.metric))
        self._bits = bits

    def by_devices(self, clients: Clients) -> dict[frozenset[int], Clients]:
        """Which of the *clients* are reached by which devices: by no device, if by none."""
        found: dict[frozenset[int], Clients] = {}
        for route in self._routes:
            if clients is False:
                break
            last = route.network | (1 << self._bits - route.length) - 1
            network = between(route.network, last, self._bits)
            reached = both(clients, network)
            if reached is not False:
                found[route.devices] = either(found.get(route.devices, False), reached)
                clients = without(clients, network)
        if clients is not False:
            found[frozenset()] = either(found.get(frozenset(), False), clients)
        return found
