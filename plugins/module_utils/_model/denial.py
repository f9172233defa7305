# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Denial: what SELinux denies a domain that is to bind ports. Pure."""

from __future__ import annotations

import typing as t

NAME_BIND, NODE_BIND, NET_BIND_SERVICE = "name_bind", "node_bind", "net_bind_service"
CREATE, BIND, LISTEN = "create", "bind", "listen"
NO_DOMAIN = "no domain"


class Switch(t.NamedTuple):
    """A change of a boolean that would allow it."""

    boolean: str
    value: bool
    opens: int
    """How many types of ports, to the same domain."""


class Denial(t.NamedTuple):
    """Neighbouring ports of which the same is denied. All text is printable."""

    first: int
    last: int
    domain: str
    permission: str | None
    """CREATE, BIND or LISTEN of any socket; NAME_BIND on the port's type; NODE_BIND on the address's type; the
    capability NET_BIND_SERVICE. NO_DOMAIN: the policy lacks the domain. None: nobody knows."""
    is_enforced: bool = False
    target: str = ""
    """The type of the port or of the address; where nobody knows, why."""
    types: tuple[str, ...] = ()
    """The types of ports that the domain may bind, the one most like its name first."""
    is_defined: bool = False
    """Whether the policy has a type for exactly these ports, which semanage(8) modifies instead of adding one."""
    switches: tuple[Switch, ...] = ()
    """Those that open the fewest types first."""
    unit: str = ""
    """Whose domain it is, where nobody named that."""


Denials = t.Dict[int, t.List[Denial]]
"""The index of a requirement -> what is denied of its ports."""
