# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of packets. Pure.

A packet is one of some flows, which are numbered, and comes from one of many clients. A region is a set of packets:
for some flows each, as bits of a number, the clients whose packets are in it. No flow is in two parts of a region.
"""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import (
    Clients,
    both,
    either,
    without,
)

Region = t.Tuple[t.Tuple[int, Clients], ...]

NOTHING: Region = ()


def region(flows: int, clients: Clients = True) -> Region:
    """Of one part."""
    return ((flows, clients),) if flows and clients is not False else NOTHING


def meet(one: Region, other: Region) -> Region:
    """What is in both."""
    if one is other:
        return one
    return gathered((flows & more, both(clients, others)) for flows, clients in one for more, others in other)


def minus(one: Region, other: Region) -> Region:
    """What is in *one* and not in *other*."""
    if one is other:
        return NOTHING
    parts = []
    for flows, clients in one:
        for more, others in other:
            if flows & more:
                parts.append((flows & more, without(clients, others)))
                flows &= ~more
        parts.append((flows, clients))
    return gathered(parts)


def join(one: Region, other: Region) -> Region:
    """What is in one of the two."""
    if not one or not other or one is other:
        return one or other
    parts = []
    left = list(other)
    for flows, clients in one:
        for place, (more, others) in enumerate(left):
            if flows & more:
                parts.append((flows & more, either(clients, others)))
                left[place] = (more & ~flows, others)
                flows &= ~more
        parts.append((flows, clients))
    return gathered([*parts, *left])


def flows_of(region: Region) -> int:
    """All flows of which some packets are in it."""
    found = 0
    for flows, _clients in region:
        found |= flows
    return found


def gathered(parts: t.Iterable[tuple[int, Clients]]) -> Region:
    """A region of parts without common flows: those with the very same clients become one, empty ones go."""
    found: dict[int, tuple[int, Clients]] = {}
    for flows, clients in parts:
        if flows and clients is not False:
            known = found.get(id(clients))
            found[id(clients)] = (flows | known[0], clients) if known else (flows, clients)
    return tuple(found.values())
