# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""/proc/PID -> Process, as proc(5) describes the files."""

from __future__ import annotations

import functools
import os
import pwd
import re
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils import _cgroups, _containers
from ansible_collections.preflight.ports.plugins.module_utils._holders import Container, Process
from ansible_collections.preflight.ports.plugins.module_utils._text import printable

_COMM_LENGTH = 15  # the kernel cuts names there: TASK_COMM_LEN less the terminating zero
_STARTTIME = 22 - 3  # field 22 of proc_pid_stat(5), counted from the one behind the name
_STATUS = re.compile(r"Name:\t(.*)\n(?:.*\n)*?Uid:\t[0-9]+\t([0-9]+)")  # the second Uid is the effective one

# What many processes share is found out once: a host may have thousands of them.
_once_each = functools.lru_cache(maxsize=None)


def read(pid: int, proc: str = "/proc") -> Process | None:
    """The process, or None when it is gone. What this user may not read of it is None."""
    folder = f"{proc}/{pid}"
    status = _STATUS.match(_text(f"{folder}/status") or "")
    if not status:
        return None
    arguments = (_text(f"{folder}/cmdline") or "").rstrip("\0").split("\0")
    exe = _link(f"{folder}/exe")
    name = _whole_name(status[1], [exe or "", arguments[0]])
    unit, container = _origin(_text(f"{folder}/cgroup") or "")
    container = container or _containers.published_by(name, arguments)
    uid = int(status[2])
    return Process(
        pid=pid,
        name=printable(name),
        exe=_printable(exe),
        uid=uid,
        user=user_name(uid),
        unit=unit,
        container=container and _printable_container(container),
        started=started(pid, proc),
        cmdline=printable(" ".join(arguments)) or None,
    )


@_once_each
def _origin(cgroup: str) -> tuple[str | None, Container | None]:
    """The unit and the container of those who are in a control group."""
    paths = _cgroups.paths(cgroup)
    container = _cgroups.container(paths)
    return _printable(_cgroups.unit(paths)), container and _containers.named(container)


def started(pid: int, proc: str = "/proc") -> float | None:
    """When the process began, in seconds since the epoch."""
    ticks = (_text(f"{proc}/{pid}/stat") or "").rpartition(")")[2].split()
    boot = _boot(proc)
    if len(ticks) <= _STARTTIME or boot is None:
        return None
    return boot + int(ticks[_STARTTIME]) / os.sysconf("SC_CLK_TCK")


@_once_each
def _boot(proc: str) -> int | None:
    """When the machine began, in seconds since the epoch (proc_stat(5))."""
    times = [line.split()[1] for line in (_text(f"{proc}/stat") or "").splitlines() if line.startswith("btime ")]
    return int(times[0]) if times else None


@_once_each
def user_name(uid: int) -> str | None:
    try:
        return printable(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return None


def _whole_name(comm: str, paths: t.Sequence[str]) -> str:
    """The kernel keeps 15 bytes of a name; the program's path often has the rest."""
    if len(os.fsencode(comm)) == _COMM_LENGTH:
        for path in paths:
            base = os.path.basename(path)
            if base.startswith(comm):
                return base
    return comm


def _text(path: str) -> str | None:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall().decode("utf-8", "surrogateescape")
    except OSError:
        return None


def _link(path: str) -> str | None:
    try:
        target = os.readlink(path)
    except OSError:
        return None
    deleted = " (deleted)"
    return target[: -len(deleted)] if target.endswith(deleted) else target


def _printable_container(container: Container) -> Container:
    return Container(printable(container.id), _printable(container.name), container.runtime)


def _printable(text: str | None) -> str | None:
    return None if text is None else printable(text)
