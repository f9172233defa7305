# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a process outlives the session in which it was started: systemd-logind may end it (KillUserProcesses)."""

from __future__ import annotations

import os
import re

from ansible_collections.preflight.ports.plugins.module_utils._kernel import command

_LOGIN = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
_SYSTEMD = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")


def leave(pid: int, seconds: float) -> str | None:
    """Has systemd keep the process apart from the session. Returns what may end it early; None if nothing may.

    As root, systemd puts the process into a scope of its own, which it also ends in time.
    """
    if not _in_session():
        return None
    try:
        kills = command.output("busctl", "get-property", *_LOGIN, "KillUserProcesses").split()
    except command.CommandError:
        kills = []
    if kills == ["b", "false"]:
        return None
    if os.geteuid() == 0 and _move(pid, seconds):
        return None
    if kills:
        return "this host ends a user's processes with the session (KillUserProcesses=yes of logind); use become"
    return "it is unknown whether this host ends a user's processes with the session"


def _in_session(path: str = "/proc/self/cgroup") -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as groups:
            return bool(re.search(r"/session-[^/]*\.scope", groups.read()))
    except OSError:
        return False


def _move(pid: int, seconds: float) -> bool:
    properties = [
        *("Description", "s", "preflight.ports responder"),
        *("PIDs", "au", "1", str(pid)),
        *("RuntimeMaxUSec", "t", str(int((seconds + 5) * 1_000_000))),
        *("CollectMode", "s", "inactive-or-failed"),
    ]
    unit = f"preflight-ports-{pid}.scope"
    call = ["StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "fail", "4", *properties, "0"]
    try:
        command.output("busctl", "call", *_SYSTEMD, *call)
    except command.CommandError:
        return False
    return True
