# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who has the ports that a responder cannot bind."""

from __future__ import annotations

import typing as t

_MOST_CHARACTERS = 64  # of a name


def holders(ports: t.Collection[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """(protocol, port) -> the name of the process that has it, so far as this user may know."""
    if not ports:
        return {}
    # Only now: on a target, each import costs time in each task.
    from ansible_collections.preflight.ports.plugins.module_utils._look.inventory import Filter, take
    from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, LISTENING, SourceError
    from ansible_collections.preflight.ports.plugins.module_utils._table.sources import first_that_works

    numbers = [range(port, port + 1) for port in sorted({port for _protocol, port in ports})]
    wanted = Filter(numbers, sorted({protocol for protocol, _port in ports}), frozenset((LISTENING, BOUND)))
    try:
        found = first_that_works("auto", lambda source: take(wanted, source))
    except SourceError:
        return {}
    known: dict[tuple[str, int], str] = {}
    for held, holder in found:
        name = holder.as_dict()["process"]
        if name and (held.protocol, held.port) in ports:
            known.setdefault((held.protocol, held.port), name[:_MOST_CHARACTERS])
    return known
