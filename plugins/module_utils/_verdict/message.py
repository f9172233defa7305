# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module returns -> its message, on a target as on the controller. Pure.

These functions take results as the module returns them, and so take nothing from their text.
"""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.ports import span
from ansible_collections.preflight.ports.plugins.module_utils._model.text import joined, located, printable

Dict = t.Dict[str, t.Any]
"""A result, or an item of its lists, with the keys that the module's documentation lists."""

_MOST_LINES = 200
_TAKEN = frozenset(("listening", "bound", "connected", "closing"))


def message(result: Dict) -> str:
    """All that a user has to read about one host."""
    first = headline(result) if result["conflicts"] else f"{success([result])}{not_asked(result)}."
    return "\n".join([first, *details(result, _MOST_LINES)])


def headline(result: Dict) -> str:
    """How many ports are in conflict: ``2 of 3 required ports are taken:``."""
    conflicts = result["conflicts"]
    wanted, unmet = _wanted(result), sum(conflict["count"] for conflict in conflicts)
    if wanted == 1:
        return f"The required port is {_complaint(conflicts)}:"
    verb = "is" if unmet == 1 else "are"
    return f"{unmet} of {wanted} required ports {verb} {_complaint(conflicts)}:"


def _complaint(conflicts: t.Sequence[Dict]) -> str:
    states = {conflict["state"] for conflict in conflicts}
    if all(conflict["wanted"] == "listening" for conflict in conflicts):
        return "not served as required"
    if all(conflict["wanted"] == "free" for conflict in conflicts):
        if states <= _TAKEN:
            return "taken"
        if len(states) == 1 and states <= {"refused", "redirected", "unavailable", "blocked", "claimed"}:
            return "".join(states)
    return "not as required"


def success(results: t.Sequence[Dict]) -> str:
    """A sentence, without its full stop, for results without a conflict."""
    wanted = sum(map(_wanted, results))
    held = sum(item["count"] for result in results for item in result["held"])
    free = sum(_free(entry) for result in results for entry in result["ports"])
    if not wanted:
        return "No ports are required"
    counts = {"free": free, "listening": wanted - free - held, _allowed(results, held): held}
    present = {what: count for what, count in counts.items() if count}
    if len(present) == 1:
        (what,) = present
        return f"The required port is {what}" if wanted == 1 else f"All {wanted} required ports are {what}"
    shown = joined([f"{count} {what}" for what, count in present.items()])
    return f"All {wanted} required ports are as required: {shown}"


def _allowed(results: t.Sequence[Dict], held: int) -> str:
    """``held by an allowed process (nginx)``."""
    holders = [holder for result in results for item in result["held"] for holder in item["holders"]]
    names = list(dict.fromkeys(holder["process"] for holder in holders if holder["process"]))
    shown = f" ({joined(names)})" if 0 < len(names) <= 3 else ""
    return f"held by an allowed process{shown}" if held == 1 else f"held by allowed processes{shown}"


def not_asked(result: Dict) -> str:
    """What the verdict does not know, to follow the sentence."""
    said = unasked(result)
    return f"; {said}" if said else ""


def unasked(result: Dict) -> str:
    """``NAT rules were not read and bind(2) was not tried``, or nothing."""
    if not result["ports"]:
        return ""
    unread = [what for key, what in READ.items() if result.get(key) is False]
    parts = [f"{joined(unread)} were not read"] if unread else []
    return joined(parts + ([] if result.get("probed", True) else ["bind(2) was not tried"]))


DOUBTS = "In doubt:"
READ = {"redirects_checked": "NAT rules", "firewall_checked": "the firewall's rules"}
"""What a result says of whether it was read."""


def details(result: Dict, most: int) -> list[str]:
    """The lines under the headline, *most* of them or fewer: conflicts and doubts, each with its advice."""
    conflicts = [_lines(conflict) for conflict in result["conflicts"]]
    doubts = [_lines(doubt) for doubt in result["doubts"]]
    places = _fair(result["conflicts"], conflicts, most, result["ports"])
    lines = [line for place in places for line in conflicts[place]]
    if len(places) < len(conflicts):
        lines.append(f"  and {len(conflicts) - len(places)} more, listed in 'conflicts'")
    room = max(0, most - len(lines))
    shown = _fair(result["doubts"], doubts, room, result["ports"])
    if shown:
        lines += [DOUBTS, *(line for place in shown for line in doubts[place])]
    unknown = unasked(result) if conflicts else ""  # without a conflict it is in the first line
    return [*lines, f"  Also, {unknown}."] if unknown else lines


def _fair(
    items: t.Sequence[Dict], lines: t.Sequence[t.Sequence[str]], most: int, entries: t.Sequence[Dict]
) -> list[int]:
    """The places of those that are shown: first one of each entry, so that none disappears behind another one's."""
    seen: dict[int, int] = {}
    turns = []
    entry = 0
    for place, item in enumerate(items):
        entry = _entry_of(item, entries, entry)
        turns.append((seen.setdefault(entry, 0), place))
        seen[entry] += 1
    chosen: list[int] = []
    for _turn, place in sorted(turns):
        most -= len(lines[place])
        if most < 0 and chosen:
            break
        chosen.append(place)
    return sorted(chosen)


def _entry_of(item: Dict, entries: t.Sequence[Dict], latest: int) -> int:
    """The place of the entry that a conflict or doubt is about. They follow each other, so the *latest* comes first."""
    places = itertools.chain(range(latest, len(entries)), range(latest))
    return next((place for place in places if begins_in(entries[place], item)), latest)


def begins_in(entry: Dict, item: Dict) -> bool:
    """Whether the first port of a conflict or doubt is one of the entry's."""
    same = all(item[key] == entry[key] for key in ("protocol", "address", "name"))
    return same and span(item["port"]).start in span(entry["port"])


def _lines(item: Dict) -> list[str]:
    advice = [f"    {line}" for line in (item["advice"] or "").splitlines()]
    return [f"  {label(item)}: {item['reason']}", *advice]


def label(item: Dict) -> str:
    """``80/tcp (nginx)``."""
    name = f" ({printable(item['name'])})" if item["name"] else ""
    return f"{located(item['port'], item['protocol'], item['address'])}{name}"


def _wanted(result: Dict) -> int:
    return sum(_size(entry["port"]) for entry in result["ports"])


def _free(entry: Dict) -> int:
    return int(entry.get("free", entry["state"] == "free"))


def _size(port: int | str) -> int:
    return len(span(port))
