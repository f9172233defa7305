# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is behind some sockets: processes, systemd's socket units, or the kernel itself."""

from __future__ import annotations

import sys
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._holders import owners, processes
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Census, Container, Process
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Socket

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._holders.owners import Owners

_INIT = 1

# What only some hosts need is imported only there: on a target, Python compiles a module's files anew in each task.


def take(sockets: t.Collection[Socket]) -> Census:
    """All that this user may know of the holders of *sockets*."""
    owned = owners.find({held.inode for held in sockets if held.inode})
    pids = {pid for held in sockets for pid in owned.pids.get(held.inode, held.pids)}
    alive = {pid: process for pid in pids for process in [_process(pid)] if process}
    vague = [pid for pid, process in alive.items() if processes.needs_arguments(process)]
    if vague:
        alive.update(_with_arguments({pid: alive[pid] for pid in vague}))
    of_users = [process for process in alive.values() if processes.may_be_rootless(process)]
    if of_users:
        alive.update(_in_rootless_containers(of_users))
    found = Census(owned.pids, alive)
    ownerless = [held for held in sockets if not found.owners_of(held)]
    is_systemd = _INIT in alive and alive[_INIT].name == "systemd"
    return found._replace(
        kernel_owned=_find_kernel_owned(ownerless, owned) if ownerless else frozenset(),
        socket_units=_find_socket_units() if is_systemd else {},
        published=_find_published(sockets, found) if any(map(_is_docker, alive.values())) else {},
        users={held.uid: processes.user_name(held.uid) for held in ownerless if held.uid is not None},
    )


def _find_kernel_owned(ownerless: t.Collection[Socket], owned: Owners) -> frozenset[Socket]:
    from ansible_collections.preflight.ports.plugins.module_utils._holders import kernel_owned

    return kernel_owned.find(ownerless, owned)


def _find_socket_units() -> dict[tuple[str, str, int], str]:
    from ansible_collections.preflight.ports.plugins.module_utils._holders import socket_units

    return socket_units.find()


def _is_docker(process: Process) -> bool:
    """Without its proxy, the engine itself listens on the ports that it publishes."""
    return process.name == "dockerd" and process.uid == 0


def _find_published(sockets: t.Iterable[Socket], known: Census) -> dict[tuple[str, int], Container]:
    from ansible_collections.preflight.ports.plugins.module_utils._holders import containers

    found: dict[tuple[str, int], Container] = {}
    for held in sockets:
        is_published = any(map(_is_docker, known.owners_of(held)))
        container = containers.published(held.protocol, held.port) if is_published else None
        if container:
            found[held.protocol, held.port] = processes.printable_container(container)
    return found


def _with_arguments(vague: t.Mapping[int, Process]) -> dict[int, Process]:
    """Root's are read first and apart, so that no user can hide the containers that they publish for."""
    from ansible_collections.preflight.ports.plugins.module_utils._holders import command_lines

    roots = {pid for pid, process in vague.items() if process.uid == 0}
    lines = {**command_lines.read(roots), **command_lines.read(vague.keys() - roots)}
    return {pid: processes.with_arguments(process, lines.get(pid, ())) for pid, process in vague.items()}


def _in_rootless_containers(found: t.Collection[Process]) -> dict[int, Process]:
    from ansible_collections.preflight.ports.plugins.module_utils._holders import rootless

    its = rootless.containers(found)
    return {process.pid: process._replace(container=its[process.pid]) for process in found if process.pid in its}


def _process(pid: int) -> Process | None:
    if sys.platform.startswith("linux"):
        return processes.read(pid)
    from ansible_collections.preflight.ports.plugins.module_utils._holders import psutil_process

    return psutil_process.process(pid)
