# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was found on many hosts -> a text for people or programs.

Plain Jinja renders it: it escapes what goes into HTML and XML, and keeps the cost of Ansible's own templating,
which follows every value of a structure, away from large plays.
"""

from __future__ import annotations

import datetime
import json
import pathlib
import re
import secrets
import typing as t

import jinja2
from ansible_collections.preflight.ports.plugins.filter.port_summary import Variables, port_summary
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable

DOCUMENTATION = r"""
name: port_report
short_description: What the role found on many hosts, as a text
version_added: 1.0.0
author:
  - preflight.ports contributors (@preflight)
description:
  - Shows what P(preflight.ports.port_preflight#role) found on each host. The role writes its reports with it.
options:
  _input:
    description:
      - Names of hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description:
      - The C(hostvars) of the play, which have the results.
    type: dict
    required: true
  in_play:
    description:
      - The hosts that are still in the play, as for P(preflight.ports.port_summary#filter).
    type: list
    elements: str
    required: true
  kind:
    description:
      - V(html) is a page without any need of the network, V(xml) is JUnit, V(md) is Markdown.
      - V(verdict) is what the play is stopped with, and empty if all is as required.
    type: str
    choices: [html, json, xml, md, verdict]
    required: true
  play:
    description:
      - The name of the play.
    type: str
    default: ""
  reports:
    description:
      - Where a verdict that has to be cut short sends its readers.
    type: list
    elements: str
    default: []
seealso:
  - plugin: preflight.ports.port_summary
    plugin_type: filter
    description: Has the same for programs.
"""

EXAMPLES = r"""
- name: Show the Markdown that a comment on a merge request would have, after the role
  ansible.builtin.debug:
    msg: "{{ everybody | preflight.ports.port_report(hostvars, ansible_play_hosts, 'md', ansible_play_name) }}"
  vars:
    everybody: "{{ ansible_play_hosts_all }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - The text.
  type: str
"""

_ROLE = pathlib.Path(__file__).parents[2] / "roles/port_preflight"


@jinja2.pass_context
def port_report(
    context: Variables,
    hosts: t.Iterable[str],
    hostvars: t.Mapping[str, dict[str, t.Any]],
    in_play: t.Iterable[str],
    kind: str,
    play: str = "",
    reports: t.Iterable[str] = (),
) -> str:
    summary = port_summary(context, hosts, hostvars, in_play)
    time = datetime.datetime.now(datetime.timezone.utc)
    if kind == "json":
        return json.dumps({"play": printable(play), "time": time.isoformat(timespec="seconds"), **summary}, indent=2)
    about = {"play": printable(play), "time": time, "reports": list(reports), "nonce": secrets.token_urlsafe()}
    return _environment().get_template(f"report.{kind}.j2").render(**summary, **about)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([_ROLE / "templates", _ROLE / "files"]),
        autoescape=jinja2.select_autoescape(["html.j2", "xml.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(by=_by, holders=_holders, plain=_plain, unmet=_unmet)
    return environment


def _by(items: t.Iterable[dict[str, t.Any]], key: str) -> dict[str, dict[str, t.Any]]:
    return {item[key]: item for item in items}


def _holders(conflicts: t.Iterable[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Of all ports of a range, each once."""
    everybody = (holder for conflict in conflicts for holder in conflict["holders"])
    return list({(holder["pid"], holder["process"], holder["uid"]): holder for holder in everybody}.values())


def _plain(text: str) -> str:
    """*text* for Markdown, where none of it is to mean anything, and no address is to become a link."""
    return re.sub(r"(?i)([\\`*_\[\]<>|&~#]|:(?=//)|(?<=www)\.)", r"\\\1", text)


def _unmet(state: str) -> str:
    """The *state* of a port that is not as required: free is one only where something was to listen."""
    return "not listening" if state == "free" else state


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"port_report": port_report}
