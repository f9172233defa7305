# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What NAT rules of every kind have in common: the packets that they see, and what they make of them. Pure.

What a packet is, is known in part: its source may be anybody. So a rule matches or not, or it depends.
"""

from __future__ import annotations

import typing as t

PREROUTING, OUTPUT = 0, 3  # NF_INET_PRE_ROUTING, NF_INET_LOCAL_OUT of linux/netfilter.h

JUMP, GOTO, RETURN, CONTINUE, ACCEPT, DROP, NAT = "jump", "goto", "return", "continue", "accept", "drop", "nat"

Answer = t.Union[bool, str]
"""Whether something holds for a packet. A text is what it depends on, where that is not known."""


def inverted(answer: Answer, wanted: t.Any = True) -> Answer:
    """The opposite, where *wanted*; what an answer depends on stays what it is."""
    return not answer if wanted and isinstance(answer, bool) else answer


def every(answers: t.Iterable[Answer]) -> Answer:
    """Whether all hold."""
    doubt: Answer = True
    for answer in answers:
        if answer is False:
            return False
        if answer is not True:
            doubt = answer
    return doubt


class Interface(t.NamedTuple):
    """A network device."""

    number: int
    name: str


ANY_INTERFACE = Interface(0, "")
"""One of several, and nothing is known of it."""
ITS_DEVICE = "the device that it comes in by"
"""Wherever that decides."""


class NeedsPortError(Exception):
    """A rule asks for the port of a packet that has none."""


class Packet(t.NamedTuple):
    """The first packet of a connection to an address of this host."""

    protocol: int
    """As IP numbers it."""
    hook: int
    """PREROUTING for a packet from another host; OUTPUT for one of this host to itself, over the loopback device."""
    interface: Interface
    """The device it uses."""
    address: bytes
    """Where it goes."""
    port: int | None = None
    """None for any port that no rule is filed under."""

    @property
    def is_ipv6(self) -> bool:
        return len(self.address) == 16

    def known_port(self) -> int:
        """Raises NeedsPortError."""
        if self.port is None:
            raise NeedsPortError
        return self.port


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
    """What becomes of a packet that a rule matches."""

    kind: str
    chain: str = ""
    """Where to JUMP or GOTO."""
    target: Target | None = None
    """Of NAT; None if it cannot be told."""


Comment = t.Callable[[], t.Optional[str]]
"""Looks for the words that a rule has with it, which are seldom needed."""

Outcome = t.Tuple[Verdict, t.Tuple[str, ...], Comment]
"""One thing that a rule may do, and what that depends on: nothing if it is certain, unless an outcome before it is."""

Rule = t.Callable[[Packet], t.Iterable[Outcome]]
"""The outcomes for a packet: none if it does not match, otherwise the first whose doubts turn out well."""


class Chain:
    """Rules in their order, filed by the ports that they are about: a packet sees few of them."""

    def __init__(self, rules: t.Iterable[tuple[t.Collection[int] | None, Rule]]) -> None:
        """Each comes with the only ports that it can match, where these are known."""
        self._general: list[tuple[int, Rule]] = []
        self.by_port: dict[int, list[tuple[int, Rule]]] = {}
        for place, (ports, rule) in enumerate(rules):
            if ports is None:
                self._general.append((place, rule))
            for port in ports or ():
                self.by_port.setdefault(port, []).append((place, rule))

    def concerning(self, port: int | None) -> t.Iterator[Rule]:
        special = self.by_port.get(port, ()) if port is not None else ()
        ordered = sorted((*self._general, *special), key=lambda placed: placed[0]) if special else self._general
        return (rule for _place, rule in ordered)


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
    chain: t.Callable[[str], Chain]
    """Raises SourceError."""

    def sees(self, packet: Packet) -> bool:
        return self.hook == packet.hook and len(packet.address) in self.address_bytes
