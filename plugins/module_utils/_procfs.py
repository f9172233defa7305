# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The socket table from /proc/net/{tcp,tcp6,udp,udp6}, as proc_pid_net(5) describes it."""

from __future__ import annotations

import os
import struct

from ansible_collections.preflight.ports.plugins.module_utils._addresses import Endpoint
from ansible_collections.preflight.ports.plugins.module_utils._probe import host_has_ipv6
from ansible_collections.preflight.ports.plugins.module_utils._sockets import Socket, SourceError, peer_name, state_of


def read(protocol: str, first: int, last: int, states: frozenset[str], folder: str = "/proc/net") -> list[Socket]:
    """The sockets on ports *first* to *last*, whatever their state; these files lack bound-only TCP sockets.

    Raises SourceError.
    """
    return [
        parse(line, protocol)
        for name in (protocol, protocol + "6")
        for line in _rows(os.path.join(folder, name))
        if first <= _port(line) <= last
    ]


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


def _port(line: bytes) -> int:
    try:
        return int(line.split(None, 2)[1].split(b":")[1], 16)
    except (IndexError, ValueError) as error:
        raise _malformed(line) from error


def parse(line: bytes, protocol: str) -> Socket:
    """One row: ``sl local remote state queues timer retransmits uid timeout inode ...``. Raises SourceError."""
    fields = line.split()
    try:
        address, port = _end(fields[1])
        peer_address, peer_port = _end(fields[2])
        state, uid, inode = int(fields[3], 16), int(fields[7]), int(fields[9])
    except (IndexError, ValueError, struct.error) as error:
        raise _malformed(line) from error
    return Socket(
        protocol=protocol,
        endpoint=Endpoint(address),
        port=port,
        state=state_of(protocol, state, inode),
        inode=inode,
        uid=uid,
        peer=peer_name(peer_address, peer_port) if peer_port else None,
    )


def _end(text: bytes) -> tuple[bytes, int]:
    """``0100007F:0050`` -> (packed address, port). Each 32-bit word is written in the machine's byte order."""
    address, separator, port = text.partition(b":")
    if not separator or len(address) not in (8, 32) or len(port) != 4:
        raise ValueError(text)
    words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
    return struct.pack(f"={len(words)}I", *words), int(port, 16)


def _malformed(line: bytes) -> SourceError:
    return SourceError(f"a malformed row: {line[:80]!r}")
