# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of the documentation: YAML, as playbooks, and command lines."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/*.md", "roles/*/README.md")
PLUGINS = ("plugins/modules/*.py", "plugins/filter/*.py")
IMPORT = "ansible.builtin.import_playbook"


class Example(NamedTuple):
    where: str
    """``docs/recipes.md:42``."""
    text: str

    @property
    def name(self) -> str:
        """Of its first play or task."""
        return str(self._items()[0].get("name"))

    def plays(self) -> list[dict[str, Any]]:
        items = self._items()
        if "hosts" in items[0] or IMPORT in items[0]:
            return items
        return [{"hosts": "all", "roles" if "role" in items[0] else "tasks": items}]

    def between_hosts(self) -> bool:
        """Whether it takes several hosts, so that tests/reach runs it."""
        return is_between_hosts(self.text)

    def _items(self) -> list[dict[str, Any]]:
        items = yaml.safe_load(self.text)
        assert isinstance(items, list), f"{self.where} has neither plays, nor tasks, nor roles"
        return items


def is_between_hosts(text: str) -> bool:
    return bool(re.search(r"preflight\.ports\.(port_reach|port_connect|port_responder|reach)\b", text))


def examples() -> Iterator[Example]:
    for path in _files(PAGES):
        for line, text in _found(r"^ *```ya?ml[^\n]*\n(.*?)^ *```$", path):
            yield Example(f"{path.relative_to(ROOT)}:{line}", text)
    for path in _files(PLUGINS):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXAMPLES":
                yield Example(f"{path.relative_to(ROOT)}:{node.lineno}", ast.literal_eval(node.value))


def commands() -> Iterator[str]:
    for path in _files(PAGES):
        for _line, text in _found(r"^    (ansible(?:-playbook)? [^\n]+)$", path):
            yield text


def _files(patterns: tuple[str, ...]) -> list[Path]:
    return [path for pattern in patterns for path in sorted(ROOT.glob(pattern))]


def _found(pattern: str, path: Path) -> Iterator[tuple[int, str]]:
    text = path.read_text(encoding="utf-8")
    for found in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, found.start()) + 1, found[1]
