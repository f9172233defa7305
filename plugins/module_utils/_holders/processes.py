# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""/proc/PID -> Process, as proc(5) describes the files."""

from __future__ import annotations

import functools
import os
import pwd
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._holders import cgroups
from ansible_collections.preflight.ports.plugins.module_utils._holders.programs import is_interpreter, program
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container, Process
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable

_COMM_LENGTH = 15  # the kernel cuts names there: TASK_COMM_LEN less the terminating zero
PPID, STARTTIME = 4 - 3, 22 - 3  # fields of proc_pid_stat(5), counted from the one behind the name
_MOST_CHARACTERS = 255
_MOST_BYTES = 1 << 16  # of a file about one process
_MOST_BYTES_OF_ALL = 1 << 20  # of /proc/stat, which grows with processors and interrupts
_TASKS = "/run/containerd/io.containerd.runtime.v2.task"
_PUBLISHERS = ("docker-proxy", "conmon")  # containers.py knows which containers they publish for,
_ROOTLESS_PUBLISHERS = ("rootlessport", "pasta", "pasta.avx2")  # and rootless.py, for which these do

# What many processes share is found out once: a host may have thousands of them.
_once_each = functools.lru_cache(maxsize=None)


def read(pid: int, proc: str = "/proc") -> Process | None:
    """The process, or None when it is gone. What this user may not read of it is None."""
    folder = f"{proc}/{pid}"
    uid = _effective_user(folder)
    comm, fields = stat(folder)
    if uid is None or not fields:
        return None
    exe = _link(f"{folder}/exe")
    unit, its_container = _origin(text(f"{folder}/cgroup"))
    return Process(
        pid=pid,
        name=short(_whole_name(comm, exe or "") or comm),
        exe=_printable(exe),
        exe_is_here=exe is not None and _is_one_file(f"{folder}/exe", exe),
        uid=uid,
        user=user_name(uid),
        unit=unit,
        container=its_container,
        started=_started(fields, proc),
    )


def needs_arguments(process: Process) -> bool:
    """Whether only its command line tells the whole name, what it runs, or the container that it publishes for."""
    return _may_be_cut(process.name or "") or _publishes(process) or is_interpreter(process.exe or process.name)


def with_arguments(process: Process, arguments: t.Sequence[str]) -> Process:
    """The process with what its command line tells. A title may follow the name there, and may be a secret."""
    name = process.name or ""
    first = arguments[0].partition(" ")[0] if arguments else ""
    return process._replace(
        name=short(_whole_name(name, first) or name),
        program=_short(program(process.exe or process.name, arguments)),
        container=process.container or _published_by(process, arguments),
    )


def _effective_user(folder: str) -> int | None:
    """Whom the folder belongs to, whatever the files in it say: those of a process that keeps its memory are root's.

    Of a process that is just gone it tells nothing; what is read later shows whether it was still there.
    """
    try:
        return os.stat(folder).st_uid
    except OSError:
        return None


def container(folder: str) -> Container | None:
    """The one that the process is in, by its control group."""
    return _origin(text(f"{folder}/cgroup"))[1]


def stat(folder: str) -> tuple[str, list[str]]:
    """The name and the fields behind it, as proc_pid_stat(5) has them. The name may contain anything.

    A backslash in it is doubled, as in proc_pid_status(5), so that it is none of an escape.
    """
    before, _parenthesis, after = text(f"{folder}/stat").rpartition(")")
    return before.partition("(")[2].replace("\\", "\\\\"), after.split()


@_once_each
def _origin(cgroup: str) -> tuple[str | None, Container | None]:
    """The unit and the container of those who are in a control group."""
    paths = cgroups.paths(cgroup)
    found, owner = cgroups.container(paths) or _task(paths), cgroups.owner(paths)
    if found and owner is not None:
        found = found._replace(user=user_name(owner) or str(owner))
    elif found:
        # Only now: on a target, each import costs time in each task.
        from ansible_collections.preflight.ports.plugins.module_utils._holders import containers

        found = containers.named(found)
    return _short(cgroups.unit(paths)), found and printable_container(found)


def _task(paths: t.Sequence[str]) -> Container | None:
    """What containerd runs by itself has a folder there."""
    found = cgroups.task(paths)
    return found[1] if found and os.path.isdir(os.path.join(_TASKS, found[0], found[1].id)) else None


def _publishes(process: Process) -> bool:
    """Anybody may call a process so: only root's counts."""
    return process.name in _PUBLISHERS and process.uid == 0


def _published_by(process: Process, arguments: t.Sequence[str]) -> Container | None:
    if not _publishes(process):
        return None
    from ansible_collections.preflight.ports.plugins.module_utils._holders.containers import published_by

    found = published_by(process.name or "", arguments)
    return found and printable_container(found)


def may_be_rootless(process: Process) -> bool:
    """Whether it is in a container of an ordinary user's podman, or publishes for one."""
    return bool(process.container.user) if process.container else process.name in _ROOTLESS_PUBLISHERS


def _started(fields: t.Sequence[str], proc: str) -> float | None:
    """When the process began, in seconds since the epoch."""
    boot = _boot(proc)
    if len(fields) <= STARTTIME or boot is None:
        return None
    return boot + int(fields[STARTTIME]) / os.sysconf("SC_CLK_TCK")


@_once_each
def _boot(proc: str) -> int | None:
    """When the machine began, in seconds since the epoch (proc_stat(5))."""
    times = [
        line.split()[1] for line in text(f"{proc}/stat", _MOST_BYTES_OF_ALL).splitlines() if line.startswith("btime ")
    ]
    return int(times[0]) if times else None


@_once_each
def user_name(uid: int) -> str | None:
    try:
        return printable(pwd.getpwuid(uid).pw_name)
    except KeyError:
        return None


def _whole_name(comm: str, path: str) -> str | None:
    """The kernel keeps 15 bytes of a name; the program's path often has the rest. None if it has not."""
    if not _may_be_cut(comm):
        return comm
    base = os.path.basename(path)
    return base if base.startswith(comm) else None


def _may_be_cut(name: str) -> bool:
    return len(name.encode("utf-8", "surrogateescape")) == _COMM_LENGTH


def text(path: str, most: int = _MOST_BYTES) -> str:
    """What is in a file of /proc; empty where it cannot be read."""
    try:
        return _bytes(path, most).decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def _bytes(path: str, most: int) -> bytes:
    """A file of /proc, which comes in one part. open() would ask more of the kernel."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, most)
    finally:
        os.close(file)


def _link(path: str) -> str | None:
    try:
        target = os.readlink(path.encode()).decode("utf-8", "surrogateescape")  # whatever the locale says
    except OSError:
        return None
    deleted = " (deleted)"
    return target[: -len(deleted)] if target.endswith(deleted) else target


def _is_one_file(one: str, other: str) -> bool:
    """A process in a mount namespace of its own may run any file below any path."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def printable_container(container: Container) -> Container:
    return container._replace(id=short(container.id), name=_short(container.name))


def short(text: str) -> str:
    """*text*, which others chose, in no more characters than a file name may have."""
    return printable(text[:_MOST_CHARACTERS])[:_MOST_CHARACTERS]


def _short(text: str | None) -> str | None:
    return None if text is None else short(text)


def _printable(text: str | None) -> str | None:
    return None if text is None else printable(text)
