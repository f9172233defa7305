# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passage: what this host's firewall does to the first packets of clients, and Access, what it is asked. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Endpoint

OPEN, BLOCKED, LIMITED, UNKNOWN = "open", "blocked", "limited", "unknown"


class Network(t.NamedTuple):
    """Some addresses."""

    address: bytes
    """The first of them, 4 or 16 bytes."""
    length: int
    """How many bits all of them have in common."""


class Access(t.NamedTuple):
    """Would clients get to a server on these ports?"""

    protocol: str
    endpoints: tuple[Endpoint, ...]
    """What the server binds: one socket for each."""
    first: int
    last: int
    clients: tuple[Network, ...] = ()
    """None for any other host."""
    are_named: bool = True
    """Whether advice lets these clients in alone."""


class Passage(t.NamedTuple):
    """What happens to the packets for neighbouring ports of which it is the same. All text is printable."""

    first: int
    last: int
    verdict: str
    """OPEN; BLOCKED if no client gets in; LIMITED if some do; UNKNOWN."""
    by: str | None = None
    """Whose rule stops packets, in people's words: ``firewalld (zone public)``."""
    chain: str | None = None
    """Where it is: ``inet firewalld filter_IN_public``."""
    rule: str | None = None
    """As its own tool prints it, or the policy of the chain."""
    depends_on: tuple[str, ...] = ()
    advice: str | None = None
    """How to open the ports there."""

    @property
    def is_blocked(self) -> bool:
        return self.verdict == BLOCKED


NOBODY = "the clients: none of them is another host that can reach this address"
"""What an answer depends on where the clients that are named cannot come."""

Barred = t.Dict[int, t.List[Passage]]
"""The index of a requirement -> its ports that are not open to all clients."""
