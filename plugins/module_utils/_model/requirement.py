# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was asked for: Requirement, one for each entry of a request and protocol. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ANY4, ANY6, Endpoint

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.passage import Network
    from ansible_collections.preflight.ports.plugins.module_utils._model.pattern import Pattern

FREE, LISTENING = "free", "listening"
WARN, FAIL, IGNORE = "warn", "fail", "ignore"

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
    is_range: bool = False
    """Whether it was written as one, perhaps of a single port."""
    state: str = FREE
    held_by: tuple[Pattern, ...] = ()
    may_come_later: bool = False
    """Whether the host may lack the address for now."""
    user: str | None = None
    """The user that the server binds as; None: the user of the task."""
    selinux_domain: str | None = None
    """In which it runs, where SELinux is on. With a leading ``-``: if the policy has it. Empty: SELinux is not asked.
    None: that of the units which may hold the port."""
    firewall: str = WARN
    """What to do about a port that this host's firewall does not open: WARN, FAIL or IGNORE."""
    clients: tuple[Network, ...] = ()
    """Who must get in; none: any other host."""

    @property
    def ports(self) -> range:
        return range(self.first, self.last + 1)

    @property
    def units(self) -> tuple[str, ...]:
        """Of systemd, in which the server runs; none if it may run elsewhere, or their names are not known."""
        names = tuple(
            each.glob for each in self.held_by if each.fields == ("unit",) and not set("*?[") & set(each.glob)
        )
        return names if len(names) == len(self.held_by) else ()


def count_ports(requirements: t.Iterable[Requirement]) -> int:
    return sum(len(requirement.ports) for requirement in requirements)
