# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports as HTML, JUnit and Markdown, by the templates of a role.

Plain Jinja renders them: it escapes what goes into HTML and XML, and keeps the cost of Ansible's own templating, which
follows every value of a structure, away from large plays.
"""

from __future__ import annotations

import datetime
import pathlib
import re
import secrets
import typing as t

import jinja2
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable
from markupsafe import Markup

_ROLES = pathlib.Path(__file__).parents[3] / "roles"
# Pages of both roles have the same frame and look.
_FRAME = _ROLES / "port_preflight"

Filter = t.Callable[..., t.Any]


def render(role: str, kind: str, play: str, filters: t.Mapping[str, Filter], **about: t.Any) -> t.Iterator[str]:
    """The report in pieces. *kind*: ``html``, ``xml`` or ``md``; *play*: what the play is called."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([_ROLES / role / "templates", _FRAME / "templates", _FRAME / "files"]),
        autoescape=jinja2.select_autoescape(["html.j2", "xml.j2"]),
        finalize=_harmless,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(plain=_plain, **filters)
    time = datetime.datetime.now(datetime.timezone.utc)
    return environment.get_template(f"report.{kind}.j2").generate(
        play=play, time=time, nonce=secrets.token_urlsafe(), **about
    )


def _harmless(value: t.Any) -> t.Any:
    """No text brings control characters along; what macros give is not text any more."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _plain(text: str) -> str:
    """*text* for Markdown, where none of it is to mean anything: no markup, no link, nobody is mentioned."""
    return re.sub(r"(?i)([\\`*_\[\]<>|&~#@$]|:(?=//)|(?<=www)\.)", r"\\\1", text)
