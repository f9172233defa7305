# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All sockets of a host, from the options to the result."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._look.inventory import Filter, take
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._module.outcome import Outcome
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import first_that_works
from ansible_collections.preflight.ports.plugins.module_utils._verdict.listing import listing


def inventory(options: t.Mapping[str, t.Any]) -> Outcome:
    """*options*: those of the module port_info."""
    try:
        wanted = Filter(_ports(options), options["protocols"], frozenset(options["states"]))
        source, found = first_that_works(options["source"], lambda source: (source.name, take(wanted, source)))
    except (RequirementError, SourceError) as error:
        return Outcome({"msg": str(error), "sockets": [], "source": None}, True)
    sockets = [{"address": str(held.endpoint), "port": held.port, **holder.as_dict()} for held, holder in found]
    if options["cmdline"]:
        from ansible_collections.preflight.ports.plugins.module_utils._holders import command_lines

        command_lines.add(sockets)
    return Outcome({"msg": listing(found), "source": source, "sockets": sockets}, False)


def _ports(options: t.Mapping[str, t.Any]) -> list[range]:
    """The ports to list; all if empty. Raises RequirementError."""
    if not options["ports"]:
        return []
    # Only now: on a target, each import costs time in each task.
    from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse_ranges

    return parse_ranges(options["ports"], options["protocols"])
