# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A check from the options to the result."""

from __future__ import annotations

import os
import time
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._check.objections import (
    found_doubts,
    is_conflict,
    warnings,
)
from ansible_collections.preflight.ports.plugins.module_utils._kernel import ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._kernel.bind import ProbeError
from ansible_collections.preflight.ports.plugins.module_utils._look.look import Look, look
from ansible_collections.preflight.ports.plugins.module_utils._model.ports import runs, shown
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import (
    FAIL,
    FREE,
    IGNORE,
    Requirement,
    RequirementError,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._module.outcome import Outcome
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from ansible_collections.preflight.ports.plugins.module_utils._request.terms import OPTIONS
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import first_that_works
from ansible_collections.preflight.ports.plugins.module_utils._verdict.message import message
from ansible_collections.preflight.ports.plugins.module_utils._verdict.results import NOTHING, result

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._kernel.ephemeral import Ephemeral
    from ansible_collections.preflight.ports.plugins.module_utils._model.claim import Claim
    from ansible_collections.preflight.ports.plugins.module_utils._model.doubt import Doubt
    from ansible_collections.preflight.ports.plugins.module_utils._model.passage import Barred
    from ansible_collections.preflight.ports.plugins.module_utils._verdict.advice import Circumstances

_FOREVER = 10**9  # seconds; time.sleep() takes no more than its clock can count

Options = t.Mapping[str, t.Any]


def check(options: Options) -> Outcome:
    """*options*: those of the module port_check."""
    started = time.monotonic()
    try:
        for name in ("timeout", "sleep"):
            if options[name] < 0:
                raise RequirementError(f"{name}: {options[name]} is less than 0; write a number of seconds, 0 or more")
        requirements = parse(options["ports"], **{option: options[option] for option in OPTIONS})
        seen = look_until_met(options, requirements, started + min(options["timeout"], _FOREVER))
        seen, suspicions = _asked_of_selinux(requirements, seen)
    except (RequirementError, SourceError, ProbeError) as error:
        return Outcome({"msg": str(error), "elapsed": _since(started), **NOTHING}, True)
    settings = None if options["ephemeral"] == IGNORE else ephemeral.read()
    threatened = _threatened(requirements, settings)
    barred = _find_barred(requirements, seen)
    is_firewall_checked = barred is not None
    if barred is None:
        barred = _unread(requirements, seen)
    claims = _find_claims(requirements, options["claims"])
    against = [*found_doubts(requirements, seen, settings if threatened else None, barred, claims), *suspicions]
    found: dict[str, t.Any] = {
        **result(
            requirements,
            seen.verdicts,
            against,
            lambda doubt: is_conflict(doubt, options, requirements, barred),
            _circumstances(settings) if seen.verdicts or against else None,
        ),
        "source": seen.source if requirements else None,
        "probed": seen.probed,
        "redirects_checked": seen.redirects_checked,
        "firewall": _firewall_items(requirements, barred),
        "firewall_checked": is_firewall_checked,
        "ephemeral": [shown(*run) for run in runs(threatened)],
    }
    if options["cmdline"]:
        _add_command_lines(found)
    found["msg"] = message(found)
    found["elapsed"] = _since(started)
    return Outcome(found, bool(found["conflicts"]), list(warnings(found["doubts"])))


def look_until_met(options: Options, requirements: t.Sequence[Requirement], deadline: float) -> Look:
    """The first look that finds all as required, or the last one, at the deadline."""
    while True:
        is_last = time.monotonic() >= deadline
        seen = _look_once(options, requirements, is_last)
        unmet = [verdict for verdict in seen.verdicts.values() if not verdict.met]
        if not unmet or is_last or any(verdict.is_final for verdict in unmet):
            return seen
        time.sleep(max(0, min(options["sleep"], deadline - time.monotonic())))


def _look_once(options: Options, requirements: t.Sequence[Requirement], is_last: bool) -> Look:
    return first_that_works(
        options["source"],
        lambda source: look(requirements, source, options["probe"], options["redirects"], is_last),
    )


def _asked_of_selinux(requirements: t.Sequence[Requirement], seen: Look) -> tuple[Look, list[Doubt]]:
    """The look, with the ports that SELinux keeps from a domain, and those that it may keep from one.

    Raises DomainError.
    """
    if not any(_may_have_domain(requirement) for requirement in requirements):
        return seen, []
    from ansible_collections.preflight.ports.plugins.module_utils._selinux import gate

    if not gate.is_on():
        return seen, []
    from ansible_collections.preflight.ports.plugins.module_utils._look import confined
    from ansible_collections.preflight.ports.plugins.module_utils._verdict import denials, doubts

    found = confined.find(requirements, seen.verdicts)
    refused = doubts.as_conflicts(requirements, seen.verdicts, denials.refusals(requirements, found))
    return seen._replace(verdicts=refused), denials.suspicions(requirements, found)


def _may_have_domain(requirement: Requirement) -> bool:
    return bool(requirement.selinux_domain or (requirement.selinux_domain is None and requirement.units))


def _threatened(requirements: t.Iterable[Requirement], settings: Ephemeral | None) -> list[int]:
    """The ports that are to be free and that the kernel may give to any outgoing connection."""
    wanted = (port for requirement in requirements if requirement.state == FREE for port in requirement.ports)
    return settings.threatened(wanted) if settings else []


def _find_barred(requirements: t.Sequence[Requirement], seen: Look) -> Barred | None:
    """What the firewall does not open; None if its rules are not known, or nobody asked."""
    if not requirements:
        return {}
    if all(requirement.firewall == IGNORE for requirement in requirements):
        return None
    from ansible_collections.preflight.ports.plugins.module_utils._look import firewall

    return firewall.find(requirements, seen.verdicts)


def _unread(requirements: t.Sequence[Requirement], seen: Look) -> Barred:
    """With ``firewall: fail``, the ports of which the rules could not be read."""
    if all(requirement.firewall != FAIL for requirement in requirements):
        return {}
    from ansible_collections.preflight.ports.plugins.module_utils._look import firewall

    return firewall.unread(requirements, seen.verdicts, os.geteuid() == 0)


def _find_claims(requirements: t.Sequence[Requirement], wanted: str) -> list[Claim]:
    """Who will take ports that are free now."""
    if wanted == IGNORE or all(requirement.state != FREE for requirement in requirements):
        return []
    from ansible_collections.preflight.ports.plugins.module_utils._claims import gate

    ports = [requirement.ports for requirement in requirements if requirement.state == FREE]
    return [claim for claim in gate.find() if any(_meet(claim, each) for each in ports)]


def _meet(claim: Claim, ports: range) -> bool:
    return claim.first < ports.stop and claim.last >= ports.start


def _firewall_items(requirements: t.Sequence[Requirement], barred: Barred) -> list[dict[str, t.Any]]:
    if not barred:
        return []
    from ansible_collections.preflight.ports.plugins.module_utils._verdict import barriers

    return barriers.items(requirements, barred)


def _add_command_lines(outcome: dict[str, t.Any]) -> None:
    from ansible_collections.preflight.ports.plugins.module_utils._holders import command_lines

    found = outcome["conflicts"] + outcome["held"]
    command_lines.add([holder for each in found for holder in each["holders"]])


def _circumstances(settings: Ephemeral | None) -> Circumstances:
    from ansible_collections.preflight.ports.plugins.module_utils._kernel.patience import PATIENCE
    from ansible_collections.preflight.ports.plugins.module_utils._verdict.advice import Circumstances

    return Circumstances(os.geteuid() == 0, "microsoft" in os.uname().release.lower(), settings, PATIENCE.was_tried)


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
