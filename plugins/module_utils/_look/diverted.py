# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings where NAT rules take all traffic of a port."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._holders import census
from ansible_collections.preflight.ports.plugins.module_utils._look import answering
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import REDIRECTED, Finding, Findings
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Census, Redirect
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import Requirement
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import Source
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdicts import suspects


def divert(
    requirements: t.Sequence[Requirement],
    findings: Findings,
    known: Census | None,
    redirects: t.Mapping[Question, Redirect],
    to_be_served: t.Container[Question],
    source: Source,
) -> tuple[Findings, Census | None]:
    """*findings* with the *redirects*, and the census with those who answer there. Raises SourceError."""
    found = dict(findings)
    answers: dict[tuple[t.Any, ...], answering.Answering] = {}
    for question, redirect in redirects.items():
        there = answering.Answering((), False)
        if question in to_be_served:
            key = (question.protocol, question.endpoint, redirect.destinations)
            if key not in answers:
                answers[key] = answering.find(question, redirect, source)
            there = answers[key]
        before = found.get(question) or Finding(REDIRECTED)
        unknown = there.in_part or not there.sockets
        found[question] = before._replace(
            redirect=redirect,
            answering=there.sockets,
            answered_in_part=there.in_part,
            strangers_answer=question in to_be_served and unknown and answering.leads_away(redirect),
        )
    asked = suspects(requirements, found).intersection(held for each in answers.values() for held in each.sockets)
    if not asked:
        return found, known
    more = census.take(asked)
    return found, more.joined_with(known) if known else more
