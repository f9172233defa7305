# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Socket inode -> the processes that have it, by /proc/PID/fd (proc_pid_fd(5))."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.proc import in_this_network, processes

_GONE = (FileNotFoundError, ProcessLookupError)


class Owners(t.NamedTuple):
    """What one walk over /proc found."""

    pids: dict[int, list[int]]
    """Inode -> pids. An inode that nobody was seen to have is not in it."""
    all_seen: bool
    """Whether the walk could look into every process that can have a socket of this network namespace."""


def find(inodes: t.Collection[int], proc: str = "/proc") -> Owners:
    """Who has the sockets. A process that goes away meanwhile is no error."""
    if not inodes:
        return Owners({}, all_seen=False)
    links = {f"socket:[{inode}]": inode for inode in inodes}
    pids: dict[int, list[int]] = {}
    names = processes(proc)
    all_seen = bool(names) and os.geteuid() == 0
    for look in (_held, _held_by_threads):
        missing = {link: inode for link, inode in links.items() if inode not in pids}
        for name in names if missing else ():
            try:
                held = look(f"{proc}/{name}", missing)
            except OSError:  # no permission, or no descriptor left to look with
                all_seen = all_seen and not in_this_network(name, proc)
                continue
            for inode in held:
                pids.setdefault(inode, []).append(int(name))
    return Owners(pids, all_seen)


def _held(path: str, links: t.Mapping[str, int]) -> set[int]:
    """The inodes of *links* behind the descriptors of a process, looking no further once each is found."""
    held: set[int] = set()
    try:
        # Opened so that the kernel walks the path once, and not for each descriptor.
        folder = os.open(f"{path}/fd", os.O_RDONLY)
    except _GONE:
        return held
    try:
        for descriptor in os.listdir(folder):
            try:
                inode = links.get(os.readlink(descriptor, dir_fd=folder))
            except _GONE:
                continue
            if inode is not None:
                held.add(inode)
                if len(held) == len(links):
                    break
    except _GONE:
        pass
    finally:
        os.close(folder)
    return held


def _held_by_threads(path: str, links: t.Mapping[str, int]) -> set[int]:
    """What /proc/PID/fd does not show: of a main thread that has ended, of threads with descriptors of their own."""
    try:
        threads = os.listdir(f"{path}/task")
    except _GONE:
        return set()
    return set().union(*(_held(f"{path}/task/{thread}", links) for thread in threads if len(threads) > 1))
