# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the verdicts change in a result in which all is free. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.doubt import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import worst
from ansible_collections.preflight.ports.plugins.module_utils._model.ports import shown
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._verdict.advice import Circumstances, advice
from ansible_collections.preflight.ports.plugins.module_utils._verdict.doubts import as_conflicts
from ansible_collections.preflight.ports.plugins.module_utils._verdict.runs import Run, runs
from ansible_collections.preflight.ports.plugins.module_utils._verdict.sentences import reason
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict, Verdicts

Dict = t.Dict[str, t.Any]


def changes(
    entries: t.Sequence[Dict],
    requirements: t.Sequence[Requirement],
    verdicts: Verdicts,
    failing: t.Sequence[Doubt],
    circumstances: Circumstances | None,
) -> Dict:
    """``ports``, ``conflicts`` and ``held``. The *failing* doubts are conflicts as well; see results.result()."""
    verdicts = as_conflicts(requirements, verdicts, failing)
    circumstances = circumstances or Circumstances()
    by_entry: dict[int, list[Verdict]] = {}
    for (index, _port), verdict in verdicts.items():
        by_entry.setdefault(index, []).append(verdict)
    found = runs(verdicts)
    return {
        "ports": [
            _entry(entry, requirements[index], by_entry[index]) if index in by_entry else entry
            for index, entry in enumerate(entries)
        ],
        "conflicts": [_conflict(run, circumstances) for run in found if not run.verdict.met],
        "held": [_conflict(run, circumstances) for run in found if run.verdict.is_held],
    }


def _entry(free: Dict, requirement: Requirement, verdicts: t.Sequence[Verdict]) -> Dict:
    unmet = [verdict for verdict in verdicts if not verdict.met]
    entry = {**free, "met": not unmet, "state": worst(verdict.state for verdict in unmet or verdicts)}
    if requirement.is_range:
        taken = {verdict.port for verdict in verdicts if verdict.state != FREE}
        entry["free"] = len(requirement.ports) - len(taken)
        entry["first_free"] = next((port for port in requirement.ports if port not in taken), None)
    return entry


def _conflict(run: Run, circumstances: Circumstances) -> Dict:
    verdict = run.verdict
    requirement = verdict.requirement
    return {
        "port": shown(run.first, run.last),
        "count": run.last - run.first + 1,
        "protocol": requirement.protocol,
        "address": requirement.address,
        "name": requirement.name,
        "state": verdict.state,
        "wanted": requirement.state,
        "reason": reason(verdict),
        "advice": None if verdict.met else advice(run, circumstances),
        "holders": [holder.as_dict() for holder in verdict.holders],
    }
