# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was asked for: Requirement, one for each entry of a request and protocol. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ANY4, ANY6, Endpoint

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.pattern import Pattern

FREE, LISTENING = "free", "listening"

WILDCARDS = (Endpoint(ANY4), Endpoint(ANY6, v6only=True))


class RequirementError(ValueError):
    """An entry that cannot be understood; the text names the entry, its value and what would be right."""


class Requirement(t.NamedTuple):
    """One entry of the request, for one protocol."""

    protocol: str
    first: int
    last: int
    address: str | None
    """As it was asked for; None for the wildcard addresses of the families that the host has."""
    endpoints: tuple[Endpoint, ...]
    """What a server would bind: one socket for each."""
    name: str | None = None
    state: str = FREE
    held_by: tuple[Pattern, ...] = ()

    @property
    def ports(self) -> range:
        return range(self.first, self.last + 1)


def ports_to_be_free(requirements: t.Iterable[Requirement]) -> t.Iterator[int]:
    """Every port that some requirement wants to be free."""
    return (port for requirement in requirements if requirement.state == FREE for port in requirement.ports)
