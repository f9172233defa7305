# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control socket of a responder: an abstract UNIX socket, so no file, whose name only the token tells (unix(7))."""

from __future__ import annotations

import json
import os
import socket
import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._reach import wire

_LENGTH = struct.Struct("!I")
_PROOF_BYTES = 32
_MOST_BYTES = 64 << 20
_SECONDS = 20.0


class ControlError(Exception):
    """Whoever has the control socket is not the responder of this token, or does not answer."""


def _name(token: str, name: str) -> str:
    return "\0preflight.ports-" + wire.proof(token, b"control", name.encode("utf-8", "surrogatepass")).hex()[:32]


def listen(token: str, name: str) -> socket.socket:
    """Raises OSError, EADDRINUSE if a responder of this token and name runs here already."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(_name(token, name))
        sock.listen(8)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def stop(token: str, name: str) -> dict[str, t.Any] | None:
    """Stops the responder; its report once its process has ended, None if there is none. Raises ControlError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_SECONDS)
        try:
            sock.connect(_name(token, name))
        except ConnectionRefusedError:
            return None
        try:
            nonce = _exactly(sock, wire.NONCE_BYTES)
            sock.sendall(wire.proof(token, b"stop", nonce))
            (length,) = _LENGTH.unpack(_exactly(sock, _LENGTH.size))
            if length > _MOST_BYTES:
                raise ControlError("the report of the responder is too long")
            proof, content = _exactly(sock, _PROOF_BYTES), _exactly(sock, length)
            if not wire.same(proof, wire.proof(token, b"report", nonce, content)):
                raise ControlError("the report is not the responder's own")
            while sock.recv(1):  # the kernel closes it when the process is gone
                pass
        except OSError as error:
            raise ControlError(f"the responder does not answer: {error.strerror or error}") from error
    report: dict[str, t.Any] = json.loads(content)
    return report


def _exactly(sock: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = sock.recv(min(65536, size - len(parts)))
        if not part:
            raise OSError(os.strerror(104))
        parts += part
    return bytes(parts)
