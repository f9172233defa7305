# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at a host: ask the socket table and bind(2), look closer at what they do not call free, judge."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._look.witnesses import Answers, ask
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question, questions_of
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import Source

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.finding import Findings
    from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Census, Redirect
    from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Rivals, Verdicts

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
    diversions: t.Mapping[Question, Redirect] = {}
    """What NAT rules may send elsewhere, and may not."""
    unprobed: t.Collection[Question] = ()
    """What counts as free although bind(2) gave no answer."""


def look(
    requirements: t.Sequence[Requirement],
    source: Source,
    probing: bool,
    redirects: bool,
    is_last: bool = True,
) -> Look:
    """A port that is to listen is not bound before the last look: its service may be about to start.

    Raises SourceError, ProbeError and UserError.
    """
    # A source that shows no devices shows no VRFs of sockets, either.
    if source.shows_options and any(each.endpoints[0].interface for each in requirements):
        from ansible_collections.preflight.ports.plugins.module_utils._look import vrfs

        requirements = vrfs.placed(requirements)
    to_be_free, to_be_served = _questions(requirements)

    def asking(questions: t.Sequence[Question]) -> Answers:
        served = to_be_served if not is_last else {}
        now = [question for question in questions if question not in served]
        later = [question for question in questions if question in served]
        return {**ask(now, source, probing), **ask(later, source, probing=False)}

    answers = asking([*to_be_free, *(question for question in to_be_served if question not in to_be_free)])
    findings: Findings = {}
    census = None
    unprobed: t.Collection[Question] = ()
    if answers:
        from ansible_collections.preflight.ports.plugins.module_utils._look.closer import inquire

        findings, census, unprobed = inquire(requirements, answers, source, asking)
    found = None
    if redirects:
        asked = [question for question in to_be_free if question not in findings]
        found = _find_redirects([*asked, *(question for question in to_be_served if question not in asked)])
    diversions = {
        question: redirect
        for question, redirect in (found or {}).items()
        if redirect.depends_on or question in to_be_served
    }
    sure = {question: redirect for question, redirect in (found or {}).items() if not redirect.depends_on}
    if sure:
        from ansible_collections.preflight.ports.plugins.module_utils._look.diverted import divert

        findings, census = divert(requirements, findings, census, sure, to_be_served, source)
    verdicts = _verdicts(requirements, findings, census)
    if is_last and any(not verdict.met for verdict in verdicts.values()):
        from ansible_collections.preflight.ports.plugins.module_utils._look import hints

        verdicts = hints.added(verdicts, source)
    missed = tuple(question for question in unprobed if question in to_be_free)
    return Look(verdicts, probing and not missed, source.name, found is not None, diversions, missed if probing else ())


def _questions(requirements: t.Sequence[Requirement]) -> tuple[dict[Question, None], dict[Question, None]]:
    """Each once: those about ports that are to be free, and those about ports that are to listen."""
    to_be_free: dict[Question, None] = {}
    to_be_served: dict[Question, None] = {}
    for requirement in requirements:
        asked = to_be_free if requirement.state == FREE else to_be_served
        for port in requirement.ports:
            asked.update(dict.fromkeys(questions_of(requirement, port)))
    return to_be_free, to_be_served


def _find_redirects(questions: t.Collection[Question]) -> t.Mapping[Question, Redirect] | None:
    """None if the user may not know."""
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate

    # Rules know neither users nor addresses that may come later.
    asked = {question: Question(*question[:3]) for question in questions}
    found = gate.find(dict.fromkeys(asked.values()))
    return None if found is None else {question: found[plain] for question, plain in asked.items() if plain in found}


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
