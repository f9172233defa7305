# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows -> figures, and the files that people and programs read.

Flows that are not as expected are there in full, the rest as counts.
"""

from __future__ import annotations

import collections
import csv
import datetime
import html
import io
import json
import os
import re
import secrets
import tempfile
import typing as t
from pathlib import Path
from xml.sax.saxutils import quoteattr

from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable
from ansible_collections.preflight.ports.plugins.module_utils._reach import states
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.words import Cause, causes, counted, headline

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.plugin_utils._reach.rows import Row

KINDS = (".html", ".json", ".csv", ".xml", ".md")
COLUMNS = (
    *("from", "to", "address", "port", "protocol", "name", "expect", "met", "state", "reason", "seconds"),
    *("translated", "by", "rule", "advice"),
)
# The look of a report is one for the whole collection.
_LOOK = Path(__file__).parents[3] / "roles/port_preflight/files"
_WIDE = 12
_MOST_ROWS = 2000


class Pair(t.NamedTuple):
    """All flows of one client to one target."""

    flows: int
    unmet: int
    tolerated: int
    states: tuple[tuple[str, int], ...]
    """Of those that are not as expected, or of all if none is."""


class Summary(t.NamedTuple):
    total: int
    unmet: list[Row]
    pairs: dict[tuple[str, str], Pair]
    """(client, target) -> what came of them."""
    figures: dict[str, int]
    translated: list[tuple[str, str]]
    """The pairs between which addresses are translated."""
    notes: t.Sequence[str] = ()
    """What holds for the whole run: what was not watched, for example."""


def summary(rows: t.Iterable[Row]) -> Summary:
    unmet: list[Row] = []
    by_state: collections.Counter[str] = collections.Counter()
    flows: collections.Counter[tuple[str, str]] = collections.Counter()
    wrong: collections.Counter[tuple[str, str]] = collections.Counter()
    tolerated: collections.Counter[tuple[str, str]] = collections.Counter()
    translated: collections.Counter[tuple[str, str]] = collections.Counter()
    good: dict[tuple[str, str], collections.Counter[str]] = {}
    bad: dict[tuple[str, str], collections.Counter[str]] = {}
    for row in rows:
        pair = (row.client, row.to)
        flows[pair] += 1
        by_state[row.state] += 1
        if row.translated:
            translated[pair] += 1
        if row.met:
            good.setdefault(pair, collections.Counter())[row.state] += 1
            continue
        unmet.append(row)
        wrong[pair] += 1
        tolerated[pair] += row.tolerated
        bad.setdefault(pair, collections.Counter())[row.state] += 1
    pairs = {
        pair: Pair(count, wrong[pair], tolerated[pair], tuple(sorted((bad.get(pair) or good[pair]).items())))
        for pair, count in flows.items()
    }
    total = sum(flows.values())
    figures = {"flows": total, "met": total - len(unmet), "unmet": len(unmet)}
    figures["warnings"] = sum(tolerated.values())
    figures["not_tested"] = by_state[states.NOT_TESTED]
    figures["translated"] = sum(translated.values())
    figures.update({"clients": len({pair[0] for pair in pairs}), "targets": len({pair[1] for pair in pairs})})
    return Summary(total, unmet, pairs, figures, list(translated))


def problem_of(path: str) -> str | None:
    """Why no report can be written there."""
    if os.path.splitext(path)[1] not in KINDS:
        return f"a report ends in {', '.join(KINDS[:-1])} or {KINDS[-1]}"
    if os.path.isdir(path):
        return "is a directory; a report is a file"
    folder = os.path.dirname(path)
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK | os.X_OK):
        return f"the user who runs Ansible may not write into {folder}"
    return None


def write(path: str, found: Summary, title: str, message: str) -> None:
    """Replaces the file, never what a link there leads to. Raises OSError."""
    pieces = _WRITERS[os.path.splitext(path)[1]](found, title, message)
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".port_reach-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _json(found: Summary, title: str, message: str) -> t.Iterator[str]:
    """In many pieces, which together would take more memory than all else."""
    matrix = [
        {"from": client, "to": to, "flows": pair.flows, "unmet": pair.unmet, "states": dict(pair.states)}
        for (client, to), pair in found.pairs.items()
    ]
    content = {
        "play": title,
        "time": _now(),
        "figures": found.figures,
        "message": message,
        "notes": list(found.notes),
        "flows": [{key: row.as_dict()[key] for key in COLUMNS} for row in found.unmet],
        "pairs": matrix,
    }
    yield from json.JSONEncoder(indent=1, ensure_ascii=False).iterencode(content)
    yield "\n"


def _csv(found: Summary, title: str, message: str) -> list[str]:
    """For a network team: a row for each flow that is not as expected."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in found.unmet:
        values = row.as_dict()
        writer.writerow([_cell(values[key]) for key in COLUMNS])
    return [out.getvalue()]


def _cell(value: t.Any) -> t.Any:
    """A spreadsheet takes text that begins like a formula for one."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = printable(value)
        return f"'{text}" if text[:1] in "=+-@" and text else text
    return value


def _junit(found: Summary, title: str, message: str) -> list[str]:
    """A suite for each client; a case for each flow that is not as expected, and one for all others to a target."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    notes = [f'      <property name="note" value={_xml(note)}/>' for note in found.notes]
    properties = ["    <properties>", *notes, "    </properties>"] if notes else []
    by_client: dict[str, list[str]] = {}
    counts: dict[str, list[int]] = {}
    for (client, to), pair in found.pairs.items():
        tests = counts.setdefault(client, [0, 0, 0])
        if pair.flows > pair.unmet:
            tests[0] += 1
            name = f"to {to}: {counted(pair.flows - pair.unmet)}"
            by_client.setdefault(client, []).append(
                f'    <testcase classname={_xml(client)} name={_xml(name)} time="0"/>'
            )
    for row in found.unmet:
        tests = counts.setdefault(row.client, [0, 0, 0])
        tests[0] += 1
        called = f" {row.name}" if row.name else ""
        name = f"to {row.to} {row.port}/{row.protocol}{called} ({row.expect})"
        kind = "skipped" if row.tolerated else "error" if row.state == states.NOT_TESTED else "failure"
        tests[1] += kind == "failure"
        tests[2] += kind == "error"
        said = f"{row.state}: {row.reason}{f'. {row.advice}' if row.advice else ''}"
        typed = f" type={_xml(row.state)}" if kind != "skipped" else ""
        by_client.setdefault(row.client, []).append(
            f'    <testcase classname={_xml(row.client)} name={_xml(name)} time="{row.seconds}">'
            f"<{kind}{typed} message={_xml(said)}/></testcase>"
        )
    total = [sum(each[place] for each in counts.values()) for place in range(3)]
    lines.append(f'<testsuites name="port_reach" tests="{total[0]}" failures="{total[1]}" errors="{total[2]}">')
    for client, cases in by_client.items():
        tests_of, failures, errors = counts[client]
        skipped = tests_of - failures - errors - sum(case.endswith('time="0"/>') for case in cases)
        lines.append(
            f'  <testsuite name={_xml(client)} hostname={_xml(client)} timestamp="{_now()[:-1]}" time="0" '
            f'tests="{tests_of}" failures="{failures}" errors="{errors}" skipped="{skipped}">'
        )
        lines += [*properties, *cases, "  </testsuite>"]
    return [f"{line}\n" for line in (*lines, "</testsuites>")]


def _xml(text: str) -> str:
    return quoteattr(printable(text))


def _markdown(found: Summary, title: str, message: str) -> list[str]:
    figures = found.figures
    lines = [f"# Flows: {_md(title)}", "", f"{_now()}", ""]
    lines += ["| Flows | As expected | Not as expected | Not tested |", "|--:|--:|--:|--:|"]
    lines.append(f"| {figures['flows']} | {figures['met']} | {figures['unmet']} | {figures['not_tested']} |")
    if found.unmet:
        lines += ["", "| Flows | State | Why | Advice |", "|---|---|---|---|"]
    for cause in causes(found.unmet):
        lines.append(f"| {_md(cause.what)} | {cause.state} | {_md(cause.why)} | {_md(cause.advice or '')} |")
    lines += [line for note in found.notes for line in ("", _md(note))]
    return [f"{line}\n" for line in lines]


def _md(text: str) -> str:
    """Text that Markdown takes for text: no markup, no link, no mention."""
    escaped = re.sub(r"([\\`*_{}\[\]()#+!|~<>&@$])", r"\\\1", printable(text))
    return re.sub(r"(?i)(https?|mailto|xmpp|ftp|www)([:.])", r"\1\\\2", escaped)


def _html(found: Summary, title: str, message: str) -> list[str]:
    nonce = secrets.token_urlsafe(16)
    style, script = ((_LOOK / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    clients = list(dict.fromkeys(client for client, _to in found.pairs))
    targets = list(dict.fromkeys(to for _from, to in found.pairs))
    kind = "bad" if any(not row.tolerated for row in found.unmet) else "ok"
    verdict = f'<p class="verdict {kind}">{headline(found.unmet, found.total)}</p>'
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'"
    )
    time = _now()
    found_causes = causes(found.unmet)
    parts = [
        f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Flows: {_text(title)}</title>
<style nonce="{nonce}">
{style}
</style>
</head>
<body>
<a class="skip" href="#causes">Skip to the causes</a>
<a class="skip" href="#matrix">Skip to the matrix</a>
<header>
<p class="kind">Flows from host to host</p>
<h1>{_text(title)}</h1>
<p><time datetime="{time}">{time[:16].replace("T", " ")} UTC</time></p>
{verdict}
<dl class="figures">{_figures(found.figures)}</dl>
</header>
<main>
<h2 id="causes" tabindex="-1">Causes</h2>"""
    ]
    parts += [_cause(cause) for cause in found_causes] or ["<p>None.</p>"]
    parts += [f'<p class="unasked"><span class="lost">note</span> {_text(note)}</p>' for note in found.notes]
    parts.append(_unexpected(found.unmet))
    parts.append(
        """<form id="filter" hidden>
<label>Client <input id="host" type="search" autocomplete="off" spellcheck="false"></label>
<label>Search <input id="text" type="search" placeholder="target, state" autocomplete="off" spellcheck="false"></label>
<label>State <select id="state">
<option value="">any</option>
<option value="unmet">not as expected</option>
<option value="met">as expected</option>
</select></label>
<label class="check"><input id="narrow" type="checkbox"> Only targets with unexpected flows</label>
<button type="reset">Reset</button>
<output id="count" aria-live="polite"></output>
</form>
<h2 id="matrix" tabindex="-1">Clients and targets</h2>
<p class="legend"><span class="ok">as expected</span> <span class="bad">not as expected</span>
<span class="lost">warning or not tested</span> <span class="none">not required</span></p>
<div class="scroll" role="region" aria-label="Flows of each client" tabindex="0">"""
    )
    wide = ' class="wide"' if len(targets) > _WIDE else ""
    troubled = {to for (_from, to), pair in found.pairs.items() if pair.unmet}
    parts.append(f'<table id="ports"{wide}>')
    parts.append(_columns(targets, troubled))
    heads = "".join(f'<th scope="col">{_text(to)}</th>' for to in targets)
    parts.append(f'<thead><tr><th scope="col">From</th>{heads}</tr></thead><tbody>')
    parts += [_client(client, targets, found.pairs) for client in clients]
    parts.append(
        f"""</tbody></table>
</div>
<p id="nothing" hidden>No client matches.</p>
</main>
<script nonce="{nonce}">
{script}
</script>
</body>
</html>"""
    )
    return [f"{part}\n" for part in parts]


def _columns(targets: list[str], troubled: set[str]) -> str:
    each = "".join("<col>" if to in troubled else '<col class="fine">' for to in targets)
    return f"<colgroup><col>{each}</colgroup>"


def _figures(figures: dict[str, int]) -> str:
    shown = (
        ("Flows", "flows", ""),
        ("As expected", "met", ""),
        ("Not as expected", "unmet", "bad"),
        ("Not tested", "not_tested", "lost"),
        ("Clients", "clients", ""),
        ("Targets", "targets", ""),
    )
    return "".join(
        f"<div{f' class={kind!r}' if kind and figures[key] else ''}><dt>{label}</dt><dd>{figures[key]}</dd></div>"
        for label, key, kind in shown
    )


def _cause(cause: Cause) -> str:
    example = cause.example
    kind = "lost" if example.tolerated or example.state == states.NOT_TESTED else "bad"
    advice = f'<p class="advice">{_text(cause.advice)}</p>' if cause.advice else ""
    return (
        f'<section><h3>{_text(cause.what)}</h3><p><span class="{kind}">{_text(cause.state)}</span> '
        f"{_text(cause.why)}</p>{advice}</section>"
    )


def _unexpected(unmet: t.Sequence[Row]) -> str:
    """A row for each flow that is not as expected, folded away."""
    if not unmet:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{_text(row.client)}</th><td>{_text(row.to)}</td><td>{_text(row.address)}</td>'
        f"<td>{row.port}/{row.protocol}</td><td>{row.expect}</td><td>{row.state}</td><td>{_text(row.reason)}</td></tr>"
        for row in unmet[:_MOST_ROWS]
    )
    left = f"<p>and {len(unmet) - _MOST_ROWS} more</p>" if len(unmet) > _MOST_ROWS else ""
    names = ("From", "To", "Address", "Port", "Expected", "State", "Why")
    heads = "".join(f'<th scope="col">{each}</th>' for each in names)
    return (
        f"<details><summary>{counted(len(unmet))} not as expected</summary>"
        f'<div class="scroll" role="region" aria-label="Flows that are not as expected" tabindex="0">'
        f'<table id="unexpected"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{left}</details>'
    )


def _client(client: str, targets: list[str], pairs: dict[tuple[str, str], Pair]) -> str:
    own = [pairs.get((client, to)) for to in targets]
    seen = sorted({state for pair in own if pair for state, _count in pair.states})
    met = "unmet" if any(pair and pair.unmet for pair in own) else "met"
    cells = "".join(_pair(pair) for pair in own)
    return (
        f'<tr data-host="{_text(client)}" data-states="{met} {" ".join(seen)}">'
        f'<th scope="row">{_text(client)}</th>{cells}</tr>'
    )


def _pair(pair: Pair | None) -> str:
    if pair is None:
        return "<td>\u2013</td>"
    shown = ", ".join(f"{count} {state}" for state, count in pair.states)
    if not pair.unmet:
        return f'<td class="ok">{shown}</td>'
    untested = all(state == states.NOT_TESTED for state, _count in pair.states)
    kind = "lost" if untested or pair.tolerated == pair.unmet else "bad"
    return f'<td class="{kind}">{shown}<small>of {pair.flows}</small></td>'


def _text(text: str) -> str:
    return html.escape(printable(text))


_WRITERS: dict[str, t.Callable[[Summary, str, str], t.Iterable[str]]] = {
    ".html": _html,
    ".json": _json,
    ".csv": _csv,
    ".xml": _junit,
    ".md": _markdown,
}
