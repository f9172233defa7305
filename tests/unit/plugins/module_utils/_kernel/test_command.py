# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import command


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Installs a program with these lines of shell."""
    monkeypatch.setattr(command, "_FOLDERS", (str(tmp_path / "none"), str(tmp_path)))

    def install(text):
        path = tmp_path / "ask"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    return install


def test_what_it_prints(program):
    program('echo "$1 and $2"; echo complaint >&2')
    assert command.output("ask", "this", "that; exit 1") == "this and that; exit 1\n"


def test_its_environment_is_bare(program, monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    program('echo "$SECRET $LC_ALL"')
    assert command.output("ask") == " C\n"


def test_path_does_not_choose_it(program, tmp_path, monkeypatch):
    program("echo mine")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(command, "_FOLDERS", (str(tmp_path / "none"),))
    with pytest.raises(command.CommandError, match="no ask"):
        command.output("ask")


@pytest.mark.parametrize("text", ["exit 3", "sleep 30"], ids=["it fails", "it takes too long"])
def test_no_answer(text, program, monkeypatch):
    monkeypatch.setattr(command, "_SECONDS", 0.2)
    program(f"exec {text}")
    with pytest.raises(command.CommandError):
        command.output("ask")
