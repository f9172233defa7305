# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A closer look at the ports that are not plainly free: what holds them, and who is behind that."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._holders import census
from ansible_collections.preflight.ports.plugins.module_utils._kernel import bind
from ansible_collections.preflight.ports.plugins.module_utils._look.settle import settle
from ansible_collections.preflight.ports.plugins.module_utils._look.witnesses import Answers, table
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import Findings
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Census
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    EVERY_STATE,
    LAST_PORT,
    TCP,
    UDP,
    Socket,
)
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import Source
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdicts import suspects

_ATTEMPTS = 3
_MET = (bind.IN_USE, bind.REUSABLE)  # what bind(2) answers where a socket is


class Inquiry(t.NamedTuple):
    """What a closer look found."""

    findings: Findings
    census: Census | None
    """None where nobody is to blame."""
    unprobed: t.Collection[Question]
    """What counts as free although bind(2) gave no answer."""


def inquire(
    requirements: t.Sequence[Requirement],
    answers: Answers,
    source: Source,
    asking: t.Callable[[t.Sequence[Question]], Answers],
) -> Inquiry:
    """The findings from the *answers* of table and bind(2). Raises SourceError, ProbeError and UserError.

    The two are asked one after the other, and sockets come and go meanwhile. What does not fit together is asked again;
    in the end it is unknown, never free.
    """
    findings: Findings = {}
    unprobed: dict[Question, None] = {}
    attempts_left = _ATTEMPTS
    while True:
        findings.update(_settle(answers, source))
        unanswered = (question for question, answer in answers.items() if answer == bind.NO_ANSWER)
        unprobed.update((question, None) for question in unanswered if question not in findings)
        blamed = suspects(requirements, findings)
        known = census.take(blamed) if blamed else None
        gone = _gone(blamed, known, source) if known else set()
        again = [
            question
            for question, finding in findings.items()
            if finding is None or not gone.isdisjoint(finding.sockets)
        ]
        attempts_left -= 1
        if not again or not attempts_left:
            return Inquiry(findings, known, unprobed)
        for question in again:
            del findings[question]
        answers = asking(again)


def _settle(answers: Answers, source: Source) -> Findings:
    sockets = table(answers, source, EVERY_STATE)
    shows_bound = source.find_bound is None
    if source.find_bound and any(_may_be_bound(*answer) for answer in answers.items()):
        listed = {held.inode for held in source.read(TCP, 1, LAST_PORT, EVERY_STATE)}
        bound = source.find_bound(listed)
        shows_bound = bound.all_seen
        for held in bound.sockets:
            sockets.setdefault((TCP, held.port), []).append(held)
    if not source.shows_options:
        from ansible_collections.preflight.ports.plugins.module_utils._table import dual_stack

        # It binds the port on another address: only where bind(2) has been asked already.
        met = {(question.protocol, question.port) for question, answer in answers.items() if answer in _MET}
        # The table shows all sockets of UDP.
        sockets = {
            key: dual_stack.resolve(each, shows_bound or key[0] == UDP) if key in met else each
            for key, each in sockets.items()
        }
    hiding = _hiding(answers, sockets) if source.find_bound and shows_bound else set()
    findings = {
        question: settle(
            question.endpoint,
            answer,
            sockets.get((question.protocol, question.port), ()),
            shows_bound and question.port not in hiding,
        )
        for question, answer in answers.items()
    }
    if any(held.endpoint.interface for each in sockets.values() for held in each):
        from ansible_collections.preflight.ports.plugins.module_utils._look import devices

        findings = devices.noted(findings)
    return {question: finding for question, finding in findings.items() if finding is None or finding.state != FREE}


def _hiding(answers: Answers, sockets: t.Mapping[tuple[str, int], t.Sequence[Socket]]) -> set[int]:
    """The ports of TCP where a bound socket is that neither the table nor a walk shows."""
    from ansible_collections.preflight.ports.plugins.module_utils._look import unseen

    ports = {question.port for question, answer in answers.items() if answer == bind.REUSABLE}
    return {port for port in ports if unseen.has_bound(port, sockets.get((TCP, port), ()))}


def _may_be_bound(question: Question, answer: str | None) -> bool:
    return question.protocol == TCP and answer in _MET


def _gone(blamed: t.Collection[Socket], known: Census, source: Source) -> set[Socket]:
    """The sockets that processes had, that nobody has now, and that are not in the table any more."""
    ownerless = {held for held in blamed if (held.inode or held.pids) and not known.owners_of(held)}
    if not ownerless:
        return ownerless
    questions = [Question(held.protocol, held.endpoint, held.port) for held in ownerless]
    still = {_identity(held) for sockets in table(questions, source, EVERY_STATE).values() for held in sockets}
    return {held for held in ownerless if _identity(held) not in still}


def _identity(held: Socket) -> int | Socket:
    return held.inode or held
