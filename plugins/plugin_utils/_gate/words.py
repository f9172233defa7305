# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A summary of many hosts -> the one message of a play. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.text import joined
from ansible_collections.preflight.ports.plugins.module_utils._verdict.message import (
    DOUBTS,
    READ,
    details,
    headline,
    label,
    success,
)

Dict = t.Dict[str, t.Any]

_MOST_LINES = 200
_MOST_DOUBTS = 50
_MOST_NAMES = 10


def verdict(hosts: t.Sequence[Dict], reports: t.Sequence[str] = ()) -> list[str]:
    """Its lines. *reports*: where all of it is."""
    unmet = [host for host in hosts if not host["met"]]
    if not unmet:
        return [_all_is_well(hosts), *_doubts(hosts), *_where(reports)]
    lines = [_counted(unmet, len(hosts))] if len(hosts) > 1 else []
    conflicts = [host for host in unmet if host["checked"]]
    shown = _shared(conflicts)
    for few in shown:
        lines += few
    if not reports and any(len(few) < len(_lines(host)) for host, few in zip(conflicts, shown)):
        lines.append("Set port_preflight_reports to have it all.")
    met = [host for host in hosts if host["met"]]
    well = [_all_is_well(met)] if met and not conflicts else []
    return [*lines, *_not_checked(unmet), *well, *_doubts(met), *_where(reports)]


def _where(reports: t.Sequence[str]) -> list[str]:
    """The line behind all others: where all of it is."""
    return [f"Reports: {', '.join(reports)}"] if reports else []


def _counted(unmet: t.Sequence[Dict], hosts: int) -> str:
    """``Ports are not as required on 2 of 30 hosts, and 1 could not be checked:``."""
    lost = sum(not host["checked"] for host in unmet)
    if lost == len(unmet):
        return f"{lost} of {hosts} hosts could not be checked:"
    more = f", and {lost} could not be checked" if lost else ""
    return f"Ports are not as required on {len(unmet) - lost} of {hosts} hosts{more}:"


def _not_checked(hosts: t.Sequence[Dict]) -> t.Iterator[str]:
    """One for all hosts with the same problem."""
    together: dict[str, list[str]] = {}
    for host in hosts:
        if not host["checked"]:
            together.setdefault(host["msg"], []).append(host["host"])
    for problem, names in together.items():
        yield f"{joined(names) if len(names) <= _MOST_NAMES else f'{len(names)} hosts'}: not checked, {problem}"


def _lines(host: Dict, most: int = _MOST_LINES) -> list[str]:
    lines = details(host, most)
    doubts = next((place for place, line in enumerate(lines) if line == DOUBTS), len(lines))
    return [f"{host['host']}: {headline(host)}", *lines[:doubts], *(f"  {line}" for line in lines[doubts:])]


def _shared(hosts: t.Sequence[Dict]) -> list[list[str]]:
    """The lines of each host: who needs few gets all of them, and the others share the rest."""
    wanted = [len(_lines(host)) for host in hosts]
    left = _MOST_LINES
    shown: dict[int, list[str]] = {}
    for done, place in enumerate(sorted(range(len(hosts)), key=wanted.__getitem__)):
        room = left // (len(hosts) - done)
        few = _lines(hosts[place]) if wanted[place] <= room else _lines(hosts[place], max(0, room - 2))
        shown[place] = few[:room]
        left -= len(shown[place])
    return [shown[place] for place in range(len(hosts))]


def _all_is_well(hosts: t.Sequence[Dict]) -> str:
    """``All 3 required ports are free on 30 hosts; NAT rules were not read on 2.``."""
    sayings = {success([host]) for host in hosts}
    said = sayings.pop() if len(sayings) == 1 else success(hosts)
    where = f" on {len(hosts)} hosts" if len(hosts) > 1 else f" on {hosts[0]['host']}" if hosts else ""
    found, colon, counts = said.partition(":")
    return f"{found}{where}{colon}{counts}{_not_asked(hosts)}."


def _not_asked(hosts: t.Sequence[Dict]) -> str:
    asking = [host for host in hosts if host["ports"]]
    parts = []
    for key, what in (*READ.items(), ("probed", "bind(2)")):
        missed = sum(host.get(key) is False for host in asking)
        verb = "was not tried" if key == "probed" else "were not read"
        if missed:
            parts.append(f"{what} {verb}" + (f" on {missed}" if len(hosts) > 1 else ""))
    return f"; {joined(parts)}" if parts else ""


def _doubts(hosts: t.Sequence[Dict]) -> list[str]:
    """Those of all hosts, the same ones together."""
    found: dict[tuple[str, str, str | None], list[str]] = {}
    for host in hosts:
        for doubt in host["doubts"]:
            found.setdefault((label(doubt), doubt["reason"], doubt["advice"]), []).append(host["host"])
    lines: list[str] = []
    for (port, reason, advice), names in found.items():
        where = names[0] if len(names) == 1 else f"{len(names)} hosts"
        lines += [f"  {port} on {where}: {reason}", *(f"    {line}" for line in (advice or "").splitlines())]
    if len(lines) > _MOST_DOUBTS:
        lines[_MOST_DOUBTS:] = ["  and more"]
    return [DOUBTS, *lines] if lines else []
