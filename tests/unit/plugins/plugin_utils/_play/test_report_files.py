# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._play import report_files
from ansible_collections.preflight.ports.plugins.plugin_utils._play.report_files import paths, problem, write

KINDS = (".html", ".json", ".xml", ".md")


@pytest.mark.parametrize("kind", ["html", "json", "xml", "md"])
def test_a_report_may_be_new_old_or_in_a_directory_to_be_made(tmp_path, kind):
    (tmp_path / f"old.{kind}").touch()
    assert [problem(f"{tmp_path}/{name}.{kind}", KINDS) for name in ("new", "old", "a/b/c")] == [None] * 3


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("report.pdf", "a report ends in .html, .json, .xml or .md"),
        ("report", "a report ends in .html, .json, .xml or .md"),
        ("folder.md", "is a directory; a report is a file"),
        ("file/report.md", "{}/file is not a directory; name a path below one"),
        ("file/a/b/report.md", "{}/file is not a directory; name a path below one"),
    ],
)
def test_each_problem_names_its_path(tmp_path, path, complaint):
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "file").touch()
    assert problem(f"{tmp_path}/{path}", KINDS) == f"{tmp_path}/{path}: {complaint.format(tmp_path)}"


def test_what_the_user_may_not_write(tmp_path, monkeypatch):
    monkeypatch.setattr(report_files.os, "access", lambda path, mode: False)
    who = f"the user who runs Ansible (uid {os.geteuid()})"
    assert problem(f"{tmp_path}/a.md", KINDS).startswith(f"{tmp_path}/a.md: {who} may not write into {tmp_path};")


def test_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOLDER", "/srv")
    monkeypatch.setenv("HOME", "/home/ann")
    expected = ["/srv/a.md", "/home/ann/b.md", f"{tmp_path}/c.md", "/d.md"]
    assert paths(["$FOLDER/a.md", " ~/b.md", "c.md", "/x/../d.md"]) == expected


def test_write_replaces_a_link_and_leaves_nothing_beside(tmp_path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "a.md").symlink_to("precious")
    write(str(tmp_path / "a.md"), ["text"])
    assert (tmp_path / "precious").read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["a.md", "precious"]
    assert (tmp_path / "a.md").read_text() == "text"
    assert (tmp_path / "a.md").stat().st_mode & 0o777 == 0o644


def test_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_paths):
        raise OSError("disk full")

    monkeypatch.setattr(report_files.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write(str(tmp_path / "a.md"), ["text"])
    assert os.listdir(tmp_path) == []
