# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdict: whether one port is as its requirement wants it. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.finding import DUPLICATE
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Holder
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, Requirement

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.doubt import Doubt
    from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Endpoint

Key = t.Tuple[int, int]
"""(index of the requirement, port)."""

Rivals = t.Mapping[Key, t.Sequence[str]]
"""The other names that want the port too; of many the first ones, and how many more."""

Verdicts = t.Dict[Key, "Verdict"]
"""For all but the ports that are to be free and are."""


class Verdict(t.NamedTuple):
    """Whether one port is as its requirement wants it, and what is the reason."""

    requirement: Requirement
    port: int
    state: str
    met: bool
    holders: tuple[Holder, ...] = ()
    answering: tuple[Holder, ...] = ()
    """Those who answer where a NAT rule sends the traffic."""
    strangers: tuple[Holder, ...] = ()
    """Those who serve the port too, though ``held_by`` does not allow them."""
    served: tuple[Endpoint, ...] = ()
    """Where clients meet somebody, of a port that is to listen."""
    rivals: tuple[str, ...] = ()
    """The other names that want a ``duplicate`` port."""
    elsewhere: tuple[str, ...] = ()
    """The addresses on which something listens, when nothing does on the required one."""
    instead: tuple[str, ...] = ()
    """The ports on which an allowed holder listens, when it does not on the required one."""
    free_on: str | None = None
    """An address of this host on which the port is free, when it is taken on some addresses only."""
    lacks_family: bool = False
    """Whether this host has no IPv6 at all."""
    doubt: Doubt | None = None
    """What makes it a conflict, as the request wants of such doubts."""

    @property
    def is_held(self) -> bool:
        """Met because ``held_by`` allows the holder."""
        return self.met and self.requirement.state == FREE and self.state != FREE

    @property
    def is_final(self) -> bool:
        """No wait will change it: the request contradicts itself."""
        return self.state == DUPLICATE


def allows(requirement: Requirement, holder: Holder) -> bool:
    """Whether the requirement's ``held_by`` names the holder: one of the processes that share a socket is enough."""
    patterns = requirement.held_by
    if any(pattern.matches(names) for pattern in patterns for names in holder.names()):
        return True
    targets = holder.redirect.targets if holder.redirect else ()
    return bool(targets) and all(any(pattern.matches({"nat": [each]}) for pattern in patterns) for each in targets)
