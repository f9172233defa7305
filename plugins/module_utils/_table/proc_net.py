# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The socket table from /proc/net/{tcp,tcp6,udp,udp6}, as proc_pid_net(5) describes it."""

from __future__ import annotations

import errno
import os
import re
import socket
import struct

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    Endpoint,
    Socket,
    SourceError,
    peer_name,
    state_of,
    v6only_of,
)

_END = rb"([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})"
# sl, local end, remote end, state, queues, timer, retransmits, uid, timeout, inode
_ROW = re.compile(rb"\s*\d+: " + _END + rb" " + _END + rb" ([0-9A-F]{2}) \S+ \S+ \S+ +(\d{1,20}) +\d+ (\d{1,20}) ")


def read(protocol: str, first: int, last: int, states: frozenset[str], folder: str = "/proc/net") -> list[Socket]:
    """The sockets on ports *first* to *last*, whatever their state; these files lack bound-only TCP sockets.

    Raises SourceError.
    """
    rows = [row for name in (protocol, protocol + "6") for row in map(_matched, _rows(os.path.join(folder, name)))]
    return [_socket(row, protocol) for row in rows if first <= int(row[2], 16) <= last]


def _rows(path: str) -> list[bytes]:
    try:
        with open(path, "rb") as table:
            header, *rows = table.read().splitlines() or [b""]
    except FileNotFoundError as error:
        if path.endswith("6") and not host_has_ipv6():
            return []
        raise SourceError(f"{path} does not exist") from error
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    if not header:
        raise SourceError(f"{path} is empty")
    return rows


def host_has_ipv6() -> bool:
    """Whether the kernel makes IPv6 sockets at all; when in doubt, yes."""
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()
    except OSError as error:
        return error.errno != errno.EAFNOSUPPORT
    return True


def _matched(line: bytes) -> re.Match[bytes]:
    row = _ROW.match(line)
    if not row:
        raise SourceError(f"a malformed row: {line[:80]!r}")
    return row


def _socket(row: re.Match[bytes], protocol: str) -> Socket:
    packed, port, peer_address, peer_port, number, uid, inode = row.groups()
    address, state = _packed(packed), state_of(protocol, int(number, 16), int(inode))
    return Socket(
        protocol=protocol,
        endpoint=Endpoint(address, v6only_of(address, state)),
        port=int(port, 16),
        state=state,
        inode=int(inode),
        uid=int(uid),
        peer=peer_name(_packed(peer_address), int(peer_port, 16)) if int(peer_port, 16) else None,
    )


def _packed(text: bytes) -> bytes:
    """Each 32-bit word of an address is written in the machine's byte order."""
    return b"".join(struct.pack("=I", int(text[start : start + 8], 16)) for start in range(0, len(text), 8))
