# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirement + witnesses -> verdict, pure.

The witnesses are the socket table and what bind(2) answered.
"""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils import _held_by, _probe
from ansible_collections.preflight.ports.plugins.module_utils._addresses import Endpoint, overlap, serves
from ansible_collections.preflight.ports.plugins.module_utils._holders import Census, Holder, holders, unidentified
from ansible_collections.preflight.ports.plugins.module_utils._requirements import FREE, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    LISTENING,
    TCP,
    UDP,
    Socket,
)

UNKNOWN, DUPLICATE, UNAVAILABLE = "unknown", "duplicate", "unavailable"

_WORST_FIRST = (LISTENING, BOUND, CONNECTED, UNKNOWN, CLOSING, DUPLICATE, UNAVAILABLE, FREE)
_TIERS = ((LISTENING, BOUND), (CONNECTED, CLOSING))


class Finding(t.NamedTuple):
    """What the witnesses say of one port on one or more endpoints."""

    state: str
    sockets: tuple[Socket, ...] = ()
    """Those that hold it."""


class Verdict(t.NamedTuple):
    """Whether one port is as its requirement wants it, and who is the reason."""

    requirement: Requirement
    port: int
    state: str
    met: bool
    holders: tuple[Holder, ...] = ()
    rivals: tuple[str, ...] = ()
    """The other names that want a ``duplicate`` port."""

    @property
    def is_held(self) -> bool:
        """Met because ``held_by`` allows the holder."""
        return self.met and self.requirement.state == FREE and self.state != FREE


def surely_taken(wanted: Endpoint, sockets: t.Iterable[Socket], shows_device: bool) -> bool:
    """Whether the table alone, read without connections, rules a bind to *wanted* out.

    A table that shows no devices shows no VRFs, either, and TCP has ports of its own in each.
    """
    return any(
        (held.protocol == UDP or held.state == LISTENING) and shows_device and overlap(wanted, held.endpoint) is True
        for held in sockets
    )


def settle(wanted: Endpoint, answer: str | None, sockets: t.Iterable[Socket], shows_bound: bool) -> Finding | None:
    """The finding for *wanted* from bind(2)'s *answer* (None: not asked, for the table had ruled it out) and the port's
    sockets in every state. None: the witnesses contradict each other, as when a socket went away between them.
    """
    if answer == _probe.FREE:
        return Finding(FREE)
    if answer == _probe.UNAVAILABLE:
        return Finding(UNAVAILABLE)
    suspects = [held for held in sockets if overlap(wanted, held.endpoint) is not False]
    if answer == _probe.REUSABLE:
        return _settle_reusable(suspects, shows_bound)
    for tier in _TIERS:
        blamed = _blame([held for held in suspects if held.protocol == UDP or held.state in tier])
        if blamed:
            return blamed
    return Finding(FREE) if answer == _probe.NO_WITNESS else None


def _settle_reusable(suspects: t.Sequence[Socket], shows_bound: bool) -> Finding | None:
    """SO_REUSEADDR would do; but whoever is bound without listening is about to listen, and then it would not."""
    bound = tuple(held for held in suspects if held.state == BOUND)
    if bound:
        return Finding(BOUND, bound)
    if shows_bound:
        return Finding(FREE)
    # Connections that are left over explain the answer. They may hide a socket that is bound, too.
    return _blame([held for held in suspects if held.state in (CONNECTED, CLOSING)])


def _blame(sockets: t.Sequence[Socket]) -> Finding | None:
    return Finding(worst(held.state for held in sockets), tuple(sockets)) if sockets else None


def worst(states: t.Iterable[str]) -> str:
    return min(states, key=_WORST_FIRST.index)


def together(requirement: Requirement, findings: t.Sequence[Finding]) -> Finding:
    """The findings for a requirement's endpoints as one.

    A family that the host lacks counts only if it was asked for.
    """
    findings = [finding for finding in findings if finding.state != UNAVAILABLE] or findings
    sockets = dict.fromkeys(held for finding in findings for held in finding.sockets)
    return Finding(worst(finding.state for finding in findings), tuple(sockets))


def judge(
    requirement: Requirement, port: int, finding: Finding, census: Census, rivals: t.Sequence[str] = ()
) -> Verdict:
    """The verdict on one port. *rivals*: other names in the request that want it too."""
    found = tuple(holders(finding.sockets, census))
    if finding.state == UNKNOWN:
        found = (unidentified(UNKNOWN, requirement.protocol),)
    if requirement.state == FREE:
        allowed = bool(found) and all(allows(requirement, holder) for holder in found)
        met = finding.state == FREE or allowed
        if finding.state == FREE and rivals:
            return Verdict(requirement, port, DUPLICATE, False, (), tuple(rivals))
        return Verdict(requirement, port, finding.state, met, found)
    # Where one socket explains the kernel's answer, it says nothing of another whose IPV6_V6ONLY is unknown.
    sure = [held for held in finding.sockets if any(overlap(each, held.endpoint) for each in requirement.endpoints)]
    servers = [held for held in sure or finding.sockets if _is_server(requirement, held)]
    met = bool(servers) and (
        not requirement.held_by or any(allows(requirement, holder) for holder in holders(servers, census))
    )
    return Verdict(requirement, port, finding.state, met, found)


def allows(requirement: Requirement, holder: Holder) -> bool:
    """Whether the requirement's ``held_by`` names the holder."""
    return any(_held_by.matches(pattern, holder.names()) for pattern in requirement.held_by)


def _is_server(requirement: Requirement, held: Socket) -> bool:
    """Whether the socket takes what clients send to the required address; to any address if none is required."""
    if held.state != (LISTENING if requirement.protocol == TCP else BOUND):
        return False
    return requirement.address is None or any(serves(wanted, held.endpoint) for wanted in requirement.endpoints)


def rivals(requirements: t.Sequence[Requirement]) -> dict[tuple[int, int], list[str]]:
    """(index of a requirement, port) -> the other names that want that port free on an overlapping address."""
    wanting: dict[tuple[str, int], list[int]] = {}
    for index, requirement in enumerate(requirements):
        if requirement.name is not None and requirement.state == FREE:
            for port in requirement.ports:
                wanting.setdefault((requirement.protocol, port), []).append(index)
    found: dict[tuple[int, int], list[str]] = {}
    for (_protocol, port), indexes in wanting.items():
        for index in indexes if len(indexes) > 1 else ():
            names = {
                str(requirements[other].name)
                for other in indexes
                if requirements[other].name != requirements[index].name
                and _meet(requirements[index], requirements[other])
            }
            if names:
                found[index, port] = sorted(names)
    return found


def _meet(one: Requirement, other: Requirement) -> bool:
    return any(overlap(left, right) for left in one.endpoints for right in other.endpoints)
