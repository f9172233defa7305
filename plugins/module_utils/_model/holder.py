# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets and their owners -> holders: one for each process or kernel object, its addresses together."""

from __future__ import annotations

import os
import time
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import CLOSING, Socket
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable

_INIT = 1
_KERNEL = "kernel"


class Container(t.NamedTuple):
    """A container that a process belongs to, or publishes a port for."""

    id: str
    name: str | None
    runtime: str
    user: str | None = None
    """Whose it is; None for root's."""

    @property
    def full_name(self) -> str | None:
        """``web``; with its owner, ``alice/web``, where an ordinary user chose the name."""
        return f"{self.user}/{self.name}" if self.user and self.name else self.name


class Destination(t.NamedTuple):
    """Where a rule sends packets."""

    address: bytes | None
    """4 or 16 bytes; None for the address of this host on the device that a packet comes in by."""
    port: int


class Redirect(t.NamedTuple):
    """What a NAT rule does to a port, or may do. All text is printable."""

    target: str
    """``10.88.0.5:80``, or ``port 8080 of this host``."""
    tool: str
    """``nft``, ``iptables`` (built on nf_tables), or ``iptables-legacy``."""
    chains: tuple[str, ...]
    """The way to the rule: the base chain with its table, as in ``ip nat PREROUTING``, and those that it jumps to."""
    label: str | None = None
    """What the rules say they are for: a Kubernetes service and its port, or the words of a comment."""
    container: Container | None = None
    depends_on: tuple[str, ...] = ()
    """``the source address``, ``the match 'recent'``, ...; nothing for a rule that holds for whatever comes."""
    destinations: tuple[Destination, ...] = ()
    """All that the rules may choose from; none where that is not known."""
    is_total: bool = False
    """Whether it is so for each address that a server would serve."""
    spared: tuple[bytes, ...] = ()
    """The addresses that it leaves alone, of 4 or 16 bytes,"""
    address: str | None = None
    """and if there are any, one that it does not."""
    targets: tuple[str, ...] = ()
    """All of them, if there are several."""

    def names(self) -> dict[str, list[str]]:
        """What ``held_by`` patterns are matched against."""
        chains = [chain.rpartition(" ")[2] for chain in self.chains]
        container = self.container and self.container.full_name
        return {
            "container": [container] if container else [],
            "nat": [*chains, *filter(None, [self.label]), *([] if self.targets else [self.target])],
        }


class Process(t.NamedTuple):
    """A process that has a socket. Unknown is None. All text is printable."""

    pid: int
    name: str | None = None
    exe: str | None = None
    uid: int | None = None
    user: str | None = None
    unit: str | None = None
    container: Container | None = None
    started: float | None = None
    """Seconds since the epoch."""
    exe_is_here: bool = False
    """Whether its path leads to the same file for us."""
    program: str | None = None
    """What an interpreter runs: a script, a module, a jar, a main class."""

    def names(self) -> dict[str, list[str]]:
        """What ``held_by`` patterns are matched against."""
        names: dict[str, tuple[str | None, ...]] = {
            "process": (None if self.name == _KERNEL else self.name,),  # anybody may call a process so
            "unit": (self.unit, self.unit.rpartition(".")[0]) if self.unit else (),
            "container": (self.container.full_name,) if self.container else (),
            "user": (self.user, None if self.uid is None else str(self.uid)),
            "exe": (self.exe if self.exe_is_here else None,),
            "program": _program_names(self.program),
        }
        return {field: [value for value in values if value] for field, values in names.items()}


class Holder(t.NamedTuple):
    """Who has a port. Unknown is None; all text is printable."""

    addresses: tuple[str, ...]
    protocol: str
    state: str
    process: Process | None = None
    """The eldest that has the socket."""
    processes: tuple[Process, ...] = ()
    """All that have it."""
    uid: int | None = None
    user: str | None = None
    interface: str | None = None
    peer: str | None = None
    hidden: bool = False
    """A process that this user may not see."""
    kernel: bool = False
    """No process: the kernel itself."""
    seconds_left: int | None = None
    """Until the last of its sockets is out of TIME_WAIT."""
    redirect: Redirect | None = None
    """The NAT rule that takes what is sent to the port."""

    @property
    def container(self) -> Container | None:
        """That of the process, or the one that the rule is for."""
        return self.process.container if self.process else self.redirect.container if self.redirect else None

    def names(self) -> list[dict[str, list[str]]]:
        """What ``held_by`` patterns are matched against: one dict for each process, or for the rule or the kernel."""
        if self.redirect:
            return [self.redirect.names()]
        if self.kernel and self.state != CLOSING:
            return [{"process": [_KERNEL]}]
        return [process.names() for process in self.processes]

    def together_with(self, other: Holder) -> Holder:
        """One for the sockets of both, which the same process or kernel object has."""
        return self._replace(
            addresses=tuple(dict.fromkeys(self.addresses + other.addresses)),
            processes=_together(self.processes, other.processes),
            peer=self.peer if self.peer == other.peer else None,
            seconds_left=max(self.seconds_left or 0, other.seconds_left or 0) or None,
        )

    def as_dict(self) -> dict[str, t.Any]:
        """The holder as the modules return it."""
        process = self.process or Process(pid=0)
        return {
            "addresses": list(self.addresses),
            "protocol": self.protocol,
            "state": self.state,
            "pid": process.pid or None,
            "pids": [process.pid for process in self.processes],
            "process": process.name,
            "exe": process.exe,
            "program": process.program,
            "user": self.user,
            "uid": self.uid,
            "unit": process.unit,
            "container": self.container._asdict() if self.container else None,
            "started": _iso8601(process.started),
            "interface": self.interface,
            "peer": self.peer,
            "hidden": self.hidden,
            "kernel": self.kernel,
        }


def _program_names(program: str | None) -> tuple[str, ...]:
    """All of it, the application that a server runs, and the last part of a path."""
    if not program:
        return ()
    server, _blank, application = program.partition(" ")
    return (program, os.path.basename(program), *((server, application) if application else ()))


def _together(some: tuple[Process, ...], others: tuple[Process, ...]) -> tuple[Process, ...]:
    """Each once, by pid. Mostly they are the same."""
    if some == others:
        return some
    by_pid = {process.pid: process for process in (*some, *others)}
    return tuple(by_pid[pid] for pid in sorted(by_pid))


def _iso8601(seconds: float | None) -> str | None:
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Census(t.NamedTuple):
    """What is known of the processes behind some sockets."""

    pids: t.Mapping[int, t.Sequence[int]]
    """Inode -> pids."""
    processes: t.Mapping[int, Process]
    kernel_owned: frozenset[Socket] = frozenset()
    """The sockets that no process has."""
    socket_units: t.Mapping[tuple[str, str, int], str] = {}
    """(protocol, address, port) -> the systemd socket unit that PID 1 listens for."""
    published: t.Mapping[tuple[str, int], Container] = {}
    """(protocol, port) -> the container for which an engine listens there itself."""
    users: t.Mapping[int, str | None] = {}
    """Uid -> user name, of sockets that nobody was seen to have."""

    def joined_with(self, other: Census) -> Census:
        """What is known of the sockets of both."""
        return Census(
            {**other.pids, **self.pids},
            {**other.processes, **self.processes},
            other.kernel_owned | self.kernel_owned,
            {**other.socket_units, **self.socket_units},
            {**other.published, **self.published},
            {**other.users, **self.users},
        )

    def owners_of(self, held: Socket) -> list[Process]:
        """The processes that have the socket, without those that died before they could be looked at.

        The user who made a socket cannot give it another owner. He may hand it to another user's process, which does
        not serve it therefore; of root's, any process may have it.
        """
        pids = self.pids.get(held.inode, held.pids)
        known = self.processes
        found = [known[pid] for pid in (pids if len(pids) < 2 else sorted(pids)) if pid in known]
        return [process for process in found if process.uid in (held.uid, None)] if held.uid else found


def merged(holders: t.Iterable[Holder]) -> tuple[Holder, ...]:
    """Those of single sockets -> one for each process or kernel object, in the order in which they come."""
    found: dict[tuple[t.Any, ...], Holder] = {}
    for holder in holders:
        who = holder.process.pid if holder.process else (holder.kernel, holder.uid)
        key = (who, holder.state, holder.interface)
        known = found.get(key)
        found[key] = known.together_with(holder) if known else holder
    return tuple(found.values())


def holder_of(held: Socket, census: Census) -> Holder:
    """The holder of one socket."""
    # Where very many connections have ports, this is what takes the time.
    address, device = str(held.endpoint), held.endpoint.interface
    unit = census.socket_units.get((held.protocol, address, held.port)) if census.socket_units else None
    container = census.published.get((held.protocol, held.port)) if census.published else None
    processes = tuple(census.owners_of(held))
    if unit or container:
        processes = tuple(
            process._replace(
                unit=unit if unit and process.pid == _INIT else process.unit, container=container or process.container
            )
            for process in processes
        )
    eldest = processes[0] if len(processes) == 1 else min(processes, key=_age, default=None)
    kernel = not eldest and (held.state == CLOSING or held in census.kernel_owned)
    uid = eldest.uid if eldest else None if kernel else held.uid
    return Holder(
        addresses=(address,),
        protocol=held.protocol,
        state=held.state,
        process=eldest,
        processes=processes,
        uid=uid,
        user=eldest.user if eldest else None if uid is None else census.users.get(uid),
        interface=device and printable(device),
        peer=held.peer,
        hidden=not eldest and not kernel,
        kernel=kernel,
        seconds_left=held.seconds_left,
    )


def _age(process: Process) -> tuple[float, int]:
    return process.started or 0.0, process.pid


def redirected(redirect: Redirect, state: str, protocol: str) -> Holder:
    """A NAT rule: no process, and its target for a peer."""
    return Holder(addresses=(), protocol=protocol, state=state, peer=redirect.target, kernel=True, redirect=redirect)


def unidentified(state: str, protocol: str) -> Holder:
    """Something that bind(2) meets and that neither the table nor /proc shows."""
    return Holder(addresses=(), protocol=protocol, state=state, hidden=True)
