# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The socket table from the kernel itself: NETLINK_SOCK_DIAG, as sock_diag(7) and linux/inet_diag.h describe it."""

from __future__ import annotations

import functools
import operator
import os
import re
import socket
import struct

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attribute, attributes, dump
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    LISTENING,
    PROTOCOL_NUMBERS,
    TCP,
    TCP_BOUND_INACTIVE,
    TCP_CLOSE,
    TCP_LISTEN,
    UDP,
    Endpoint,
    Socket,
    SourceError,
    peer_name,
    state_of,
)

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_INET_DIAG_REQ_BYTECODE = 1
_INET_DIAG_SKV6ONLY = 11
_BC_S_GE, _BC_S_LE = 2, 3
_TIMER_TIME_WAIT = 3
_ALL = 0xFFFFFFFF
_LISTEN, _BOUND = 1 << TCP_LISTEN, 1 << TCP_CLOSE | 1 << TCP_BOUND_INACTIVE
_OTHERS = _ALL & ~_LISTEN & ~_BOUND  # connections, of which only parse() can tell whether they are closing
_STATES = {LISTENING: _LISTEN, BOUND: _BOUND, CONNECTED: _OTHERS, CLOSING: _OTHERS}

_REQUEST = struct.Struct("=BBBxI48x")  # inet_diag_req_v2: family, protocol, extensions, states, an empty socket id
_MESSAGE = struct.Struct("=BBBx2s2s16s16sI8xI8xII")  # inet_diag_msg: as parse() takes it apart


def shows_bound() -> bool:
    """Whether the kernel lists TCP sockets that are bound but don't listen: from 6.8 on (TCP_BOUND_INACTIVE)."""
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return version is not None and (int(version[1]), int(version[2])) >= (6, 8)


def read(protocol: str, first: int, last: int, states: frozenset[str]) -> list[Socket]:
    """The sockets on ports *first* to *last*: TCP in the *states*, all of UDP. Raises SourceError.

    The kernel walks its short list of listeners for those, its tables of all connections for any other state.
    """
    mask = functools.reduce(operator.or_, map(_STATES.__getitem__, states), 0) if protocol == TCP else _ALL
    port_filter = attribute(_INET_DIAG_REQ_BYTECODE, _port_range(first, last))
    sockets = [
        found
        for family in (socket.AF_INET, socket.AF_INET6)
        for payload in dump(
            _NETLINK_SOCK_DIAG,
            _SOCK_DIAG_BY_FAMILY,
            _SOCK_DIAG_BY_FAMILY,
            _REQUEST.pack(family, PROTOCOL_NUMBERS[protocol], 0, mask) + port_filter,
        )
        for found in [parse(payload, protocol)]
        if first <= found.port <= last
    ]
    if protocol == UDP or not any(held.endpoint.interface for held in sockets):
        return sockets
    from ansible_collections.preflight.ports.plugins.module_utils._kernel import links

    return links.with_vrfs(sockets)


def _port_range(first: int, last: int) -> bytes:
    """Bytecode for the kernel: pass sockets with *first* <= source port <= *last*.

    Each of the two comparisons is an operation (code, offset if true, offset if false) and its operand. A false one
    jumps behind the end, which rejects.
    """
    return struct.pack("=BBHBBH", _BC_S_GE, 8, 20, 0, 0, first) + struct.pack("=BBHBBH", _BC_S_LE, 8, 12, 0, 0, last)


def parse(payload: bytes, protocol: str) -> Socket:
    """One inet_diag_msg and its attributes. Raises SourceError."""
    if len(payload) < _MESSAGE.size:
        raise SourceError(f"a table row of {len(payload)} bytes, {_MESSAGE.size} are the least")
    (family, state, timer, port, peer_port, source, destination, index, expires, uid, inode) = _MESSAGE.unpack_from(
        payload
    )
    if family not in (socket.AF_INET, socket.AF_INET6):
        raise SourceError(f"a table row of the unexpected address family {family}")
    size = 4 if family == socket.AF_INET else 16
    peer_number = int.from_bytes(peer_port, "big")
    known = state_of(protocol, state, inode)
    return Socket(
        protocol=protocol,
        endpoint=_endpoint(source[:size], _v6only(payload) if family == socket.AF_INET6 else None, _interface(index)),
        port=int.from_bytes(port, "big"),
        state=known,
        inode=inode,
        uid=uid,
        # A connection that failed leaves its peer with a socket that has none any more.
        peer=peer_name(destination[:size], peer_number) if peer_number and known != BOUND else None,
        seconds_left=expires // 1000 + 1 if timer == _TIMER_TIME_WAIT else None,
    )


@functools.lru_cache(maxsize=1024)  # of many connections, most have the same local address
def _endpoint(address: bytes, v6only: bool | None, interface: str | None) -> Endpoint:
    return Endpoint(address, v6only, interface)


def _v6only(payload: bytes) -> bool | None:
    for kind, value in attributes(payload, _MESSAGE.size):
        if kind == _INET_DIAG_SKV6ONLY and value:
            return value[0] != 0
    return None


def _interface(index: int) -> str | None:
    if not index:
        return None
    try:
        return socket.if_indextoname(index)
    except OSError:  # the device went away, and the socket stays bound to its number
        return f"#{index}"
