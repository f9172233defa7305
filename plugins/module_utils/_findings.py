# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the witnesses say of a port, settled. Pure.

The witnesses are the socket table and what bind(2) answered.
"""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils import _probe
from ansible_collections.preflight.ports.plugins.module_utils._addresses import overlap
from ansible_collections.preflight.ports.plugins.module_utils._requirements import FREE
from ansible_collections.preflight.ports.plugins.module_utils._sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    LISTENING,
    UDP,
    Endpoint,
    Socket,
)
from ansible_collections.preflight.ports.plugins.module_utils._witnesses import Question

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._nat.redirect import Redirect

REDIRECTED, UNKNOWN, DUPLICATE, UNAVAILABLE = "redirected", "unknown", "duplicate", "unavailable"

_WORST_FIRST = (LISTENING, BOUND, CONNECTED, UNKNOWN, CLOSING, REDIRECTED, DUPLICATE, UNAVAILABLE, FREE)
_TIERS = ((LISTENING, BOUND), (CONNECTED, CLOSING))


class Finding(t.NamedTuple):
    """What the witnesses say of one port on one or more endpoints."""

    state: str
    sockets: tuple[Socket, ...] = ()
    """Those that hold it."""
    redirect: Redirect | None = None
    """What takes its traffic, where no socket holds it."""


Findings = t.Dict[Question, t.Optional[Finding]]
"""What is not free; None where the witnesses contradict each other."""


def sent_elsewhere(redirects: t.Mapping[Question, Redirect]) -> Findings:
    """The findings where no socket holds the port, but NAT rules take all of its traffic."""
    return {
        question: Finding(REDIRECTED, (), redirect)
        for question, redirect in redirects.items()
        if not redirect.depends_on
    }


def surely_taken(wanted: Endpoint, sockets: t.Iterable[Socket]) -> bool:
    """Whether a table that shows devices, read without connections, rules a bind to *wanted* out by itself."""
    return any(
        (held.protocol == UDP or held.state == LISTENING) and overlap(wanted, held.endpoint) is True for held in sockets
    )


def settle(wanted: Endpoint, answer: str | None, sockets: t.Iterable[Socket], shows_bound: bool) -> Finding | None:
    """The finding for *wanted* from bind(2)'s *answer* (None: not asked, for the table had ruled it out) and the port's
    sockets in every state. None: the witnesses contradict each other, as when a socket went away between them.
    """
    if answer == _probe.FREE:
        return Finding(FREE)
    suspects = [held for held in sockets if overlap(wanted, held.endpoint) is not False]
    if answer == _probe.UNAVAILABLE:
        # A socket may have an address that the host lacks: IP_FREEBIND in ip(7), or one that was taken away since.
        there = [held for held in suspects if held.endpoint.address == wanted.address]
        return _blame([held for held in there if held.state in (LISTENING, BOUND)]) or Finding(UNAVAILABLE)
    if answer == _probe.REUSABLE:
        return _settle_reusable(suspects, shows_bound)
    for tier in _TIERS:
        blamed = _blame([held for held in suspects if held.protocol == UDP or held.state in tier])
        if blamed:
            return blamed
    return Finding(FREE) if answer == _probe.NO_WITNESS else None


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


def worst(states: t.Iterable[str]) -> str:
    return min(states, key=_WORST_FIRST.index)
