# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A summary of many hosts -> reports as HTML, JSON, JUnit and Markdown.

Plain Jinja renders them: it escapes what goes into HTML and XML, and keeps the cost of Ansible's own templating, which
follows every value of a structure, away from large plays.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import pathlib
import re
import secrets
import tempfile
import typing as t

import jinja2
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable

Dict = t.Dict[str, t.Any]

_ROLE = pathlib.Path(__file__).parents[3] / "roles/port_preflight"
_KINDS = (".html", ".json", ".xml", ".md")
_TAKEN = ("listening", "bound", "connected", "closing")


def paths(names: t.Iterable[str]) -> list[str]:
    """Absolute; from the directory in which Ansible was started, as people expect of a command line."""
    return [os.path.abspath(os.path.expanduser(os.path.expandvars(name.strip()))) for name in names]


def problem(path: str) -> str | None:
    """Why a report cannot be written there."""
    if os.path.splitext(path)[1] not in _KINDS:
        return f"{path}: a report ends in {', '.join(_KINDS[:-1])} or {_KINDS[-1]}"
    if os.path.isdir(path):
        return f"{path}: is a directory; a report is a file"
    folder = os.path.dirname(path)
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        return f"{path}: {folder} is not a directory; name a path below one"
    if not os.access(folder, os.W_OK | os.X_OK):
        who = f"the user who runs Ansible (uid {os.geteuid()}) may not write"
        return f"{path}: {who} into {folder}; name a path below a directory where it may"
    return None


def write(path: str, summary: Dict, play: str) -> None:
    """Replaces what is there, be it a link, at once and as a whole. Raises OSError."""
    text = render(os.path.splitext(path)[1][1:], summary, play)
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(prefix=".port-report-", dir=folder)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise


def render(kind: str, summary: Dict, play: str) -> str:
    time = datetime.datetime.now(datetime.timezone.utc)
    if kind == "json":
        return json.dumps({"play": printable(play), "time": time.isoformat(timespec="seconds"), **summary}, indent=2)
    about = {"play": printable(play), "time": time, "nonce": secrets.token_urlsafe()}
    return _environment().get_template(f"report.{kind}.j2").render(**summary, **about)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([_ROLE / "templates", _ROLE / "files"]),
        autoescape=jinja2.select_autoescape(["html.j2", "xml.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(by=_by, by_entry=_by_entry, holders=_holders, plain=_plain, unmet=_unmet)
    return environment


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


def _plain(text: str) -> str:
    """*text* for Markdown, where none of it is to mean anything: no markup, no link, nobody is mentioned."""
    return re.sub(r"(?i)([\\`*_\[\]<>|&~#@]|:(?=//)|(?<=www)\.)", r"\\\1", text)


def _unmet(state: str) -> str:
    """The *state* of a port that is not as required: free is one only where something was to listen."""
    return "not listening" if state == "free" else "taken" if state in _TAKEN else state
