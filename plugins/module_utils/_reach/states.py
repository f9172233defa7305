# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The states of a flow, and which of them are as expected. Pure."""

from __future__ import annotations

import typing as t

OPEN, SERVED, ANSWERED, REFUSED, REJECTED = "open", "served", "answered", "refused", "rejected"
DROPPED_BY_HOST, LOST, NO_ANSWER, REPLY_LOST = "dropped_by_host", "lost", "no_answer", "reply_lost"
STALLED, WRONG_PEER = "stalled", "wrong_peer"
NO_HOST, NO_ROUTE, UNRESOLVED, NOT_TESTED = "no_host", "no_route", "unresolved", "not_tested"

STATES = (
    OPEN,
    SERVED,
    ANSWERED,
    REPLY_LOST,
    STALLED,
    WRONG_PEER,
    REFUSED,
    REJECTED,
    DROPPED_BY_HOST,
    LOST,
    NO_ANSWER,
    NO_HOST,
    NO_ROUTE,
    UNRESOLVED,
    NOT_TESTED,
)
"""Those that come closest to a connection first."""

_CLIENTS_GET_IN = frozenset((OPEN, SERVED))
_NOT_CLOSED = frozenset((OPEN, SERVED, STALLED, WRONG_PEER, REPLY_LOST, NOT_TESTED))


def is_met(expect: str, state: str) -> bool:
    """*expect*: ``open`` or ``closed``."""
    return state in _CLIENTS_GET_IN if expect == OPEN else state not in _NOT_CLOSED


def closest(states: t.Collection[str], expect: str) -> str:
    """Of the states of one flow to several addresses of a name, the one that counts.

    A client tries each address, so one that works is enough to get in; and it is too many where the flow is to be
    closed. A flow is closed only if each address was tested.
    """
    found = min(states, key=STATES.index)
    return NOT_TESTED if NOT_TESTED in states and expect != OPEN and is_met(expect, found) else found
