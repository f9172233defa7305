# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at a host: ask the witnesses, find who is behind what they say, judge."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils import _probe
from ansible_collections.preflight.ports.plugins.module_utils._findings import (
    REDIRECTED,
    Finding,
    Findings,
    Question,
    settle,
    surely_taken,
)
from ansible_collections.preflight.ports.plugins.module_utils._requirements import FREE, LAST_PORT, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._sockets import EVERY_STATE, LISTENERS, TCP, Socket
from ansible_collections.preflight.ports.plugins.module_utils._sources import Source

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._holders import Census
    from ansible_collections.preflight.ports.plugins.module_utils._redirects import Redirect
    from ansible_collections.preflight.ports.plugins.module_utils._socket_units import RunCommand
    from ansible_collections.preflight.ports.plugins.module_utils._verdicts import Rivals, Verdicts

_ATTEMPTS = 3

# What matters only where something is not as wanted is imported only then: on a target, Python compiles a module's
# files anew in each task.


class Look(t.NamedTuple):
    """What one look found."""

    verdicts: Verdicts
    probed: bool
    """Whether bind(2) gave an answer wherever it was needed."""
    source: str
    redirects_checked: bool = False
    """Whether the NAT rules are known."""
    doubts: t.Mapping[Question, Redirect] = {}
    """What they may send elsewhere, although it counts as free."""


def look(
    requirements: t.Sequence[Requirement], source: Source, probing: bool, redirects: bool, run_command: RunCommand
) -> Look:
    """Raises SourceError and ProbeError.

    The witnesses are asked one after the other, and sockets come and go meanwhile. What does not fit together is asked
    again; in the end it is unknown, never free.
    """
    asked = pending = [
        Question(requirement.protocol, endpoint, port)
        for requirement in requirements
        for port in requirement.ports
        for endpoint in requirement.endpoints
    ]
    findings: Findings = {}
    census = None
    probed = probing
    for _attempt in range(_ATTEMPTS):
        answers = _ask(pending, source, probing)
        probed = probed and _probe.NO_WITNESS not in answers.values()
        for question in pending:
            findings.pop(question, None)
        findings.update(_settle(answers, source, probing))
        if not findings:
            break
        suspects = _suspects(requirements, findings)
        census = _take_census(suspects, run_command) if suspects else None
        gone = _gone(suspects, census, source) if census else set()
        pending = [
            question
            for question, finding in findings.items()
            if finding is None or not gone.isdisjoint(finding.sockets)
        ]
        if not pending:
            break
    found = _find_redirects([question for question in asked if question not in findings]) if redirects else None
    doubts = {}
    for question, redirect in (found or {}).items():
        if redirect.depends_on:
            doubts[question] = redirect
        else:
            findings[question] = Finding(REDIRECTED, (), redirect)
    verdicts = _verdicts(requirements, findings, census)
    return Look(verdicts, probed, source.name, found is not None, doubts)


def _find_redirects(questions: t.Collection[Question]) -> t.Mapping[Question, Redirect] | None:
    """None if the user may not know."""
    from ansible_collections.preflight.ports.plugins.module_utils import _redirects

    return _redirects.find(questions)


def _verdicts(requirements: t.Sequence[Requirement], findings: Findings, census: Census | None) -> Verdicts:
    rivals = _find_rivals(requirements)
    if not findings and not rivals and all(requirement.state == FREE for requirement in requirements):
        return {}
    from ansible_collections.preflight.ports.plugins.module_utils._verdicts import verdicts

    return verdicts(requirements, findings, census, rivals)


def _find_rivals(requirements: t.Sequence[Requirement]) -> Rivals:
    if len({requirement.name for requirement in requirements if requirement.name}) < 2:
        return {}
    from ansible_collections.preflight.ports.plugins.module_utils import _rivals

    return _rivals.find(requirements)


def _suspects(requirements: t.Sequence[Requirement], findings: Findings) -> set[Socket]:
    from ansible_collections.preflight.ports.plugins.module_utils._verdicts import suspects

    return suspects(requirements, findings)


def _take_census(suspects: t.Collection[Socket], run_command: RunCommand) -> Census:
    from ansible_collections.preflight.ports.plugins.module_utils import _census

    return _census.take(suspects, run_command)


def _ask(questions: t.Sequence[Question], source: Source, probing: bool) -> dict[Question, str | None]:
    """What bind(2) answers, but for "free"; None where the table makes the question needless."""
    table = _table(questions, source, LISTENERS)
    answers: dict[Question, str | None] = {}
    for question in questions:
        sockets = table.get((question.protocol, question.port))
        if sockets and surely_taken(question.endpoint, sockets, source.shows_options):
            # A wildcard listener takes every address, but not one that is not here.
            is_here = not probing or _probe.is_on_host(question.protocol, question.endpoint)
            answers[question] = None if is_here else _probe.UNAVAILABLE
            continue
        answer = _probe.probe(*question) if probing else _probe.NO_WITNESS
        if answer != _probe.FREE:
            answers[question] = answer
    return answers


def _settle(answers: t.Mapping[Question, str | None], source: Source, probing: bool) -> Findings:
    table = _table(answers, source, EVERY_STATE)
    shows_bound = source.find_bound is None
    if source.find_bound and any(_may_be_bound(*answer) for answer in answers.items()):
        listed = {held.inode for held in source.read(TCP, 1, LAST_PORT, EVERY_STATE)}
        bound = source.find_bound(listed)
        shows_bound = bound.all_seen
        for held in bound.sockets:
            table.setdefault((TCP, held.port), []).append(held)
    if probing and not source.shows_options:
        from ansible_collections.preflight.ports.plugins.module_utils import _dual_stack

        table = {key: _dual_stack.resolve(sockets, shows_bound) for key, sockets in table.items()}
    findings = {
        question: settle(question.endpoint, answer, table.get((question.protocol, question.port), ()), shows_bound)
        for question, answer in answers.items()
    }
    return {question: finding for question, finding in findings.items() if finding is None or finding.state != FREE}


def _may_be_bound(question: Question, answer: str | None) -> bool:
    return question.protocol == TCP and answer in (_probe.REUSABLE, _probe.IN_USE)


def _table(
    questions: t.Collection[Question], source: Source, states: frozenset[str]
) -> dict[tuple[str, int], list[Socket]]:
    """The sockets on the ports in question, by protocol and port."""
    table: dict[tuple[str, int], list[Socket]] = {}
    for protocol in sorted({question.protocol for question in questions}):
        ports = [question.port for question in questions if question.protocol == protocol]
        for held in source.read(protocol, min(ports), max(ports), states):
            table.setdefault((protocol, held.port), []).append(held)
    return table


def _gone(suspects: t.Collection[Socket], census: Census, source: Source) -> set[Socket]:
    """The sockets that processes had, that nobody has now, and that are not in the table any more."""
    ownerless = {held for held in suspects if (held.inode or held.pids) and not census.owners_of(held)}
    if not ownerless:
        return ownerless
    questions = [Question(held.protocol, held.endpoint, held.port) for held in ownerless]
    still = {_identity(held) for sockets in _table(questions, source, EVERY_STATE).values() for held in sockets}
    return {held for held in ownerless if _identity(held) not in still}


def _identity(held: Socket) -> int | Socket:
    return held.inode or held
