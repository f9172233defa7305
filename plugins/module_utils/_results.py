# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements and verdicts -> what the module returns. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._ephemeral import Ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._requirements import FREE, LISTENING, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._sentences import advice, headline, reason, success
from ansible_collections.preflight.ports.plugins.module_utils._verdicts import Verdict, worst

Verdicts = t.Mapping[t.Tuple[int, int], Verdict]
"""(index of the requirement, port) -> verdict; a port without one is to be free and is."""

NOTHING: dict[str, t.Any] = {"ports": [], "conflicts": [], "held": [], "ephemeral": [], "source": None, "probed": False}
"""The same keys for a request that could not be looked at."""


def result(
    requirements: t.Sequence[Requirement],
    verdicts: Verdicts,
    cmdline: bool,
    privileged: bool,
    ephemeral: Ephemeral | None,
) -> dict[str, t.Any]:
    """``msg``, ``ports``, ``conflicts`` and ``held``.

    *cmdline*: with the holders' command lines. The rest is what advice depends on, see there.
    """
    wanted = sum(len(requirement.ports) for requirement in requirements)
    conflicts = [verdict for verdict in verdicts.values() if not verdict.met]
    held = [verdict for verdict in verdicts.values() if verdict.is_held]
    listening = sum(len(each.ports) for each in requirements if each.state == LISTENING)
    by_requirement: dict[int, list[Verdict]] = {index: [] for index in range(len(requirements))}
    for (index, _port), verdict in verdicts.items():
        by_requirement[index].append(verdict)
    return {
        "msg": headline(conflicts, wanted) if conflicts else success(wanted, len(held), listening),
        "ports": [_entry(requirement, by_requirement[index]) for index, requirement in enumerate(requirements)],
        "conflicts": [_conflict(verdict, cmdline, advice(verdict, privileged, ephemeral)) for verdict in conflicts],
        "held": [_conflict(verdict, cmdline, None) for verdict in held],
    }


def _entry(requirement: Requirement, verdicts: t.Sequence[Verdict]) -> dict[str, t.Any]:
    unmet = [verdict for verdict in verdicts if not verdict.met]
    is_range = requirement.first != requirement.last
    entry: dict[str, t.Any] = {
        "port": f"{requirement.first}-{requirement.last}" if is_range else requirement.first,
        "protocol": requirement.protocol,
        "address": requirement.address,
        "name": requirement.name,
        "met": not unmet,
        "state": worst([verdict.state for verdict in unmet or verdicts] or [FREE]),
    }
    if is_range:
        taken = {verdict.port for verdict in verdicts if verdict.state != FREE}
        entry["free"] = len(requirement.ports) - len(taken)
        entry["first_free"] = next((port for port in requirement.ports if port not in taken), None)
    return entry


def _conflict(verdict: Verdict, cmdline: bool, suggestion: str | None) -> dict[str, t.Any]:
    requirement = verdict.requirement
    return {
        "port": verdict.port,
        "protocol": requirement.protocol,
        "address": requirement.address,
        "name": requirement.name,
        "state": verdict.state,
        "wanted": requirement.state,
        "reason": reason(verdict),
        "advice": suggestion,
        "holders": [holder.as_dict(cmdline) for holder in verdict.holders],
    }
