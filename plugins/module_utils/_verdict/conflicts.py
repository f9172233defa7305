# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the verdicts change in a result in which all is free. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.ephemeral import Ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import worst
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, LISTENING, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._verdict.sentences import advice, headline, reason
from ansible_collections.preflight.ports.plugins.module_utils._verdict.success import success
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdicts import Verdict, Verdicts


def result(
    free: t.Mapping[str, t.Any],
    requirements: t.Sequence[Requirement],
    verdicts: Verdicts,
    cmdline: bool,
    privileged: bool,
    ephemeral: Ephemeral | None,
) -> dict[str, t.Any]:
    """*free* with what the verdicts say. The rest is as for ``_results.result()``."""
    wanted = sum(len(requirement.ports) for requirement in requirements)
    conflicts = [verdict for verdict in verdicts.values() if not verdict.met]
    held = [verdict for verdict in verdicts.values() if verdict.is_held]
    listening = sum(len(each.ports) for each in requirements if each.state == LISTENING)
    by_requirement: dict[int, list[Verdict]] = {}
    for (index, _port), verdict in verdicts.items():
        by_requirement.setdefault(index, []).append(verdict)
    return {
        "msg": headline(conflicts, wanted) if conflicts else success(wanted, len(held), listening),
        "ports": [
            _entry(entry, requirements[index], by_requirement[index]) if index in by_requirement else entry
            for index, entry in enumerate(free["ports"])
        ],
        "conflicts": [_conflict(verdict, cmdline, privileged, ephemeral) for verdict in conflicts],
        "held": [_conflict(verdict, cmdline, privileged, ephemeral) for verdict in held],
    }


def _entry(free: t.Mapping[str, t.Any], requirement: Requirement, verdicts: t.Sequence[Verdict]) -> dict[str, t.Any]:
    unmet = [verdict for verdict in verdicts if not verdict.met]
    entry = {**free, "met": not unmet, "state": worst(verdict.state for verdict in unmet or verdicts)}
    if "first_free" in free:
        taken = {verdict.port for verdict in verdicts if verdict.state != FREE}
        entry["free"] = len(requirement.ports) - len(taken)
        entry["first_free"] = next((port for port in requirement.ports if port not in taken), None)
    return entry


def _conflict(verdict: Verdict, cmdline: bool, privileged: bool, ephemeral: Ephemeral | None) -> dict[str, t.Any]:
    requirement = verdict.requirement
    return {
        "port": verdict.port,
        "protocol": requirement.protocol,
        "address": requirement.address,
        "name": requirement.name,
        "state": verdict.state,
        "wanted": requirement.state,
        "reason": reason(verdict),
        "advice": None if verdict.met else advice(verdict, privileged, ephemeral),
        "holders": [holder.as_dict(cmdline) for holder in verdict.holders],
    }
