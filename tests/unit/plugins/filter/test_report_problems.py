# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.preflight.ports.plugins.filter import report_problems as plugin
from ansible_collections.preflight.ports.plugins.filter.report_problems import FilterModule, report_problems


@pytest.mark.parametrize("kind", ["html", "json", "xml", "md"])
def test_a_report_may_be_new_old_or_in_a_directory_to_be_made(tmp_path, kind):
    (tmp_path / f"old.{kind}").touch()
    assert report_problems([f"{tmp_path}/{name}.{kind}" for name in ("new", "old", "a/b/c")]) == []


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("report.pdf", "a report ends in .html, .json, .xml or .md"),
        ("report", "a report ends in .html, .json, .xml or .md"),
        ("folder.md", "is a directory; a report is a file"),
        ("file/report.md", "{}/file is not a directory; name a path below one"),
        ("file/a/b/report.md", "{}/file is not a directory; name a path below one"),
    ],
)
def test_each_problem_names_its_path(tmp_path, path, problem):
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "file").touch()
    assert report_problems([f"{tmp_path}/good.md", f"{tmp_path}/{path}"]) == [
        f"{tmp_path}/{path}: {problem.format(tmp_path)}"
    ]


@pytest.mark.parametrize(
    ("exists", "where"), [(True, "this file; name another"), (False, "into {}; name a path below a directory")]
)
def test_what_the_user_may_not_write(tmp_path, monkeypatch, exists, where):
    monkeypatch.setattr(plugin.os, "access", lambda path, mode: False)
    if exists:
        (tmp_path / "report.md").touch()
    (problem,) = report_problems([f"{tmp_path}/report.md"])
    who = f"the user who runs Ansible (uid {os.geteuid()})"
    assert problem.startswith(f"{tmp_path}/report.md: {who} may not write {where.format(tmp_path)}")


def test_ansible_finds_it():
    assert FilterModule().filters() == {"report_problems": report_problems}
