# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Socket inode -> the processes that have it, by /proc/PID/fd (proc_pid_fd(5))."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.patience import PATIENCE, Deadline
from ansible_collections.preflight.ports.plugins.module_utils._kernel.proc import in_this_network, processes

_GONE = (FileNotFoundError, ProcessLookupError)
_MOST_OWNERS = 100  # of a socket: enough to name it, where many processes share many sockets
_STEP = 256  # descriptors between two looks at the clock
_SECONDS = 4.0  # a host with 20,000 processes takes half of one; threads with many descriptors could take hours


class Owners(t.NamedTuple):
    """What one walk over /proc found."""

    pids: dict[int, list[int]]
    """Inode -> pids, _MOST_OWNERS at most. An inode that nobody was seen to have is not in it."""
    all_seen: bool
    """Whether the walk could look into every process that can have a socket of this network namespace."""


def find(inodes: t.Collection[int], proc: str = "/proc") -> Owners:
    """Who has the sockets. A process that goes away meanwhile is no error.

    The walk ends after some seconds, however many descriptors somebody has. Then not all are seen.
    """
    if not inodes:
        return Owners({}, all_seen=False)
    links = {f"socket:[{inode}]": inode for inode in inodes}
    pids: dict[int, list[int]] = {}
    names = processes(proc)
    all_seen = bool(names) and os.geteuid() == 0
    deadline = Deadline(_SECONDS, PATIENCE)
    for look in (_held, _held_by_threads):
        missing = {link: inode for link, inode in links.items() if inode not in pids}
        for name in names if missing else ():
            try:
                held = look(f"{proc}/{name}", missing, deadline)
            except TimeoutError:
                return Owners(pids, all_seen=False)
            except OSError:  # no permission, or no descriptor left to look with
                all_seen = all_seen and not in_this_network(name, proc)
                continue
            for inode in held:
                owners = pids.setdefault(inode, [])
                owners.append(int(name))
                if len(owners) == _MOST_OWNERS:
                    del missing[f"socket:[{inode}]"]
            if not missing:
                break
    return Owners(pids, all_seen)


def _held(path: str, links: t.Mapping[str, int], deadline: Deadline) -> set[int]:
    """The inodes of *links* behind the descriptors of a process, looking no further once each is found.

    Raises TimeoutError after the *deadline*.
    """
    held: set[int] = set()
    try:
        # Opened so that the kernel walks the path once, and not for each descriptor.
        folder = os.open(f"{path}/fd", os.O_RDONLY)
    except _GONE:
        return held
    try:
        for number, descriptor in enumerate(os.listdir(folder)):
            if not number % _STEP:
                deadline.check()
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


def _held_by_threads(path: str, links: t.Mapping[str, int], deadline: Deadline) -> set[int]:
    """What /proc/PID/fd does not show: of a main thread that has ended, of threads with descriptors of their own."""
    try:
        threads = os.listdir(f"{path}/task")
    except _GONE:
        return set()
    return set().union(*(_held(f"{path}/task/{thread}", links, deadline) for thread in threads if len(threads) > 1))
