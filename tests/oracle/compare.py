# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module said of one port beside what is so: verdict, state and holders."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterable, Iterator, NamedTuple, Optional, Sequence, Tuple

from oracle.scene import Held

REFUSED = ("EACCES", "EPERM")
WORST_FIRST = ("listening", "bound", "connected", "closing")

# What /proc/net and psutil cannot show, and nobody can before Linux 6.8.
LISTS_BOUND = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2]) >= (6, 8)

# Differences that follow from a witness that is missing; every other one is an error.
MISSED = "free, though bound: the table does not show such sockets, and nobody else was asked"
ABSENT = "free or listening, though the address is not on the host: the kernel was not asked"
UNASKED = "free, though a policy refuses it: the kernel was not asked"
CAREFUL = "taken by a connection that would let a server in: a bound socket may hide behind it, or nobody was asked"
MERGED = (
    "taken by a socket that is not in the way, of which the table hides V6ONLY or its device: the kernel was not asked"
)
NAMESAKE = (
    "a socket named that is not in the way, of which the table hides V6ONLY or its device, while another one blocks"
)
NAMELESS = "taken by an unknown holder or a connection instead of a bound socket: the table does not show such sockets"
UNSURE = (
    "not listening, though it is: the table shows an IPv6-only socket like a dual-stack one, and the kernel was not"
    " asked, or answered because of a socket that the user cannot see or that has all of IPv4"
)
DOCUMENTED = (MISSED, ABSENT, UNASKED, CAREFUL, MERGED, NAMESAKE, NAMELESS, UNSURE)


class Look(NamedTuple):
    """One way to run the module."""

    source: str = "auto"
    probe: bool = True
    user: str | None = None

    def __str__(self) -> str:
        return self.source + ("" if self.probe else ", no probe") + (f", as {self.user}" if self.user else "")

    @property
    def shows_bound(self) -> bool:
        return self.source in ("auto", "netlink") and LISTS_BOUND

    def shows_v6only(self, held: Held) -> bool:
        """Netlink tells IPV6_V6ONLY of all but connections, the others never: but who is bound to a literal has it."""
        if held.state in ("connected", "closing"):
            return False
        return self.source in ("auto", "netlink") or held.shape.address != "::"

    @property
    def shows_devices(self) -> bool:
        return self.source in ("auto", "netlink")

    def asks(self, port: int) -> bool:
        """Whether the kernel lets the probe have an answer."""
        return self.probe and not (self.user and port < 1024)


class Fact(NamedTuple):
    """One port of a requirement, as it is."""

    port: int
    error: str  # that a server gets, or ""
    inside: Sequence[Held]  # the sockets that overlap it
    blocking: Sequence[Held]  # those that overlap a socket which the server could not open
    is_absent: bool  # whether no server can have the address
    alike: Sequence[Held]  # those that would for all that the look's table shows of IPV6_V6ONLY and devices

    @property
    def states(self) -> list[str]:
        """The states that are true of it, the worst first."""
        if not self.error and not any(map(_bound_only, self.inside)):
            return ["free"]
        found = sorted({held.state for held in self.inside}, key=WORST_FIRST.index)
        # SO_REUSEADDR may do for the connection and not for a dying one of the other family.
        beside = ["closing"] if found[:1] == ["connected"] and "closing" in found else []
        refused = self.error in REFUSED
        # A policy refuses an address that the host lacks, too: both are true then.
        unavailable = self.error == "EADDRNOTAVAIL" or (refused and self.is_absent)
        return found[:1] + beside + ["refused"] * refused + ["unavailable"] * unavailable

    @property
    def contradictory(self) -> bool:
        """Whether the world and the kernel don't fit together: then the oracle is wrong, not the module."""
        surely = any(held.state == "listening" or held.shape.protocol == "udp" for held in self.inside)
        return surely > bool(self.error) or (self.error == "EADDRINUSE" and not self.inside)


class Crowd(NamedTuple):
    """The holder processes."""

    pids: Sequence[int]  # the eldest first
    seen: Sequence[int]  # those that the look's user may look into
    whole: bool  # whether that goes for every process of this machine

    def of(self, held: Held) -> list[int]:
        return [self.pids[actor] for actor in held.holders if self.pids[actor] in self.seen]

    def names(self, pids: Iterable[int]) -> str:
        """As the listing of a world calls them."""
        known = {pid: f"p{number}" for number, pid in enumerate(self.pids)}
        return ", ".join(known.get(pid, str(pid)) for pid in sorted(pids))


Conflict = Optional[Dict[str, Any]]
Fault = Tuple[str, str]  # kind and detail


def wrong_listening(
    fact: Fact, look: Look, conflict: Conflict, crowd: Crowd, met: bool, clear: bool
) -> Iterator[Fault]:
    """*met*: clients of the address get answers, from allowed holders only. *clear*: the table shows all options."""
    if met != bool(conflict):
        return
    kind = "wrong listening"
    if not met and not look.probe and fact.is_absent:
        kind = ABSENT
    elif (
        met
        and not clear
        and (not look.asks(fact.port) or fact.error in REFUSED or _misled(fact, look, crowd) or _has_all_of_ipv4(fact))
    ):
        kind = UNSURE
    yield kind, f"as required for its clients: {met}"


def _misled(fact: Fact, look: Look, crowd: Crowd) -> bool:
    """Whether a socket that nobody sees may be why bind(2) fails. Root, in a container, cannot rule that out."""
    if look.shows_bound:
        return False
    return any(map(_bound_only, fact.inside)) if look.user else not crowd.whole


def _has_all_of_ipv4(fact: Fact) -> bool:
    """Whether a socket of its own is on every address that could be tried beside the one on ``::``."""
    return any(held.shape.address == "::ffff:0.0.0.0" for held in fact.alike)


def differences(fact: Fact, look: Look, conflict: Conflict, crowd: Crowd) -> Iterator[Fault]:
    """Everything in the conflict (None: the port is free) that isn't as it should be."""
    said = conflict["state"] if conflict else "free"
    states = fact.states
    if fact.contradictory:
        yield "the oracle contradicts itself", f"{fact}"
    if conflict and said in states:
        for detail in _holder_faults(fact, look, conflict, crowd):
            yield "wrong holder", detail
    elif said not in states:
        yield _kind(fact, look, said, states[0], crowd), f"{states[0]} is called {said}"


def _kind(fact: Fact, look: Look, said: str, expected: str, crowd: Crowd) -> str:
    inside = {held.state for held in fact.inside}
    only_alike = {held.state for held in fact.alike if held not in fact.inside}
    blind = not look.shows_bound and (not look.asks(fact.port) or not crowd.whole)
    if said == "free":
        if not look.asks(fact.port) and not look.shows_bound and inside and all(map(_bound_only, fact.inside)):
            return MISSED
        if not look.asks(fact.port) and expected == "refused":
            return UNASKED
        return ABSENT if not look.probe and expected == "unavailable" else "wrong free"
    if expected == "free":
        if said in inside & {"connected", "closing"} and (blind or not look.asks(fact.port)):
            return CAREFUL
        return MERGED if said in only_alike and not look.asks(fact.port) else "wrong taken"
    if said in only_alike:
        return NAMESAKE
    if expected == "bound" and blind and said in {"unknown", "connected", "closing"} & {"unknown", *inside}:
        return NAMELESS
    return "wrong state"


def _bound_only(held: Held) -> bool:
    return held.shape.protocol == "tcp" and held.state == "bound"


def _holder_faults(fact: Fact, look: Look, conflict: dict[str, Any], crowd: Crowd) -> Iterator[str]:
    """Everyone who brings about the state must be named, and nobody who has no part in the port."""
    named: dict[int, set[int]] = {}
    for holder in conflict["holders"]:
        if holder["pid"] is not None:
            named.setdefault(holder["pid"], set()).update(holder["pids"])
    nameless = {kind for kind in ("kernel", "hidden") for holder in conflict["holders"] if holder[kind]}
    due: dict[int, set[int]] = {}
    for held in fact.blocking:
        if held.state == conflict["state"]:
            if crowd.of(held):
                due.setdefault(crowd.of(held)[0], set()).update(crowd.of(held))
            elif _nameless(held) not in nameless and (look.shows_bound or not look.user or not _bound_only(held)):
                yield f"no {_nameless(held)} holder"
    for eldest, pids in due.items():
        if eldest not in named:
            yield f"{crowd.names([eldest])} not named"
        elif not pids <= named[eldest]:
            yield f"pids lack {crowd.names(pids - named[eldest])}"

    strangers = named.keys() - {crowd.of(held)[0] for held in fact.alike if crowd.of(held)}
    if strangers:
        yield f"{crowd.names(strangers)} named"
    for kind in nameless - {_nameless(held) for held in fact.alike if not crowd.of(held)}:
        yield f"a {kind} holder named"


def _nameless(held: Held) -> str:
    return "hidden" if held.holders else "kernel"
