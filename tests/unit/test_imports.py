# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Neither files nor folders of module_utils import each other in a circle: lazy imports and those of types count."""

from __future__ import annotations

import ast
from pathlib import Path

import graphlib
import pytest

ROOT = Path(__file__).parents[2] / "plugins/module_utils"
PACKAGE = "ansible_collections.preflight.ports.plugins.module_utils."


def imports_of(path):
    """The files that a file imports, wherever in it the import is."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(PACKAGE):
            for alias in node.names:
                within = ROOT / f"{node.module}.".partition(PACKAGE)[2].replace(".", "/")
                module = within / f"{alias.name}.py"
                yield module if module.exists() else within.with_suffix(".py")


FILES = {path: set(imports_of(path)) for path in ROOT.rglob("*.py")}


def test_every_import_is_found():
    assert set().union(*FILES.values()) <= set(FILES)


def test_files_import_in_one_direction():
    graphlib.TopologicalSorter(FILES).prepare()


@pytest.mark.parametrize("depth", [1, 2])
def test_folders_import_in_one_direction(depth):
    folders = {}
    for path, imported in FILES.items():
        within, *others = (each.relative_to(ROOT).parent.parts[:depth] for each in (path, *imported))
        folders.setdefault(within, set()).update(other for other in others if other != within)
    graphlib.TopologicalSorter(folders).prepare()
