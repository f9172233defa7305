# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sys
import time

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import command_lines, psutil_process
from support.records import HARMLESS, HOSTILE

pytestmark = pytest.mark.linux


@pytest.fixture
def proc(tmp_path):
    """Pid -> the bytes of its command line, as files."""

    def write(lines):
        for pid, text in lines.items():
            (tmp_path / str(pid)).mkdir()
            (tmp_path / str(pid) / "cmdline").write_bytes(text)
        return str(tmp_path)

    return write


def test_read(proc):
    there = proc({7: b"nginx\0-c\0/etc/nginx.conf\0", 8: b"", 9: b"caf\xe9\0"})
    assert command_lines.read([7, 8, 9, 10], there) == {7: ["nginx", "-c", "/etc/nginx.conf"], 9: ["caf\udce9"]}


def test_nobody_is_asked_for_nothing(monkeypatch):
    monkeypatch.setattr(command_lines.child, "ask", None)
    assert command_lines.read([]) == {}


def test_one_is_as_long_as_an_argument_may_be(proc):
    (arguments,) = command_lines.read([7], proc({7: b"x" * 1000000})).values()
    assert arguments == ["x" * 131072]


def test_all_together_have_a_limit(proc, monkeypatch):
    monkeypatch.setattr(command_lines, "_MOST_BYTES_TOGETHER", 10)
    assert command_lines.read([7, 8, 9], proc({7: b"a" * 8, 8: b"b" * 8, 9: b"c" * 8})) == {7: ["a" * 8], 8: ["b" * 2]}


def test_who_lets_the_read_hang_is_left_behind(tmp_path, monkeypatch):
    (tmp_path / "7").mkdir()
    os.mkfifo(tmp_path / "7" / "cmdline")  # opening it waits for a writer
    monkeypatch.setattr(command_lines, "_SECONDS", 0.2)
    started = time.monotonic()
    assert command_lines.read([7], str(tmp_path)) == {}
    assert time.monotonic() - started < 5


def test_add(monkeypatch):
    monkeypatch.setattr(command_lines, "read", lambda pids: {7: ["nginx", HOSTILE]} if pids == {7, 8} else None)
    holders = [{"pid": 7}, {"pid": 8}, {"pid": None}, {"pid": 7}]
    command_lines.add(holders)
    assert [holder["cmdline"] for holder in holders] == [f"nginx {HARMLESS}", None, None, f"nginx {HARMLESS}"]


def test_other_systems_ask_psutil(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(psutil_process, "command_lines", lambda pids: {pid: ["nginx"] for pid in pids})
    assert command_lines.read([7]) == {7: ["nginx"]}


def test_a_real_process(child):
    assert command_lines.read([child])[child][-1] == "--password=secret"
