# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sys
import time
import types

import psutil
import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import psutil_process
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Process
from support.records import HARMLESS, HOSTILE

NOBODYS = 2**30  # greater than any pid


class Refusing:
    """A psutil.Process that tells its name alone."""

    def __init__(self, pid):
        self.pid = pid

    def name(self):
        return HOSTILE

    def cmdline(self):
        raise psutil.ZombieProcess(self.pid)

    def exe(self):
        raise psutil.AccessDenied(self.pid)

    def username(self):
        raise PermissionError(13, "not yours")

    def uids(self):
        raise AttributeError("not on this system")

    def create_time(self):
        return 1000.5


class Telling(Refusing):
    def cmdline(self):
        return ["nginx:", HOSTILE]

    def exe(self):
        return HOSTILE

    def username(self):
        return HOSTILE

    def uids(self):
        return types.SimpleNamespace(real=1000, effective=0, saved=0)


class Gone(Refusing):
    def name(self):
        raise psutil.NoSuchProcess(self.pid)


class Mute(Refusing):
    def cmdline(self):
        return []

    def exe(self):
        return ""


@pytest.mark.parametrize(("kind", "expected"), [(Telling, {7: ["nginx:", HOSTILE]}), (Refusing, {})])
def test_command_lines(kind, expected, monkeypatch):
    monkeypatch.setattr(psutil, "Process", kind)
    assert psutil_process.command_lines([7]) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param(
            Telling,
            Process(7, HARMLESS, HARMLESS, 0, HARMLESS, started=1000.5, exe_is_here=True),
            id="everything",
        ),
        pytest.param(Refusing, Process(7, HARMLESS, started=1000.5), id="what may be seen"),
        pytest.param(Mute, Process(7, HARMLESS, started=1000.5), id="a process of the kernel"),
        pytest.param(Gone, None, id="gone"),
    ],
)
def test_process(kind, expected, monkeypatch):
    monkeypatch.setattr(psutil, "Process", kind)
    assert psutil_process.process(7) == expected


def test_the_real_psutil_describes_a_process(child):
    seen = psutil_process.process(child)
    assert (seen.pid, seen.uid) == (child, os.geteuid())
    assert os.path.samefile(seen.exe, sys.executable)
    assert psutil_process.command_lines([child])[child][-1] == "--password=secret"
    assert 0 < time.time() - seen.started < 3600
    assert seen.name
    assert seen.user


def test_the_real_psutil_knows_no_such_process():
    assert psutil_process.process(NOBODYS) is None
