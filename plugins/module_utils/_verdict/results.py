# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements and verdicts -> what the module returns. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._verdict.success import all_are

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._kernel.ephemeral import Ephemeral
    from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdicts import Verdicts

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
    free = {
        "msg": all_are(FREE, sum(len(requirement.ports) for requirement in requirements)),
        "ports": [_entry(requirement) for requirement in requirements],
        "conflicts": [],
        "held": [],
    }
    if not verdicts:
        return free
    # Only now: on a target, each import costs time in each task.
    from ansible_collections.preflight.ports.plugins.module_utils._verdict import conflicts

    return conflicts.result(free, requirements, verdicts, cmdline, privileged, ephemeral)


def _entry(requirement: Requirement) -> dict[str, t.Any]:
    """The requirement as it was asked, and free."""
    is_range = requirement.first != requirement.last
    entry: dict[str, t.Any] = {
        "port": f"{requirement.first}-{requirement.last}" if is_range else requirement.first,
        "protocol": requirement.protocol,
        "address": requirement.address,
        "name": requirement.name,
        "met": True,
        "state": FREE,
    }
    return {**entry, "free": len(requirement.ports), "first_free": requirement.first} if is_range else entry
