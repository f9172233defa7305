# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers of ordinary users' podman: whose port a helper publishes, and what a container is called.

A helper runs outside the container. ``rootlessport`` has a child in the container's network namespace, and ``pasta``
keeps a descriptor of that namespace (namespaces(7)). The name is what podman told its monitor, conmon, which is the
parent of the container's first process.
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._holders import command_lines, processes
from ansible_collections.preflight.ports.plugins.module_utils._kernel import proc as proc_files
from ansible_collections.preflight.ports.plugins.module_utils._kernel.patience import PATIENCE, Deadline
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container, Process

_SECONDS = 1.0
_MOST_ANCESTORS = 64


class _Resident(t.NamedTuple):
    """A process in another network namespace than ours."""

    started: int
    """In clock ticks since the boot."""
    pid: int
    parent: int
    namespace: str


def containers(found: t.Iterable[Process], proc: str = "/proc") -> dict[int, Container]:
    """Pid -> container, of those that are helpers, or in a container without a name. Others are missing.

    Users decide how many processes and descriptors there are: after a second, what is not found stays unknown.
    """
    deadline = Deadline(_SECONDS, PATIENCE)
    members: dict[int, tuple[Container, int | None]] = {}
    try:
        residents: list[_Resident] | None = None
        for process in found:
            member: tuple[int, Container] | None = None
            if process.container:
                member = process.pid, process.container
            else:
                residents = sorted(_residents(proc, deadline)) if residents is None else residents
                member = _published_for(process, residents, proc, deadline)
            if member:
                pid, container = member
                members[process.pid] = container, _monitor(pid, proc, deadline)
    except TimeoutError:
        pass
    return _named(members, proc)


def _residents(proc: str, deadline: Deadline) -> t.Iterator[_Resident]:
    ours = _link(f"{proc}/self/ns/net")
    for pid in proc_files.processes(proc):
        deadline.check()
        namespace = _link(f"{proc}/{pid}/ns/net")
        if namespace and namespace != ours:
            _comm, fields = processes.stat(f"{proc}/{pid}")
            if fields:
                yield _Resident(int(fields[processes.STARTTIME]), int(pid), int(fields[processes.PPID]), namespace)


def _published_for(
    helper: Process, residents: t.Sequence[_Resident], proc: str, deadline: Deadline
) -> tuple[int, Container] | None:
    """The pid of a process in the container, and the container: in a pod, the first one, which has the ports."""
    children = {each.namespace for each in residents if each.parent == helper.pid}
    namespaces = children or set(_kept(f"{proc}/{helper.pid}", deadline))
    for each in residents:
        deadline.check()
        container = processes.container(f"{proc}/{each.pid}") if each.namespace in namespaces else None
        if container and container.user == (helper.user or str(helper.uid)):
            return each.pid, container
    return None


def _kept(folder: str, deadline: Deadline) -> t.Iterator[str]:
    """The network namespaces that a process has descriptors of."""
    try:
        descriptors = os.listdir(f"{folder}/fd")
    except OSError:
        return
    for descriptor in descriptors:
        deadline.check()
        link = _link(f"{folder}/fd/{descriptor}") or ""
        if link.startswith("net:["):
            yield link
        elif link.startswith("/"):  # where podman has it mounted: the inode tells (since Linux 5.14)
            yield f"net:[{_inode(f'{folder}/fdinfo/{descriptor}')}]"


def _inode(path: str) -> str:
    """Of an open file. To ask the file itself could take for ever, if a user serves it (FUSE)."""
    told = dict(line.partition(":")[::2] for line in processes.text(path).splitlines())
    return told.get("ino", "").strip()


def _named(members: t.Mapping[int, tuple[Container, int | None]], proc: str) -> dict[int, Container]:
    """*members*: pid -> its container, and the pid of the monitor."""
    lines = command_lines.read({monitor for _container, monitor in members.values() if monitor}, proc)
    return {
        pid: processes.printable_container(container._replace(name=_name(lines.get(monitor or 0, ()), container.id)))
        for pid, (container, monitor) in members.items()
    }


def _monitor(pid: int, proc: str, deadline: Deadline) -> int | None:
    """The nearest conmon above a process."""
    for _step in range(_MOST_ANCESTORS):
        deadline.check()
        comm, fields = processes.stat(f"{proc}/{pid}")
        if comm == "conmon":
            return pid
        if not fields:
            break
        pid = int(fields[processes.PPID])
    return None


def _name(arguments: t.Sequence[str], identity: str) -> str | None:
    """What conmon's ``-n`` says, if its ``-c`` is about this container (conmon(8))."""
    options = list(zip(arguments, arguments[1:]))
    return next((value for option, value in options if option == "-n"), None) if ("-c", identity) in options else None


def _link(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None
