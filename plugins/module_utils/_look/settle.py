# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the socket table and bind(2) say of a port, settled. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel import bind
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import (
    REFUSED,
    UNAVAILABLE,
    Finding,
    worst,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import overlap
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    LISTENING,
    UDP,
    Endpoint,
    Socket,
)

_TIERS = ((LISTENING, BOUND), (CONNECTED, CLOSING))
_WITHOUT_SOCKETS = {bind.NO_ANSWER: FREE, bind.REFUSED: REFUSED}


def settle(wanted: Endpoint, answer: str | None, sockets: t.Iterable[Socket], shows_bound: bool) -> Finding | None:
    """The finding for *wanted* from bind(2)'s *answer* and the port's sockets in every state.

    An *answer* of None: not asked, because the table rules it out. A finding of None: the two contradict each other, as
    when a socket went away between them.
    """
    if answer == bind.FREE:
        return Finding(FREE)
    suspects = [held for held in sockets if overlap(wanted, held.endpoint) is not False]
    if answer == bind.UNAVAILABLE:
        # A socket may have an address that the host lacks: IP_FREEBIND in ip(7), or one that was taken away since.
        in_the_way = [held for held in suspects if held.state in (LISTENING, BOUND)]
        is_there = any(held.endpoint.address == wanted.address for held in in_the_way)
        return (_blame(in_the_way) if is_there else None) or Finding(UNAVAILABLE, tuple(in_the_way))
    if answer == bind.REUSABLE:
        return _settle_reusable(suspects, shows_bound)
    for tier in _TIERS:
        blamed = _blame([held for held in suspects if held.protocol == UDP or held.state in tier])
        if blamed:
            return blamed
    return Finding(_WITHOUT_SOCKETS[answer]) if answer in _WITHOUT_SOCKETS else None


def _settle_reusable(suspects: t.Sequence[Socket], shows_bound: bool) -> Finding | None:
    """SO_REUSEADDR would do; but whoever is bound without listening is about to listen, and then it would not."""
    bound = tuple(held for held in suspects if held.state == BOUND)
    if bound:
        return Finding(BOUND, bound)
    # Connections that are left over explain the answer. Where bound sockets are not shown, they may hide one.
    left_over = _blame([held for held in suspects if held.state in (CONNECTED, CLOSING)])
    return Finding(FREE) if left_over and shows_bound else left_over


def _blame(sockets: t.Sequence[Socket]) -> Finding | None:
    return Finding(worst(held.state for held in sockets), tuple(sockets)) if sockets else None
