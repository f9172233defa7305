# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module port_responder does, from its options to its result."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._module.outcome import Outcome
from ansible_collections.preflight.ports.plugins.module_utils._reach import wire
from ansible_collections.preflight.ports.plugins.module_utils._reach.control import ControlError

_LEAST_TOKEN = 16  # characters
_NOTHING: dict[str, dict[str, t.Any]] = {
    "present": {"running": False, "pid": None, "ports": [], "witness": False, "may_end_early": None},
    "absent": {"running": False, "visits": [], "completed": 0, "missed": 0, "witness": False, "firewall": []},
}


def respond(options: t.Mapping[str, t.Any], is_check: bool) -> Outcome:
    """*options*: those of the module; *is_check*: whether nothing may be started or ended."""
    state = options["state"]
    about = {**_NOTHING[state], "id": wire.responder_id(options["token"], options["name"]).hex()}
    problem = _problem(options)
    if problem:
        return Outcome({**about, "msg": problem}, True)
    try:
        about.update(_begin(options, is_check) if state == "present" else _end(options, is_check))
    except (RequirementError, ControlError) as error:
        return Outcome({**about, "msg": str(error)}, True)
    return Outcome(about, False)


def _problem(options: t.Mapping[str, t.Any]) -> str | None:
    if len(options["token"]) < _LEAST_TOKEN:
        return f"token: it has at least {_LEAST_TOKEN} characters"
    if not 1 <= options["seconds"] <= wire.LONGEST_SECONDS:
        return f"seconds {options['seconds']}: it is 1 to {wire.LONGEST_SECONDS}"
    return None


# What begins a responder needs other files than what ends it: on a target, each import costs time.


def _begin(options: t.Mapping[str, t.Any], is_check: bool) -> dict[str, t.Any]:
    from ansible_collections.preflight.ports.plugins.module_utils._reach import beginning

    return beginning.begin(options, is_check)


def _end(options: t.Mapping[str, t.Any], is_check: bool) -> dict[str, t.Any]:
    from ansible_collections.preflight.ports.plugins.module_utils._reach import ending

    return ending.end(options["token"], options["name"], is_check)
