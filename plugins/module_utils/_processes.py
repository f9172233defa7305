# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""/proc/PID -> Process, as proc(5) describes the files."""

from __future__ import annotations

import os
import pwd
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils import _cgroups, _containers
from ansible_collections.preflight.ports.plugins.module_utils._holders import Container, Process
from ansible_collections.preflight.ports.plugins.module_utils._text import printable

_COMM_LENGTH = 15  # the kernel cuts names there: TASK_COMM_LEN less the terminating zero
_STARTTIME = 22 - 3  # field 22 of proc_pid_stat(5), counted from the one behind the name


def read(pid: int, proc: str = "/proc") -> Process | None:
    """The process, or None when it is gone. What this user may not read of it is None."""
    folder = f"{proc}/{pid}"
    status = _status(_text(f"{folder}/status") or "")
    if not status:
        return None
    arguments = (_text(f"{folder}/cmdline") or "").rstrip("\0").split("\0")
    exe = _link(f"{folder}/exe")
    name = _whole_name(status.get("Name", ""), [exe or "", arguments[0]])
    cgroup_paths = _cgroups.paths(_text(f"{folder}/cgroup") or "")
    container = _cgroups.container(cgroup_paths)
    container = _containers.named(container) if container else _containers.published_by(name, arguments)
    uid = int(status["Uid"].split()[1])
    return Process(
        pid=pid,
        name=printable(name),
        exe=_printable(exe),
        uid=uid,
        user=user_name(uid),
        unit=_printable(_cgroups.unit(cgroup_paths)),
        container=container and _printable_container(container),
        started=started(pid, proc),
        cmdline=printable(" ".join(arguments)) or None,
    )


def started(pid: int, proc: str = "/proc") -> float | None:
    """When the process began, in seconds since the epoch."""
    ticks = (_text(f"{proc}/{pid}/stat") or "").rpartition(")")[2].split()
    boot = [line.split()[1] for line in (_text(f"{proc}/stat") or "").splitlines() if line.startswith("btime ")]
    if len(ticks) <= _STARTTIME or not boot:
        return None
    return int(boot[0]) + int(ticks[_STARTTIME]) / os.sysconf("SC_CLK_TCK")


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


def _status(text: str) -> dict[str, str]:
    rows = (line.partition(":\t") for line in text.split("\n"))
    return {key: value for key, tab, value in rows if tab}


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            return file.read()
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
