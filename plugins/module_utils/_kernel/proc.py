# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes that /proc shows, and how far its view goes."""

from __future__ import annotations

import os

# PROC_PID_INIT_INO of the kernel's include/linux/proc_ns.h: the PID namespace that sees every process.
_INITIAL_PID_NAMESPACE = "pid:[4026531836]"


def processes(proc: str = "/proc") -> list[str]:
    """The pids in sight, as text; none where /proc is missing or closed."""
    try:
        return [name for name in os.listdir(proc) if name.isdigit()]
    except OSError:
        return []


def sees_every_process(proc: str) -> bool:
    """Whether this is the PID namespace that no process is out of sight of."""
    try:
        return os.readlink(f"{proc}/self/ns/pid") == _INITIAL_PID_NAMESPACE
    except OSError:
        return False


def in_this_network(pid: str, proc: str) -> bool:
    """Whether the process is in the network namespace of this one.

    /proc/PID/net tells it even of processes whose /proc/PID/ns may not be read: each namespace has files of its own.
    """
    try:
        return os.stat(f"{proc}/{pid}/net/tcp").st_ino == os.stat(f"{proc}/self/net/tcp").st_ino
    except OSError:
        return True
