# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements and verdicts -> what the module returns. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._findings import worst
from ansible_collections.preflight.ports.plugins.module_utils._requirements import FREE, LISTENING, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._text import joined

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._ephemeral import Ephemeral
    from ansible_collections.preflight.ports.plugins.module_utils._verdicts import Verdict, Verdicts

# _sentences is imported only where there is something to say: on a target, each import costs time in each task.

NOTHING: dict[str, t.Any] = {
    "ports": [],
    "conflicts": [],
    "held": [],
    "ephemeral": [],
    "source": None,
    "probed": False,
    "redirects_checked": False,
}
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
        "msg": _failure(conflicts, wanted) if conflicts else success(wanted, len(held), listening),
        "ports": [_entry(requirement, by_requirement[index]) for index, requirement in enumerate(requirements)],
        "conflicts": [_conflict(verdict, cmdline, privileged, ephemeral) for verdict in conflicts],
        "held": [_conflict(verdict, cmdline, privileged, ephemeral) for verdict in held],
    }


def _failure(conflicts: t.Sequence[Verdict], wanted: int) -> str:
    from ansible_collections.preflight.ports.plugins.module_utils._sentences import headline

    return headline(conflicts, wanted)


def success(wanted: int, held: int, listening: int) -> str:
    """One sentence for a request of *wanted* ports that is met."""
    counts = {"free": wanted - held - listening, "listening": listening, "held by whom held_by allows": held}
    present = {what: count for what, count in counts.items() if count}
    if not present:
        return "No ports are required."
    subject = "The required port is" if wanted == 1 else f"All {wanted} required ports are"
    if len(present) == 1:
        return f"{subject} {''.join(present)}."
    return f"{subject} as required: {joined([f'{count} {what}' for what, count in present.items()])}."


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


def _conflict(verdict: Verdict, cmdline: bool, privileged: bool, ephemeral: Ephemeral | None) -> dict[str, t.Any]:
    from ansible_collections.preflight.ports.plugins.module_utils._sentences import advice, reason

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
