# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dumps over netlink(7): the framing of messages and attributes, whatever they are about."""

from __future__ import annotations

import os
import socket
import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError

_NLM_F_REQUEST, _NLM_F_DUMP, _NLM_F_DUMP_INTR = 0x1, 0x300, 0x10
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLA_TYPE_MASK = 0x3FFF  # the two bits above are flags

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port id
_ATTRIBUTE = struct.Struct("=HH")  # nlattr: length, type
_MAX_ERRNO = 4095
_CODE = struct.Struct("=i")

_RECEIVE_BYTES = 1 << 16  # the kernel fills at most 32 KiB for one part of a dump
_PATIENCE_SECONDS = 5.0
_ATTEMPTS = 5


class _InterruptedError(Exception):
    """What is dumped changed while the kernel wrote it (NLM_F_DUMP_INTR)."""


def dump(protocol: int, request_kind: int, answer_kind: int, body: bytes) -> list[bytes]:
    """The payloads of a whole dump, which comes in parts of several messages each. Raises SourceError."""
    request = _HEADER.pack(_HEADER.size + len(body), request_kind, _NLM_F_REQUEST | _NLM_F_DUMP, 1, 0) + body
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as channel:
            channel.settimeout(_PATIENCE_SECONDS)
            for _attempt in range(_ATTEMPTS):
                channel.send(request)
                try:
                    return list(_payloads(channel, answer_kind))
                except _InterruptedError:
                    continue
    except AttributeError as error:
        raise SourceError("this system has no netlink") from error
    except OSError as error:
        raise SourceError(error.strerror or str(error)) from error
    raise SourceError(f"the table changed during each of {_ATTEMPTS} dumps")


def _payloads(channel: socket.socket, answer_kind: int) -> t.Iterator[bytes]:
    interrupted = False
    while True:
        part, _ancillary, flags, _sender = channel.recvmsg(_RECEIVE_BYTES)
        if not part or flags & socket.MSG_TRUNC:
            raise SourceError("a part of the answer was cut off")
        for kind, message_flags, payload in messages(part, answer_kind):
            interrupted = interrupted or bool(message_flags & _NLM_F_DUMP_INTR)
            if kind == _NLMSG_DONE:
                if interrupted:
                    raise _InterruptedError
                return
            yield payload


def messages(part: bytes, answer_kind: int) -> t.Iterator[tuple[int, int, bytes]]:
    """Split what one recv(2) gave into (type, flags, payload). Raises SourceError on all but answers and their end."""
    offset = 0
    while offset < len(part):
        if len(part) - offset < _HEADER.size:
            raise SourceError("a message without a whole header")
        length, kind, flags, _sequence, _port = _HEADER.unpack_from(part, offset)
        if not _HEADER.size <= length <= len(part) - offset:
            raise SourceError(f"a message of {length} bytes where {len(part) - offset} are left")
        payload = part[offset + _HEADER.size : offset + length]
        if kind in (_NLMSG_ERROR, _NLMSG_DONE):
            _raise_refusal(kind, payload)
        elif kind != answer_kind:
            raise SourceError(f"a message of the unexpected type {kind}")
        yield kind, flags, payload
        offset += _aligned(length)


def _raise_refusal(kind: int, payload: bytes) -> None:
    """Both kinds carry an error number; an end without one is a good end."""
    code = _CODE.unpack_from(payload)[0] if len(payload) >= _CODE.size else 0
    if code or kind == _NLMSG_ERROR:
        reason = os.strerror(-code) if -_MAX_ERRNO <= code < 0 else str(code)
        raise SourceError(f"the kernel refused the dump: {reason}") from OSError(-code, reason)


def attributes(payload: bytes, offset: int = 0) -> t.Iterator[tuple[int, bytes]]:
    """The (type, value) pairs from *offset* on. Raises SourceError."""
    while offset + _ATTRIBUTE.size <= len(payload):
        length, kind = _ATTRIBUTE.unpack_from(payload, offset)
        if not _ATTRIBUTE.size <= length <= len(payload) - offset:
            raise SourceError(f"an attribute of {length} bytes where {len(payload) - offset} are left")
        yield kind & _NLA_TYPE_MASK, payload[offset + _ATTRIBUTE.size : offset + length]
        offset += _aligned(length)


def attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value


def _aligned(length: int) -> int:
    return length + 3 & ~3
