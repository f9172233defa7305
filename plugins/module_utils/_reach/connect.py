# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module port_connect does, from its options to its result."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._module.outcome import Outcome
from ansible_collections.preflight.ports.plugins.module_utils._reach import client, destinations, results, wire


def connect(options: t.Mapping[str, t.Any]) -> Outcome:
    """*options*: those of the module."""
    token, timeout = options["token"], options["timeout"]
    run = wire.run_id(token) if token else None
    try:
        if not 0 < timeout <= wire.LONGEST_SECONDS:
            raise RequirementError(f"timeout {timeout}: it is more than 0 and at most {wire.LONGEST_SECONDS} seconds")
        wanted = destinations.parse(options["to"], options["expect"])
        if not token and any(each.responder is not None for each in wanted):
            raise RequirementError("token is required for a flow with a responder")
    except RequirementError as error:
        return Outcome({"run": run, "msg": str(error), "flows": [], "elapsed": 0.0}, True)
    began = time.monotonic()
    found = results.found(wanted, client.reach(wanted, token or "", timeout), token or "")
    result = {
        "run": run,
        "msg": results.message(found),
        "flows": [results.row(number, each, options["brief"]) for number, each in enumerate(found)],
        "elapsed": round(time.monotonic() - began, 3),
    }
    return Outcome(result, not all(each.met for each in found))
