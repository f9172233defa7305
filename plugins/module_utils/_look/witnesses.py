# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the two witnesses, the socket table and bind(2), say of the ports in question."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel import bind
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import LISTENERS, Socket
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import Source

Answers = t.Dict[Question, t.Optional[str]]
"""What bind(2) answers, but for "free"; None where the table makes the question needless."""


def ask(questions: t.Sequence[Question], source: Source, probing: bool) -> Answers:
    """Raises SourceError and ProbeError."""
    answers = _ruled_out(questions, source, probing)
    left = [question for question in questions if question not in answers]
    # One bind takes the wildcard addresses of both families at once, and most ports are free on both.
    wildcards = dict.fromkeys((each.protocol, each.port) for each in left if each.endpoint.is_wildcard)
    free = {each for each in wildcards if probing and bind.binds_everywhere(*each)}
    for question in left:
        protocol, endpoint, port = question
        if not (endpoint.is_wildcard and (protocol, port) in free):
            answer = bind.probe(protocol, endpoint, port) if probing else bind.NO_WITNESS
            if answer != bind.FREE:
                answers[question] = answer
    return answers


def _ruled_out(questions: t.Sequence[Question], source: Source, probing: bool) -> Answers:
    """The questions that the table alone, read without connections, answers.

    One that shows no devices answers none: it shows no VRFs, either, and TCP has ports of its own in each. It is read
    all the same, for a source that fails is no witness.
    """
    listening = table(questions, source, LISTENERS)
    if not (listening and source.shows_options):
        return {}
    from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import surely_taken

    answers: Answers = {}
    for question in questions:
        protocol, endpoint, port = question
        if surely_taken(endpoint, listening.get((protocol, port), ())):
            # A wildcard listener takes every address, but not one that is not here.
            answers[question] = None if not probing or bind.is_on_host(protocol, endpoint) else bind.UNAVAILABLE
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
