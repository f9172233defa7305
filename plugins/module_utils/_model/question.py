# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Question: what the host is asked about a port. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Endpoint

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import Requirement


class Question(t.NamedTuple):
    """Could a server bind this?"""

    protocol: str
    endpoint: Endpoint
    port: int
    may_come_later: bool = False
    """Whether the host may lack the address for now: IP_FREEBIND of ip(7)."""
    user: str | None = None
    """The user that the server binds as; None: the user of the task."""


def questions_of(requirement: Requirement, port: int) -> list[Question]:
    """One for each of the requirement's endpoints."""
    return [
        Question(requirement.protocol, endpoint, port, requirement.may_come_later, requirement.user)
        for endpoint in requirement.endpoints
    ]
