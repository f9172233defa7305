# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths of reports -> what is wrong with them."""

from __future__ import annotations

import os
import typing as t

DOCUMENTATION = r"""
name: report_problems
short_description: Why reports cannot be written
version_added: 1.0.0
author:
  - preflight.ports contributors (@preflight)
description:
  - Tells of each path what keeps the role P(preflight.ports.port_preflight#role) from writing a report there.
    Nothing is written.
options:
  _input:
    description:
      - Absolute paths on the controller.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Require a place for the report
  ansible.builtin.assert:
    that: "[playbook_dir ~ '/ports.html'] | preflight.ports.report_problems == []"
"""

RETURN = r"""
_value:
  description:
    - One sentence for each problem.
  type: list
  elements: str
  sample: ["report.pdf: a report ends in .html, .json, .xml or .md"]
"""

_KINDS = (".html", ".json", ".xml", ".md")


def report_problems(paths: t.Iterable[str]) -> list[str]:
    return [f"{path}: {problem}" for path in paths for problem in [_problem(path)] if problem]


def _problem(path: str) -> str | None:
    kind = os.path.splitext(path)[1]
    if kind not in _KINDS:
        return f"a report ends in {', '.join(_KINDS[:-1])} or {_KINDS[-1]}"
    if os.path.isdir(path):
        return "is a directory; a report is a file"
    who = f"the user who runs Ansible (uid {os.geteuid()}) may not write"
    if os.path.exists(path) and not os.access(path, os.W_OK):
        return f"{who} this file; name another or change its mode"
    folder = os.path.dirname(path)
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        return f"{folder} is not a directory; name a path below one"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{who} into {folder}; name a path below a directory where it may"
    return None


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"report_problems": report_problems}
