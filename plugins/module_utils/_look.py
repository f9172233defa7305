# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at a host: ask the witnesses, find who is behind what they say, judge."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils import _probe
from ansible_collections.preflight.ports.plugins.module_utils._addresses import Endpoint
from ansible_collections.preflight.ports.plugins.module_utils._holders import Census
from ansible_collections.preflight.ports.plugins.module_utils._requirements import FREE, LAST_PORT, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._sockets import EVERY_STATE, LISTENERS, TCP, Socket
from ansible_collections.preflight.ports.plugins.module_utils._sources import Source
from ansible_collections.preflight.ports.plugins.module_utils._verdicts import (
    UNKNOWN,
    Finding,
    Verdict,
    judge,
    rivals,
    settle,
    surely_taken,
    together,
)

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._socket_units import Run

_ATTEMPTS = 3
_NOBODY = Census(pids={}, processes={})


class Question(t.NamedTuple):
    """Could a server bind this?"""

    protocol: str
    endpoint: Endpoint
    port: int


class Look(t.NamedTuple):
    """What one look found."""

    verdicts: dict[tuple[int, int], Verdict]
    """(index of the requirement, port) -> verdict, for all but the ports that are to be free and are."""
    probed: bool
    """Whether bind(2) gave an answer wherever it was needed."""
    source: str


Findings = t.Dict[Question, t.Optional[Finding]]
"""What is not free; None where the witnesses contradict each other."""


def look(requirements: t.Sequence[Requirement], source: Source, probing: bool, run: Run) -> Look:
    """Raises SourceError and ProbeError.

    The witnesses are asked one after the other, and sockets come and go meanwhile. What does not fit together is asked
    again; in the end it is unknown, never free.
    """
    pending = [
        Question(requirement.protocol, endpoint, port)
        for requirement in requirements
        for port in requirement.ports
        for endpoint in requirement.endpoints
    ]
    findings: Findings = {}
    probed = probing
    for _attempt in range(_ATTEMPTS):
        answers = _ask(pending, source, probing)
        probed = probed and _probe.NO_WITNESS not in answers.values()
        for question in pending:
            findings.pop(question, None)
        findings.update(_settle(answers, source))
        suspects = _suspects(requirements, findings)
        census = _take_census(suspects, run) if suspects else _NOBODY
        gone = _gone(suspects, census, source)
        pending = [
            question
            for question, finding in findings.items()
            if finding is None or not gone.isdisjoint(finding.sockets)
        ]
        if not pending:
            break
    competing = rivals(requirements)
    verdicts = {
        (index, port): judge(requirements[index], port, finding, census, competing.get((index, port), ()))
        for (index, port), finding in _by_port(requirements, findings, competing).items()
    }
    return Look(verdicts, probed, source.name)


def _ask(questions: t.Sequence[Question], source: Source, probing: bool) -> dict[Question, str | None]:
    """What bind(2) answers, but for "free"; None where the table makes the question needless."""
    table = _table(questions, source, LISTENERS)
    answers: dict[Question, str | None] = {}
    for question in questions:
        sockets = table.get((question.protocol, question.port))
        if sockets and surely_taken(question.endpoint, sockets, source.shows_device):
            # A wildcard listener takes every address, but not one that is not here.
            is_here = not probing or _probe.is_on_host(question.protocol, question.endpoint)
            answers[question] = None if is_here else _probe.UNAVAILABLE
            continue
        answer = _probe.probe(*question) if probing else _probe.NO_WITNESS
        if answer != _probe.FREE:
            answers[question] = answer
    return answers


def _settle(answers: t.Mapping[Question, str | None], source: Source) -> Findings:
    table = _table(answers, source, EVERY_STATE)
    shows_bound = source.find_bound is None
    if source.find_bound and any(_may_be_bound(*answer) for answer in answers.items()):
        listed = {held.inode for held in source.read(TCP, 1, LAST_PORT, EVERY_STATE)}
        bound = source.find_bound(listed)
        shows_bound = bound.all_seen
        for held in bound.sockets:
            table.setdefault((TCP, held.port), []).append(held)
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
                    requirement,
                    [(findings[ask] or Finding(UNKNOWN)) if ask in findings else Finding(FREE) for ask in each],
                )
    return by_port


def _suspects(requirements: t.Sequence[Requirement], findings: Findings) -> set[Socket]:
    """The sockets that somebody will ask about: not those that listen as they should."""
    return {
        held
        for (index, port), finding in _by_port(requirements, findings).items()
        if not judge(requirements[index], port, finding, _NOBODY).met
        for held in finding.sockets
    }


def _take_census(suspects: t.Collection[Socket], run: Run) -> Census:
    # Only now, for where all is well nobody's holder is looked for: on a target, each import costs time in each task.
    from ansible_collections.preflight.ports.plugins.module_utils import _census

    return _census.take(suspects, run)


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
