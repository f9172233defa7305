# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of a responder: what it saw, and what this host's rules do to those who did not get to it."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._reach import control
from ansible_collections.preflight.ports.plugins.module_utils._reach.visits import ARRIVED, STAGES


def end(token: str, name: str, is_check: bool) -> dict[str, t.Any]:
    """What the module returns of it. Raises ControlError."""
    report = None if is_check else control.stop(token, name)
    if report is None:
        return {"changed": False, "msg": "No responder runs"}
    message = f"The responder has ended; {report['completed']} flows finished"
    return {"changed": True, "running": True, "msg": message, "firewall": _rules(report), **report}


def _rules(report: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    if not report["witness"] or all(each["stage"] != STAGES[ARRIVED] for each in report["visits"]):
        return []
    from ansible_collections.preflight.ports.plugins.module_utils._reach import stopped

    return stopped.rules(report["visits"])
