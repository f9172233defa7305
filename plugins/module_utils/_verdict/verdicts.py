# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirement, finding and holders -> verdict. Pure."""

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
    holder_of,
    merged,
    redirected,
    unidentified,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.question import questions_of
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, LISTENING, Socket
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import (
    Key,
    Rivals,
    Verdict,
    Verdicts,
    allows,
)

_NOBODY = Census(pids={}, processes={})


def verdicts(
    requirements: t.Sequence[Requirement],
    findings: Findings,
    census: Census | None = None,
    rivals: Rivals | None = None,
) -> Verdicts:
    """The verdicts on what was found. Without a *census* nobody is known."""
    rivals = rivals or {}
    return {
        key: judge(requirements[key[0]], key[1], found, census or _NOBODY, rivals.get(key, ()))
        for key, found in _by_port(requirements, findings, rivals).items()
    }


def suspects(requirements: t.Sequence[Requirement], findings: Findings) -> set[Socket]:
    """The sockets whose holders matter: not those that listen as they should."""
    return {
        held
        for (index, port), found in _by_port(requirements, findings).items()
        if not _is_met_by_anybody(requirements[index], port, found)
        for finding in found
        for held in (*finding.sockets, *finding.answering)
    }


def _is_met_by_anybody(requirement: Requirement, port: int, findings: t.Sequence[Finding]) -> bool:
    """Whether it does not matter who the holders are."""
    if requirement.state == FREE and not requirement.held_by:  # a record for each of many sockets takes its time
        return together(findings).state == FREE
    return judge(requirement, port, findings, _NOBODY).met


def _by_port(
    requirements: t.Sequence[Requirement], findings: Findings, also: t.Collection[Key] = ()
) -> dict[Key, list[Finding]]:
    """The findings for each endpoint, without the ports that are to be free and are."""
    noted = {(question.protocol, question.port) for question in findings}
    return {
        (index, port): [
            (findings[question] or Finding(UNKNOWN)) if question in findings else Finding(FREE)
            for question in questions_of(requirement, port)
        ]
        for index, requirement in enumerate(requirements)
        for port in requirement.ports
        if requirement.state != FREE or (requirement.protocol, port) in noted or (index, port) in also
    }


def judge(
    requirement: Requirement, port: int, findings: t.Sequence[Finding], census: Census, rivals: t.Sequence[str] = ()
) -> Verdict:
    """The verdict on one port from the findings for each endpoint. *rivals*: other names that want it too."""
    if requirement.state == FREE:
        return _judge_free(requirement, port, together(findings), census, rivals)
    # Only now: on a target, each import costs time in each task.
    from ansible_collections.preflight.ports.plugins.module_utils._verdict.served import judge_served

    return judge_served(requirement, port, findings, census)


def _judge_free(
    requirement: Requirement, port: int, finding: Finding, census: Census, rivals: t.Sequence[str]
) -> Verdict:
    found = _holders(finding, requirement, census)
    met = finding.state == FREE or (finding.state != UNAVAILABLE and _may_keep(requirement, found))
    if met and rivals:
        return Verdict(requirement, port, DUPLICATE, False, rivals=tuple(rivals))
    return Verdict(requirement, port, finding.state, met, merged(found))


def _holders(finding: Finding, requirement: Requirement, census: Census) -> list[Holder]:
    """One for each socket, or for what takes the port without any."""
    if finding.state == UNKNOWN:
        return [unidentified(UNKNOWN, requirement.protocol)]
    if finding.redirect:
        return [redirected(finding.redirect, finding.state, requirement.protocol)]
    return [holder_of(held, census) for held in finding.sockets]


def _may_keep(requirement: Requirement, holders: t.Sequence[Holder]) -> bool:
    """Whether those who hold the port may keep it.

    A connection may not: its process does not serve the port, unless it serves UDP there, too.
    """
    serving = {holder.process for holder in holders if holder.state in (LISTENING, BOUND)}
    return bool(holders) and all(
        allows(requirement, holder)
        and (holder.redirect or holder.state in (LISTENING, BOUND) or (holder.process and holder.process in serving))
        for holder in holders
    )


def together(findings: t.Sequence[Finding]) -> Finding:
    """The findings for a requirement's endpoints as one.

    A family that the host lacks counts only if it was asked for.
    """
    findings = [finding for finding in findings if finding.state != UNAVAILABLE] or findings
    found = [finding.sockets for finding in findings if finding.sockets]
    # Most often one has them all, and to compare many takes its time.
    sockets = found[0] if len(found) == 1 else tuple(dict.fromkeys(held for some in found for held in some))
    redirect = next((finding.redirect for finding in findings if finding.redirect and not sockets), None)
    return Finding(worst(finding.state for finding in findings), sockets, redirect)
