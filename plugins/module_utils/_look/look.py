# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at a host: ask the witnesses, look closer at what they do not call free, judge."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._look.witnesses import ask
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import Source

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._holders.socket_units import RunCommand
    from ansible_collections.preflight.ports.plugins.module_utils._model.finding import Findings
    from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Census, Redirect
    from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdicts import Rivals, Verdicts

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
    """Raises SourceError and ProbeError."""
    asked = [
        Question(requirement.protocol, endpoint, port)
        for requirement in requirements
        for port in requirement.ports
        for endpoint in requirement.endpoints
    ]
    answers = ask(asked, source, probing)
    findings: Findings = {}
    census = None
    probed = probing
    if answers:
        from ansible_collections.preflight.ports.plugins.module_utils._look.closer import inquire

        findings, census, probed = inquire(requirements, answers, source, probing, run_command)
    found = _find_redirects([question for question in asked if question not in findings]) if redirects else None
    doubts = {}
    if found:
        from ansible_collections.preflight.ports.plugins.module_utils._look.settle import sent_elsewhere

        doubts = {question: redirect for question, redirect in found.items() if redirect.depends_on}
        findings.update(sent_elsewhere(found))
    verdicts = _verdicts(requirements, findings, census)
    if any(verdict.state == FREE and not verdict.met for verdict in verdicts.values()):
        from ansible_collections.preflight.ports.plugins.module_utils._look import elsewhere

        verdicts = elsewhere.find(verdicts, source)
    return Look(verdicts, probed, source.name, found is not None, doubts)


def _find_redirects(questions: t.Collection[Question]) -> t.Mapping[Question, Redirect] | None:
    """None if the user may not know."""
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate

    return gate.find(questions)


def _verdicts(requirements: t.Sequence[Requirement], findings: Findings, census: Census | None) -> Verdicts:
    rivals = _find_rivals(requirements)
    if not findings and not rivals and all(requirement.state == FREE for requirement in requirements):
        return {}
    from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdicts import verdicts

    return verdicts(requirements, findings, census, rivals)


def _find_rivals(requirements: t.Sequence[Requirement]) -> Rivals:
    if len({requirement.name for requirement in requirements if requirement.name}) < 2:
        return {}
    from ansible_collections.preflight.ports.plugins.module_utils._verdict import rivals

    return rivals.find(requirements)
