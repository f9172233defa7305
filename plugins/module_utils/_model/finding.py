# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding: what was found out about a port. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    LISTENING,
    Socket,
)

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Redirect

REDIRECTED, UNKNOWN, DUPLICATE, UNAVAILABLE, REFUSED = "redirected", "unknown", "duplicate", "unavailable", "refused"
EPHEMERAL, BLOCKED, CLAIMED = "ephemeral", "blocked", "claimed"

_WORST_FIRST = (
    LISTENING,
    BOUND,
    CONNECTED,
    UNKNOWN,
    REFUSED,
    CLOSING,
    REDIRECTED,
    BLOCKED,
    CLAIMED,
    EPHEMERAL,
    DUPLICATE,
    UNAVAILABLE,
    FREE,
)


class Finding(t.NamedTuple):
    """What was found out about one port on one or more endpoints."""

    state: str
    sockets: tuple[Socket, ...] = ()
    """Those that hold it, or that would be in the way of an address that the host lacks."""
    redirect: Redirect | None = None
    """What takes all traffic for it."""
    answering: tuple[Socket, ...] = ()
    """Those that answer where the redirect leads."""
    answered_in_part: bool = False
    """Whether only some clients get an answer there."""
    strangers_answer: bool = False
    """Whether it leads to a service that this host does not know."""
    device: str | None = None
    """The one that has the endpoint's address, where a socket is bound to a device: clients come in by it."""


Findings = t.Dict[Question, t.Optional[Finding]]
"""What is not free; None where table and bind(2) contradict each other."""


def worst(states: t.Iterable[str]) -> str:
    return min(states, key=_WORST_FIRST.index)
