# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No comprehension of a function calls a variable like something of its file.

Python 3.12.0 and 3.12.1 take the name for a variable of the whole function then, and fail where the file's is meant.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(ROOT.glob("plugins/**/*.py"))


def names_of_file(tree):
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)


def variables_of_comprehensions(tree):
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    for comprehension in (node for function in functions for node in ast.walk(function)):
        if isinstance(comprehension, ast.comprehension):
            yield from (node.id for node in ast.walk(comprehension.target) if isinstance(node, ast.Name))


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_no_variable_hides_what_the_file_has(path):
    tree = ast.parse(path.read_text())
    assert set(variables_of_comprehensions(tree)).isdisjoint(names_of_file(tree))
