# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The socket table from psutil: for targets other than Linux, and as an outside witness on Linux."""

from __future__ import annotations

import os
import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    LISTENING,
    Endpoint,
    Socket,
    SourceError,
    peer_name,
    v6only_of,
)
from ansible_collections.preflight.ports.plugins.module_utils._table.bound_only import Bound

try:
    import psutil
except ImportError:
    HAS_PSUTIL = False
else:
    HAS_PSUTIL = True

_DYING = ("TIME_WAIT", "FIN_WAIT1", "FIN_WAIT2", "LAST_ACK", "CLOSING")


def read(protocol: str, first: int, last: int, states: frozenset[str]) -> list[Socket]:
    """The sockets on ports *first* to *last* whatever their state. Raises SourceError."""
    if not HAS_PSUTIL:
        from ansible.module_utils import basic

        raise SourceError(str(basic.missing_required_lib("psutil")))  # type: ignore[no-untyped-call]
    try:
        rows = [
            (_socket(protocol, connection, pid), pid)
            for connection, pid in _connections(protocol)
            if connection.laddr and first <= connection.laddr.port <= last
        ]
    except (psutil.Error, OSError, RuntimeError, ValueError) as error:
        raise SourceError(str(error)) from error
    # psutil has no order, and holders are named in that of their sockets.
    return sorted(_once_each(rows), key=lambda held: (held.port, len(held.endpoint.address), held.endpoint.address))


def _connections(protocol: str) -> t.Iterator[tuple[t.Any, int | None]]:
    try:
        for connection in psutil.net_connections(protocol):
            yield connection, connection.pid
    except psutil.AccessDenied:  # macOS shows the whole table to root alone
        for process in psutil.process_iter():
            try:
                own = getattr(process, "net_connections", None) or process.connections  # the name before psutil 6
                for own_connection in own(protocol):
                    yield own_connection, process.pid
            except psutil.Error:
                continue


def _socket(protocol: str, connection: t.Any, pid: int | None) -> Socket:
    family = socket.AF_INET6 if connection.family == socket.AF_INET6 else socket.AF_INET
    peer = connection.raddr
    address, state = _packed(family, connection.laddr.ip), _state(connection, pid)
    return Socket(
        protocol=protocol,
        endpoint=Endpoint(address, v6only_of(address, state)),
        port=connection.laddr.port,
        state=state,
        inode=_inode(pid, connection.fd) if pid else 0,
        peer=peer_name(_packed(family, peer.ip), peer.port) if peer else None,
    )


def _packed(family: int, text: str) -> bytes:
    return socket.inet_pton(family, text.partition("%")[0])


def _state(connection: t.Any, pid: int | None) -> str:
    if connection.status == psutil.CONN_LISTEN:
        return LISTENING
    if not connection.raddr:
        return BOUND
    return CLOSING if connection.status in _DYING and pid is None else CONNECTED


def _inode(pid: int, descriptor: int) -> int:
    """Linux tells which rows of different processes are one socket; elsewhere there is nothing to ask: 0."""
    try:
        return int(os.readlink(f"/proc/{pid}/fd/{descriptor}").partition("[")[2].rstrip("]"))
    except (OSError, ValueError):
        return 0


def _once_each(rows: list[tuple[Socket, int | None]]) -> list[Socket]:
    """psutil writes a socket once for each process that has it; here it is one, with all their pids."""
    pids: dict[Socket, list[int]] = {}
    for found, pid in rows:
        pids.setdefault(found._replace(pids=()), []).extend([pid] if pid else [])
    return [found._replace(pids=tuple(sorted(set(owners)))) for found, owners in pids.items()]


def find_bound(_listed: t.Container[int]) -> Bound:
    """Other kernels list bound-only sockets like any others, those of all processes to the administrator."""
    return Bound([], os.geteuid() == 0)
