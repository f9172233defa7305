# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The socket table from the kernel itself: NETLINK_SOCK_DIAG, as sock_diag(7) and linux/inet_diag.h describe it."""

from __future__ import annotations

import os
import re
import socket
import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._addresses import Endpoint
from ansible_collections.preflight.ports.plugins.module_utils._sockets import (
    TCP,
    TCP_LISTEN,
    UDP,
    Socket,
    SourceError,
    peer_name,
    state_of,
)

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST, _NLM_F_DUMP, _NLM_F_DUMP_INTR = 0x1, 0x300, 0x10
_NLMSG_ERROR, _NLMSG_DONE, _NLMSG_OVERRUN = 2, 3, 4
_INET_DIAG_REQ_BYTECODE = 1
_INET_DIAG_SKV6ONLY = 11
_BC_S_GE, _BC_S_LE = 2, 3
_EVERY_STATE = 0xFFFFFFFF

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port id
_REQUEST = struct.Struct("=BBBxI48x")  # inet_diag_req_v2: family, protocol, extensions, states, an empty socket id
_MESSAGE = struct.Struct("=BBxx2s2s16s16sI8x12xII")  # inet_diag_msg: see _socket()
_ATTRIBUTE = struct.Struct("=HH")  # nlattr: length, type
_CODE = struct.Struct("=i")

_RECEIVE_BYTES = 1 << 16  # the kernel fills at most 32 KiB for one part of a dump
_PATIENCE_SECONDS = 5.0
_ATTEMPTS = 5


class _Interrupted(Exception):
    """The table changed while the kernel wrote it (NLM_F_DUMP_INTR)."""


def shows_bound() -> bool:
    """Whether the kernel lists TCP sockets that are bound but don't listen: from 6.8 on (TCP_BOUND_INACTIVE)."""
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return version is not None and (int(version[1]), int(version[2])) >= (6, 8)


def read(protocol: str, first: int, last: int, every_state: bool) -> list[Socket]:
    """The sockets on ports *first* to *last*: for TCP those that listen, unless *every_state* is asked for.

    The kernel walks its short list of listeners for the one, all connections for the other. Raises SourceError.
    """
    states = 1 << TCP_LISTEN if protocol == TCP and not every_state else _EVERY_STATE
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as channel:
            channel.settimeout(_PATIENCE_SECONDS)
            return [
                found
                for family in (socket.AF_INET, socket.AF_INET6)
                for found in _dump(channel, _request(family, protocol, states, first, last), protocol)
                if first <= found.port <= last
            ]
    except OSError as error:
        raise SourceError(f"netlink: {error.strerror or error}") from error


def _request(family: int, protocol: str, states: int, first: int, last: int) -> bytes:
    number = {TCP: socket.IPPROTO_TCP, UDP: socket.IPPROTO_UDP}[protocol]
    body = _REQUEST.pack(family, number, 0, states) + _port_filter(first, last)
    return _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST | _NLM_F_DUMP, 1, 0) + body


def _port_filter(first: int, last: int) -> bytes:
    """Bytecode for the kernel: pass sockets with *first* <= source port <= *last*.

    Each of the two comparisons is an operation (code, offset if true, offset if false) and its operand. A false one
    jumps behind the end, which rejects.
    """
    code = struct.pack("=BBHBBH", _BC_S_GE, 8, 20, 0, 0, first) + struct.pack("=BBHBBH", _BC_S_LE, 8, 12, 0, 0, last)
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(code), _INET_DIAG_REQ_BYTECODE) + code


def _dump(channel: socket.socket, request: bytes, protocol: str) -> list[Socket]:
    for _attempt in range(_ATTEMPTS):
        channel.send(request)
        try:
            return list(_answer(channel, protocol))
        except _Interrupted:
            continue
    raise SourceError(f"netlink: the table changed during each of {_ATTEMPTS} dumps")


def _answer(channel: socket.socket, protocol: str) -> t.Iterator[Socket]:
    """One whole dump, which comes in parts of several messages each."""
    interrupted = False
    while True:
        part, _ancillary, flags, _sender = channel.recvmsg(_RECEIVE_BYTES)
        if flags & socket.MSG_TRUNC:
            raise SourceError("netlink: a part of the answer was cut off")
        for kind, message_flags, payload in messages(part):
            interrupted = interrupted or bool(message_flags & _NLM_F_DUMP_INTR)
            if kind == _NLMSG_DONE:
                if interrupted:
                    raise _Interrupted
                return
            yield parse(payload, protocol)


def messages(part: bytes) -> t.Iterator[tuple[int, int, bytes]]:
    """Split what one recv(2) gave into (type, flags, payload). Raises SourceError on anything but table rows."""
    offset = 0
    while offset < len(part):
        if len(part) - offset < _HEADER.size:
            raise SourceError("netlink: a message without a whole header")
        length, kind, flags, _sequence, _port = _HEADER.unpack_from(part, offset)
        if not _HEADER.size <= length <= len(part) - offset:
            raise SourceError(f"netlink: a message of {length} bytes where {len(part) - offset} are left")
        payload = part[offset + _HEADER.size : offset + length]
        if kind in (_NLMSG_ERROR, _NLMSG_DONE) and len(payload) >= _CODE.size:
            (code,) = _CODE.unpack_from(payload)
            if code or kind == _NLMSG_ERROR:
                raise SourceError(f"netlink: the kernel refused the dump: {os.strerror(abs(code))}")
        elif kind not in (_NLMSG_DONE, _SOCK_DIAG_BY_FAMILY):
            raise SourceError(f"netlink: a message of the unexpected type {kind}")
        yield kind, flags, payload
        offset += length + 3 & ~3


def parse(payload: bytes, protocol: str) -> Socket:
    """One inet_diag_msg and its attributes. Raises SourceError."""
    if len(payload) < _MESSAGE.size:
        raise SourceError(f"netlink: a table row of {len(payload)} bytes, {_MESSAGE.size} are the least")
    family, state, port, peer_port, source, destination, index, uid, inode = _MESSAGE.unpack_from(payload)
    if family not in (socket.AF_INET, socket.AF_INET6):
        raise SourceError(f"netlink: a table row of the unexpected address family {family}")
    size = 4 if family == socket.AF_INET else 16
    peer_number = int.from_bytes(peer_port, "big")
    return Socket(
        protocol=protocol,
        endpoint=Endpoint(
            source[:size],
            v6only=_v6only(payload) if family == socket.AF_INET6 else None,
            interface=_interface(index),
        ),
        port=int.from_bytes(port, "big"),
        state=state_of(protocol, state, inode),
        inode=inode,
        uid=uid,
        peer=peer_name(destination[:size], peer_number) if peer_number else None,
    )


def _v6only(payload: bytes) -> bool | None:
    offset = _MESSAGE.size
    while offset + _ATTRIBUTE.size <= len(payload):
        length, kind = _ATTRIBUTE.unpack_from(payload, offset)
        if not _ATTRIBUTE.size <= length <= len(payload) - offset:
            raise SourceError(f"netlink: an attribute of {length} bytes where {len(payload) - offset} are left")
        if kind == _INET_DIAG_SKV6ONLY and length > _ATTRIBUTE.size:
            return payload[offset + _ATTRIBUTE.size] != 0
        offset += length + 3 & ~3
    return None


def _interface(index: int) -> str | None:
    if not index:
        return None
    try:
        return socket.if_indextoname(index)
    except OSError:  # the device went away, and the socket stays bound to its number
        return f"#{index}"
