# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Profiles -> their entries, and advice for their ports, which have holders of their own. Pure."""

from __future__ import annotations

import re
import typing as t

Dict = t.Dict[str, t.Any]

_NAME_IT = re.compile(r"name it in held_by \(([^()]*)\)")


class Profiled(t.NamedTuple):
    """What profiles require."""

    entries: list[Dict]
    """Of ``ports`` of port_check."""
    profiles: dict[str, str]
    """The name of an entry -> that of its profile."""


def profiled(items: t.Any, entries_of: t.Callable[[t.Any], list[Dict]]) -> Profiled:
    """*items*: as ``port_preflight_profiles`` has them. *entries_of*: the filter profile_ports."""
    listed = items.split(",") if isinstance(items, str) else items
    if not isinstance(listed, (list, tuple)):
        return Profiled(entries_of(items), {})
    found, profiles = [], {}
    for item in listed:
        own = entries_of([item])
        found += own
        name = str(item["name"] if isinstance(item, dict) else item).strip()
        profiles.update({entry["name"]: name for entry in own})
    return Profiled(found, profiles)


def advised(found: t.Sequence[Dict], wanted: Profiled) -> list[Dict]:
    """Conflicts or doubts, whose advice says where a profile's holders are set."""
    return [_advised(each, wanted) for each in found]


def _advised(found: Dict, wanted: Profiled) -> Dict:
    profile = wanted.profiles.get(found["name"] or "")
    if not profile or not found["advice"]:
        return found
    held_by = next(entry["held_by"] for entry in wanted.entries if entry["name"] == found["name"])

    def item(match: re.Match[str]) -> str:
        holders = ", ".join(f"'{each}'" for each in [*held_by, match[1]])
        return f"name it in port_preflight_profiles ({{name: {profile}, held_by: [{holders}]}})"

    return {**found, "advice": _NAME_IT.sub(item, found["advice"])}
