# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
import zipfile
import zipimport

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._module.compiling import compile_once


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """The names of the files that zipimport compiles; the modules ``one`` and ``two`` are in an archive."""
    archive = tmp_path / "modules.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("one.py", "import two\n")
        made.writestr("two.py", "")
    names = []
    plain = zipimport._compile_source
    monkeypatch.setattr(
        zipimport, "_compile_source", lambda path, source: names.append(path[-6:]) or plain(path, source)
    )
    monkeypatch.syspath_prepend(str(archive))
    for name in ("one", "two"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return names


def test_each_file_is_compiled_once(compiled):
    compile_once()
    __import__("one")
    assert compiled == ["one.py", "two.py"]


def test_where_python_has_another_way(compiled, monkeypatch):
    monkeypatch.delattr(zipimport, "_compile_source")
    compile_once()
    assert not hasattr(zipimport, "_compile_source")
