# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What speaks against ports that are as required -> Doubt records, or conflicts where the request wants that. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.ephemeral import Ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._model.claim import Claim
from ansible_collections.preflight.ports.plugins.module_utils._model.doubt import (
    CLAIM,
    EPHEMERAL,
    FIREWALL,
    NAT,
    NOT_PROBED,
    SELINUX,
    Doubt,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import BLOCKED, CLAIMED, REFUSED
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import EPHEMERAL as TAKEN_BY_CONNECTIONS
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Redirect
from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import overlap
from ansible_collections.preflight.ports.plugins.module_utils._model.ports import runs
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question, questions_of
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Endpoint, packed
from ansible_collections.preflight.ports.plugins.module_utils._verdict.barriers import barrier
from ansible_collections.preflight.ports.plugins.module_utils._verdict.sentences import diversion
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict, Verdicts

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.passage import Barred

_STATES = {EPHEMERAL: TAKEN_BY_CONNECTIONS, FIREWALL: BLOCKED, CLAIM: CLAIMED, SELINUX: REFUSED}
"""Of a conflict that a doubt of that kind makes."""


def from_nat(
    requirements: t.Sequence[Requirement], verdicts: Verdicts, diversions: t.Mapping[Question, Redirect]
) -> list[Doubt]:
    """NAT rules that may send a port's traffic elsewhere."""
    found: list[Doubt] = []
    for index, requirement in enumerate(requirements if diversions else ()):
        by_rule: dict[tuple[Redirect, bool], dict[int, str]] = {}
        for port in _met(index, requirement, verdicts):
            verdict = verdicts.get((index, port))
            for question in questions_of(requirement, port):
                redirect = diversions.get(question)
                if not redirect or (verdict and question.endpoint in verdict.served and not redirect.depends_on):
                    continue  # a service answers where the rule leads
                # A rule for many ports may have a target for each.
                is_ipv6 = question.endpoint.is_ipv6 and not redirect.depends_on
                key = redirect._replace(target="", destinations=()), is_ipv6
                by_rule.setdefault(key, {})[port] = redirect.target
        for (redirect, is_ipv6), targets in by_rule.items():
            reason = diversion(redirect, list(dict.fromkeys(targets.values())), is_ipv6)
            found += [Doubt(index, *run, NAT, reason) for run in runs(sorted(targets))]
    return found


def from_connections(
    requirements: t.Sequence[Requirement], verdicts: Verdicts, settings: Ephemeral | None
) -> list[Doubt]:
    """Ports that are to be free and that the kernel may give to any outgoing connection."""
    if settings is None:
        return []
    threatened = {
        index: settings.threatened(_met(index, requirement, verdicts))
        for index, requirement in enumerate(requirements)
        if requirement.state == FREE
    }
    every = {port for ports in threatened.values() for port in ports}
    reason = f"it may go to any outgoing connection (net.ipv4.ip_local_port_range is {settings.first}-{settings.last})"
    advice = f"To prevent that, set {settings.sysctl(every)}" if every else None
    if 2 * len(every) > len(settings.threatened(range(settings.first, settings.last + 1))):
        advice = "Choose other ports, or move net.ipv4.ip_local_port_range: connections would run out of ports."
    return [Doubt(index, *run, EPHEMERAL, reason, advice) for index, ports in threatened.items() for run in runs(ports)]


def from_silence(
    requirements: t.Sequence[Requirement],
    verdicts: Verdicts,
    unprobed: t.Collection[Question],
    first_unprivileged: int,
) -> list[Doubt]:
    """Ports that count as free although bind(2) gave no answer."""
    found: list[Doubt] = []
    for index, requirement in enumerate(requirements if unprobed else ()):
        silent = [
            port
            for port in _met(index, requirement, verdicts)
            if any(question in unprobed for question in questions_of(requirement, port))
        ]
        for is_low in (True, False):
            reason, advice = _SILENCE[is_low]
            ports = [port for port in silent if (port < first_unprivileged) is is_low]
            found += [Doubt(index, *run, NOT_PROBED, reason.format(first_unprivileged), advice) for run in runs(ports)]
    return found


_SILENCE = {
    True: (
        "bind(2) was not tried: this user may not bind ports below {}",
        "Run the task with become: true.",
    ),
    False: ("bind(2) gave no answer: it is refused on every port here", "Run the task where its user may bind ports."),
}


def from_claims(requirements: t.Sequence[Requirement], verdicts: Verdicts, claims: t.Sequence[Claim]) -> list[Doubt]:
    """Ports that are free now, but that a claimant outside of ``held_by`` will take."""
    found: list[Doubt] = []
    for index, requirement in enumerate(requirements if claims else ()):
        free = _met(index, requirement, verdicts) if requirement.state == FREE else []
        taken = {port for port in free if (index, port) in verdicts and verdicts[index, port].state != FREE}
        for claim in claims:
            if not _concerns(claim, requirement) or claim.is_allowed(requirement.held_by):
                continue
            ports = [port for port in free if claim.first <= port <= claim.last and port not in taken]
            advice = f"{claim.remedy}, or name it in held_by ({claim.field}:{claim.name}) if it is to have the port."
            found += [Doubt(index, *run, CLAIM, claim.reason, advice) for run in runs(ports)]
    return found


def _concerns(claim: Claim, requirement: Requirement) -> bool:
    """Whether both want the same addresses."""
    if claim.protocol != requirement.protocol:
        return False
    if not claim.address:
        return True
    try:
        wanted = Endpoint(packed(claim.address))
    except OSError:
        return False  # whoever claims it will fail
    return any(overlap(each, wanted) is not False for each in requirement.endpoints)


def from_firewall(requirements: t.Sequence[Requirement], barred: Barred) -> list[Doubt]:
    """Ports to which the firewall does not let all clients."""
    return [
        Doubt(index, passage.first, passage.last, FIREWALL, barrier(passage), passage.advice)
        for index, passages in barred.items()
        for passage in passages
    ]


def _met(index: int, requirement: Requirement, verdicts: Verdicts) -> list[int]:
    """The ports that are as required."""
    return [port for port in requirement.ports if (index, port) not in verdicts or verdicts[index, port].met]


def as_conflicts(requirements: t.Sequence[Requirement], verdicts: Verdicts, doubts: t.Iterable[Doubt]) -> Verdicts:
    """The *verdicts* with the ports in these *doubts* as conflicts.

    Who serves a port is only known where somebody asked for it.
    """
    made: Verdicts = {}
    for doubt in doubts:
        for port in range(doubt.first, doubt.last + 1):
            known = verdicts.get((doubt.entry, port))
            made[doubt.entry, port] = Verdict(
                requirements[doubt.entry],
                port,
                _STATES[doubt.kind],
                met=False,
                holders=tuple(holder for holder in known.holders if not holder.hidden) if known else (),
                doubt=doubt,
            )
    return {**verdicts, **made}
