# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A summary of flows -> reports as HTML, JSON, CSV, JUnit and Markdown."""

from __future__ import annotations

import csv
import datetime
import io
import json
import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable
from ansible_collections.preflight.ports.plugins.module_utils._reach import states
from ansible_collections.preflight.ports.plugins.plugin_utils._play import report_files, templates
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.words import causes, counted, headline

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.plugin_utils._reach.rows import Row
    from ansible_collections.preflight.ports.plugins.plugin_utils._reach.summary import Pair, Summary

KINDS = (".html", ".json", ".csv", ".xml", ".md")
COLUMNS = (
    *("from", "to", "address", "port", "protocol", "name", "expect", "met", "state", "reason", "seconds"),
    *("translated", "by", "rule", "advice"),
)
_MOST_ROWS = 2000


class Suite(t.NamedTuple):
    """The flows of a client, as JUnit counts them."""

    client: str
    as_expected: list[tuple[str, Pair]]
    """The targets to which some flows are as expected: one test each."""
    unmet: list[Row]

    @property
    def tests(self) -> int:
        return len(self.as_expected) + len(self.unmet)

    @property
    def failures(self) -> int:
        return self._count("failure")

    @property
    def errors(self) -> int:
        return self._count("error")

    @property
    def skipped(self) -> int:
        return self._count("skipped")

    def _count(self, outcome: str) -> int:
        return sum(_outcome(row) == outcome for row in self.unmet)


def write(path: str, found: Summary, play: str, message: str) -> None:
    """Raises OSError."""
    kind = os.path.splitext(path)[1]
    if kind == ".json":
        pieces: t.Iterable[str] = _json(found, play, message)
    elif kind == ".csv":
        pieces = _csv(found.unmet)
    else:
        pieces = templates.render("port_reach", kind[1:], play, _FILTERS, **_about(found))
    report_files.write(path, pieces)


def _about(found: Summary) -> dict[str, t.Any]:
    """What the templates know. What takes long is asked for by those that show it."""
    by_client: dict[str, dict[str, Pair]] = {}
    for (client, to), pair in found.pairs.items():
        by_client.setdefault(client, {})[to] = pair
    return {
        "figures": found.figures,
        "headline": headline(found.unmet, found.total),
        "is_bad": any(not row.tolerated for row in found.unmet),
        "causes": lambda: causes(found.unmet),
        "notes": found.notes,
        "unmet": found.unmet,
        "most_rows": _MOST_ROWS,
        "by_client": by_client,
        "targets": list(dict.fromkeys(to for _client, to in found.pairs)),
        "troubled": {to for (_client, to), pair in found.pairs.items() if pair.unmet},
        "suites": lambda: _suites(by_client, found.unmet),
    }


def _suites(by_client: t.Mapping[str, t.Mapping[str, Pair]], unmet: t.Iterable[Row]) -> list[Suite]:
    suites = {
        client: Suite(client, [(to, pair) for to, pair in pairs.items() if pair.flows > pair.unmet], [])
        for client, pairs in by_client.items()
    }
    for row in unmet:
        suites[row.client].unmet.append(row)
    return list(suites.values())


def _outcome(row: Row) -> str:
    """The element of JUnit for a flow that is not as expected."""
    return "skipped" if row.tolerated else "error" if row.state == states.NOT_TESTED else "failure"


def _states(pairs: t.Iterable[Pair]) -> str:
    """Of a client, for the filter of the page."""
    several = list(pairs)
    met = "unmet" if any(pair.unmet for pair in several) else "met"
    return " ".join((met, *sorted({state for pair in several for state, _count in pair.states})))


_FILTERS: dict[str, templates.Filter] = {"counted": counted, "outcome": _outcome, "states": _states}


def _json(found: Summary, play: str, message: str) -> t.Iterator[str]:
    """In many pieces, which together would take more memory than all else."""
    matrix = [
        {"from": client, "to": to, "flows": pair.flows, "unmet": pair.unmet, "states": dict(pair.states)}
        for (client, to), pair in found.pairs.items()
    ]
    content = {
        "play": play,
        "time": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "figures": found.figures,
        "message": message,
        "notes": list(found.notes),
        "flows": list(map(_columns, found.unmet)),
        "pairs": matrix,
    }
    yield from json.JSONEncoder(indent=1, ensure_ascii=False).iterencode(content)
    yield "\n"


def _csv(unmet: t.Iterable[Row]) -> list[str]:
    """For a network team: a row for each flow that is not as expected."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(map(_cell, _columns(row).values()) for row in unmet)
    return [out.getvalue()]


def _columns(row: Row) -> dict[str, t.Any]:
    values = row.as_dict()
    return {key: values[key] for key in COLUMNS}


def _cell(value: t.Any) -> t.Any:
    """A spreadsheet takes text that begins like a formula for one."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = printable(value)
        return f"'{text}" if text[:1] in "=+-@" and text else text
    return value
