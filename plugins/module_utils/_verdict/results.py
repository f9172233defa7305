# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements, verdicts and doubts -> what the module returns. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.ports import shown
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, Requirement

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.doubt import Doubt
    from ansible_collections.preflight.ports.plugins.module_utils._verdict.advice import Circumstances
    from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdicts

Dict = t.Dict[str, t.Any]

NOTHING: Dict = {
    "ports": [],
    "conflicts": [],
    "held": [],
    "ephemeral": [],
    "doubts": [],
    "source": None,
    "probed": False,
    "redirects_checked": False,
    "firewall": [],
    "firewall_checked": False,
}
"""The keys of a result for a request that could not be looked at."""


def result(
    requirements: t.Sequence[Requirement],
    verdicts: Verdicts,
    doubts: t.Sequence[Doubt],
    fails: t.Callable[[Doubt], bool],
    circumstances: Circumstances | None,
) -> Dict:
    """``ports``, ``conflicts``, ``held`` and ``doubts``.

    *fails*: whether the request wants a doubt to be a conflict. *circumstances*: what advice depends on, see there.
    """
    failing = [doubt for doubt in doubts if fails(doubt)]
    free = {
        "ports": _entries(requirements),
        "conflicts": [],
        "held": [],
        "doubts": _doubts(requirements, (doubt for doubt in doubts if doubt not in failing)),
    }
    if not (verdicts or failing):
        return free
    # Only now: on a target, each import costs time in each task.
    from ansible_collections.preflight.ports.plugins.module_utils._verdict import conflicts

    return {**free, **conflicts.changes(free["ports"], requirements, verdicts, failing, circumstances)}


def _entries(requirements: t.Iterable[Requirement]) -> list[Dict]:
    """The requirements as they were asked, and free."""
    return [
        {
            "port": shown(requirement.first, requirement.last),
            "protocol": requirement.protocol,
            "address": requirement.address,
            "name": requirement.name,
            "met": True,
            "state": FREE,
            **({"free": len(requirement.ports), "first_free": requirement.first} if requirement.is_range else {}),
        }
        for requirement in requirements
    ]


def _doubts(requirements: t.Sequence[Requirement], found: t.Iterable[Doubt]) -> list[Dict]:
    return [
        {
            "port": shown(doubt.first, doubt.last),
            "protocol": requirements[doubt.entry].protocol,
            "address": requirements[doubt.entry].address,
            "name": requirements[doubt.entry].name,
            "kind": doubt.kind,
            "reason": doubt.reason,
            "advice": doubt.advice,
        }
        for doubt in found
    ]
