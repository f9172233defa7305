# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the socket table and bind(2) say of the ports in question."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel import bind
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import LISTENERS, Socket
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import Source

Answers = t.Dict[Question, t.Optional[str]]
"""What bind(2) answers, but for "free"; None where the table makes the question needless."""


def ask(questions: t.Sequence[Question], source: Source, probing: bool) -> Answers:
    """Raises SourceError, ProbeError and UserError."""
    answers = _ruled_out(questions, source, probing)
    left = [question for question in questions if question not in answers]
    if not probing:
        return {**answers, **dict.fromkeys(left, bind.NO_ANSWER)}
    for user in dict.fromkeys(question.user for question in left):
        asked = [question for question in left if question.user == user]
        found = zip(asked, map(bind.probe, asked) if user is None else _as_user(user, asked))
        answers.update((question, answer) for question, answer in found if answer != bind.FREE)
    return answers


def _as_user(user: str, questions: t.Sequence[Question]) -> list[str]:
    # Only now: on a target, each import costs time in each task.
    from ansible_collections.preflight.ports.plugins.module_utils._kernel import as_user

    return as_user.probe(user, questions)


def _ruled_out(questions: t.Sequence[Question], source: Source, probing: bool) -> Answers:
    """The questions that the table alone, read without connections, answers.

    One that shows no devices answers none: it shows no VRFs, either, and TCP has ports of its own in each. It is read
    all the same: a source that fails must not count as an empty table.
    """
    listening = table(questions, source, LISTENERS)
    if not (listening and source.shows_options):
        return {}
    from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import surely_taken

    answers: Answers = {}
    for question in questions:
        if surely_taken(question.endpoint, listening.get((question.protocol, question.port), ())):
            # A wildcard listener takes every address, but not one that is not here.
            is_there = not probing or question.may_come_later or bind.is_on_host(question)
            answers[question] = None if is_there else bind.UNAVAILABLE
    return answers


def table(
    questions: t.Collection[Question], source: Source, states: frozenset[str]
) -> dict[tuple[str, int], list[Socket]]:
    """The sockets on the ports in question, by protocol and port. Raises SourceError."""
    sockets: dict[tuple[str, int], list[Socket]] = {}
    for protocol in sorted({question.protocol for question in questions}):
        ports = [question.port for question in questions if question.protocol == protocol]
        for held in source.read(protocol, min(ports), max(ports), states):
            sockets.setdefault((protocol, held.port), []).append(held)
    return sockets
