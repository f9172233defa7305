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

REDIRECTED, UNKNOWN, DUPLICATE, UNAVAILABLE = "redirected", "unknown", "duplicate", "unavailable"

_WORST_FIRST = (LISTENING, BOUND, CONNECTED, UNKNOWN, CLOSING, REDIRECTED, DUPLICATE, UNAVAILABLE, FREE)


class Finding(t.NamedTuple):
    """What the witnesses say of one port on one or more endpoints."""

    state: str
    sockets: tuple[Socket, ...] = ()
    """Those that hold it."""
    redirect: Redirect | None = None
    """What takes its traffic, where no socket holds it."""


Findings = t.Dict[Question, t.Optional[Finding]]
"""What is not free; None where the witnesses contradict each other."""


def worst(states: t.Iterable[str]) -> str:
    return min(states, key=_WORST_FIRST.index)
