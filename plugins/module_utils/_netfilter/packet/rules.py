# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What rules of every kind have in common: what they make of packets. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import Packets
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import Region

JUMP, GOTO, RETURN, CONTINUE, ACCEPT, DROP, NAT = "jump", "goto", "return", "continue", "accept", "drop", "nat"
LOST = "lost"  # nobody knows what becomes of the packet


class Target(t.NamedTuple):
    """What a rule writes over the destination of a packet."""

    is_redirect: bool = False
    """To an address of this host, the one of the device that the packet came in by."""
    addresses: tuple[bytes, ...] = ()
    """The first and the last that the kernel chooses from; none: it stays as it is."""
    ports: tuple[int, ...] = ()
    base_port: int | None = None
    """Shifts the ports: this one becomes the first of *ports*, the next one the second."""


class Verdict(t.NamedTuple):
    """What becomes of packets that a rule matches."""

    kind: str
    chain: str = ""
    """Where to JUMP or GOTO."""
    target: Target | None = None
    """Of NAT; None if it cannot be told."""


class Outcome(t.NamedTuple):
    """One thing that a rule may do."""

    verdict: Verdict
    packets: Packets
    """As the rule has made them."""
    sure: Region
    """To these it does this, or what an outcome before this one says; to the next rule they do not go as they were."""
    may: Region
    """To no others it does this."""
    doubts: tuple[Doubt, ...] = ()
    """What it depends on."""


class Rule(t.Protocol):
    """One rule of a chain."""

    def outcomes(self, packets: Packets, region: Region) -> t.Iterable[Outcome]:
        """Raises SourceError."""

    def comment(self) -> str | None:
        """The words that whoever made it left with it."""

    def text(self, is_iptables: bool) -> str:
        """As nft prints it, or iptables-save without the chain."""

    def handle(self) -> int:
        """By which nft names it; 0 where it has no such name."""


class Base(t.NamedTuple):
    """A chain that the kernel itself calls, and the way to the others of its table."""

    tool: str
    table: str
    """``ip nat``."""
    name: str
    hook: int
    priority: int
    address_bytes: tuple[int, ...]
    """4 if it sees packets of IPv4, 16 if it sees those of IPv6."""
    chain: t.Callable[[str], t.Sequence[Rule]]
    """Raises SourceError."""
    is_nat: bool = False
    drops: bool = False
    """What its policy does to packets that no rule decides about."""
    devices: frozenset[str] | None = None
    """Those whose packets it sees, if not all."""
