# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirement + finding + holders -> verdict, pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.finding import (
    DUPLICATE,
    UNAVAILABLE,
    UNKNOWN,
    Finding,
    Findings,
    worst,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import (
    Census,
    Holder,
    holders,
    redirected,
    unidentified,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import overlap, serves
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SERVING, Socket

Rivals = t.Mapping[t.Tuple[int, int], t.Sequence[str]]
"""(index of the requirement, port) -> the other names that want the port too."""

Verdicts = t.Dict[t.Tuple[int, int], "Verdict"]
"""(index of the requirement, port) -> verdict, for all but the ports that are to be free and are."""

_NOBODY = Census(pids={}, processes={})


class Verdict(t.NamedTuple):
    """Whether one port is as its requirement wants it, and who is the reason."""

    requirement: Requirement
    port: int
    state: str
    met: bool
    holders: tuple[Holder, ...] = ()
    rivals: tuple[str, ...] = ()
    """The other names that want a ``duplicate`` port."""
    elsewhere: tuple[str, ...] = ()
    """Where something listens, when nothing does on the required address."""

    @property
    def is_held(self) -> bool:
        """Met because ``held_by`` allows the holder."""
        return self.met and self.requirement.state == FREE and self.state != FREE

    @property
    def is_final(self) -> bool:
        """No wait will change it: it is the request that contradicts itself."""
        return self.state == DUPLICATE


def verdicts(
    requirements: t.Sequence[Requirement],
    findings: Findings,
    census: Census | None = None,
    rivals: Rivals | None = None,
) -> Verdicts:
    """The verdicts on what was found. Without a *census* nobody is known."""
    rivals = rivals or {}
    return {
        (index, port): judge(requirements[index], port, finding, census or _NOBODY, rivals.get((index, port), ()))
        for (index, port), finding in _by_port(requirements, findings, rivals).items()
    }


def suspects(requirements: t.Sequence[Requirement], findings: Findings) -> set[Socket]:
    """The sockets that somebody will ask about: not those that listen as they should."""
    return {
        held
        for (index, port), finding in _by_port(requirements, findings).items()
        if not judge(requirements[index], port, finding, _NOBODY).met
        for held in finding.sockets
    }


def _by_port(
    requirements: t.Sequence[Requirement], findings: Findings, also: t.Collection[tuple[int, int]] = ()
) -> dict[tuple[int, int], Finding]:
    """The findings by index of the requirement and port, without the ports that are to be free and are."""
    noted = {(question.protocol, question.port) for question in findings}
    by_port = {}
    for index, requirement in enumerate(requirements):
        for port in requirement.ports:
            if requirement.state != FREE or (requirement.protocol, port) in noted or (index, port) in also:
                each = (Question(requirement.protocol, endpoint, port) for endpoint in requirement.endpoints)
                by_port[index, port] = together(
                    [(findings[ask] or Finding(UNKNOWN)) if ask in findings else Finding(FREE) for ask in each]
                )
    return by_port


def together(findings: t.Sequence[Finding]) -> Finding:
    """The findings for a requirement's endpoints as one.

    A family that the host lacks counts only if it was asked for.
    """
    findings = [finding for finding in findings if finding.state != UNAVAILABLE] or findings
    sockets = dict.fromkeys(held for finding in findings for held in finding.sockets)
    redirect = next((finding.redirect for finding in findings if finding.redirect and not sockets), None)
    return Finding(worst(finding.state for finding in findings), tuple(sockets), redirect)


def judge(
    requirement: Requirement, port: int, finding: Finding, census: Census, rivals: t.Sequence[str] = ()
) -> Verdict:
    """The verdict on one port. *rivals*: other names in the request that want it too."""
    found = tuple(holders(finding.sockets, census))
    if finding.state == UNKNOWN:
        found = (unidentified(UNKNOWN, requirement.protocol),)
    elif finding.redirect:
        found = (redirected(finding.redirect, finding.state, requirement.protocol),)
    if requirement.state == FREE:
        allowed = bool(found) and all(allows(requirement, holder) for holder in found)
        met = finding.state == FREE or allowed
        if met and rivals:
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
    return any(pattern.matches(holder.names()) for pattern in requirement.held_by)


def _is_server(requirement: Requirement, held: Socket) -> bool:
    """Whether the socket takes what clients send to the required address; to any address if none is required."""
    if held.state != SERVING[requirement.protocol]:
        return False
    return requirement.address is None or any(serves(wanted, held.endpoint) for wanted in requirement.endpoints)
