# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A summary of many hosts -> reports as HTML, JSON, JUnit and Markdown."""

from __future__ import annotations

import datetime
import json
import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable
from ansible_collections.preflight.ports.plugins.plugin_utils._play import report_files, templates

Dict = t.Dict[str, t.Any]

KINDS = (".html", ".json", ".xml", ".md")
_TAKEN = ("listening", "bound", "connected", "closing")


def write(path: str, summary: Dict, play: str) -> None:
    """Raises OSError."""
    report_files.write(path, render(os.path.splitext(path)[1][1:], summary, play))


def render(kind: str, summary: Dict, play: str) -> t.Iterable[str]:
    """The report in pieces."""
    if kind == "json":
        time = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        return [json.dumps({"play": printable(play), "time": time, **summary}, indent=2)]
    return templates.render("port_preflight", kind, play, _FILTERS, **summary)


def _by(items: t.Iterable[Dict], key: str) -> dict[str, Dict]:
    return {item[key]: item for item in items}


def _by_entry(items: t.Iterable[Dict]) -> dict[tuple[str, str | None], list[Dict]]:
    """Conflicts or doubts, by the label and the name of the entry that they are about."""
    found: dict[tuple[str, str | None], list[Dict]] = {}
    for item in items:
        found.setdefault((item["entry"], item["name"]), []).append(item)
    return found


def _holders(conflicts: t.Iterable[Dict]) -> list[Dict]:
    """Of all ports of a range, each once."""
    everybody = (holder for conflict in conflicts for holder in conflict["holders"])
    return list({(holder["pid"], holder["process"], holder["uid"]): holder for holder in everybody}.values())


def _unmet(state: str) -> str:
    """The *state* of a port that is not as required: free is one only where something was to listen."""
    return "not listening" if state == "free" else "taken" if state in _TAKEN else state


_FILTERS: dict[str, templates.Filter] = {"by": _by, "by_entry": _by_entry, "holders": _holders, "unmet": _unmet}
