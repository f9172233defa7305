# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel refuses NETLINK_SOCK_DIAG, or answers it badly: another source is asked, and nothing is called free."""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any, Callable, List, Tuple

import pytest
from faults.seccomp import refuse_socket
from support.apart import in_network
from support.people import listener, port_of
from support.running import check, conflict

NETLINK_SOCK_DIAG = 4
HEADER = struct.Struct("=IHHII")
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_DUMP_INTR = 0x10

Received = Tuple[bytes, List[Any], int, Any]
Tamper = Callable[["Tampered", Received], Received]


class Tampered(socket.socket):
    """Netlink channels of the real kernel, whose answers are changed on the way."""

    tamper: Tamper
    sent = 0

    def send(self, *arguments: Any) -> int:
        Tampered.sent += self.family == socket.AF_NETLINK
        return super().send(*arguments)

    def recvmsg(self, *arguments: Any) -> Received:
        received = super().recvmsg(*arguments)
        return Tampered.tamper(self, received) if self.family == socket.AF_NETLINK else received


def with_answers(tamper: Tamper, **options: Any) -> dict[str, Any]:
    """The module's result on a port that is listened on, without the second witness."""

    def scene() -> dict[str, Any]:
        server = listener()
        Tampered.tamper = tamper
        socket.socket = Tampered  # type: ignore[misc]
        return check([port_of(server)], probe=False, **options)

    return in_network(scene)


def replaced(part: bytes, kind: int, payload: bytes) -> bytes:
    """The part with a message of this kind in the place of its end."""
    rows = part[: end_of(part)]
    return rows + HEADER.pack(HEADER.size + len(payload), kind, 0, 1, 0) + payload


def end_of(part: bytes) -> int:
    """Where the message that ends the dump begins; the length of the part when it has none."""
    offset = 0
    while offset < len(part):
        length, kind = HEADER.unpack_from(part, offset)[:2]
        if kind == NLMSG_DONE:
            break
        offset += length + 3 & ~3
    return offset


def of_another_kind(part: bytes) -> bytes:
    """The same rows, but not as an answer to what was asked."""
    changed = bytearray(part)
    offset = 0
    while offset < end_of(part):
        length, kind, *rest = HEADER.unpack_from(part, offset)
        HEADER.pack_into(changed, offset, length, kind + 1, *rest)
        offset += length + 3 & ~3
    return bytes(changed)


def refusal(kind: int) -> Tamper:
    """The kernel runs out of memory after the first rows."""
    return lambda _channel, received: (replaced(received[0], kind, struct.pack("=i", -errno.ENOMEM)), *received[1:])


def emptied(channel: Tampered, received: Received, flags: int = 0) -> Received:
    """The end of the dump alone, as if there were no sockets."""
    part = received[0]
    while end_of(part) == len(part):
        part = socket.SocketType.recvmsg(channel, 1 << 16)[0]
    length, kind, old_flags, sequence, port = HEADER.unpack_from(part, end_of(part))
    end = HEADER.pack(length, kind, old_flags | flags, sequence, port) + part[end_of(part) + HEADER.size :]
    return (end, *received[1:])


def silence(channel: Tampered, received: Received) -> Received:
    while True:
        socket.SocketType.recvmsg(channel, 1 << 16)


def test_a_refused_socket_turns_to_procfs() -> None:
    def scene() -> tuple[dict[str, Any], dict[str, Any]]:
        server = listener()
        refuse_socket(errno.EPERM, {0: socket.AF_NETLINK, 2: NETLINK_SOCK_DIAG})
        return tuple(check([port_of(server)], probe=False, source=source) for source in ("auto", "netlink"))  # type: ignore[return-value]

    auto, netlink = in_network(scene)
    assert auto["source"] == "procfs"
    assert conflict(auto)["state"] == "listening"
    assert_no_verdict(netlink, "netlink")


BAD_ANSWERS: dict[str, Tamper] = {
    "an error after the first rows": refusal(NLMSG_ERROR),
    "an end that is an error": refusal(NLMSG_DONE),
    "a part that was cut off": lambda channel, received: (*emptied(channel, received)[:2], socket.MSG_TRUNC, None),
    "a row cut in the middle": lambda _channel, received: (received[0][:40], *received[1:]),
    "rows of another kind": lambda _channel, received: (of_another_kind(received[0]), *received[1:]),
    "nothing": lambda _channel, received: (b"", *received[1:]),
    "silence": silence,
    "a table that never stays the same": lambda channel, received: emptied(channel, received, NLM_F_DUMP_INTR),
}


@pytest.mark.parametrize("tamper", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_a_bad_answer_turns_to_procfs(tamper: Tamper) -> None:
    result = with_answers(tamper)
    assert result["source"] == "procfs"
    assert conflict(result)["state"] == "listening"
    assert_no_verdict(with_answers(tamper, source="netlink"), "netlink")


def test_an_interrupted_dump_is_asked_again() -> None:
    def scene() -> tuple[dict[str, Any], int]:
        server = listener()
        Tampered.tamper = lambda channel, received: (
            emptied(channel, received, NLM_F_DUMP_INTR) if Tampered.sent == 1 else received
        )
        socket.socket = Tampered  # type: ignore[misc]
        return check([port_of(server)], probe=False, source="netlink"), Tampered.sent

    def undisturbed() -> int:
        server = listener()
        Tampered.tamper = lambda channel, received: received
        socket.socket = Tampered  # type: ignore[misc]
        check([port_of(server)], probe=False, source="netlink")
        return Tampered.sent

    result, sent = in_network(scene)
    assert conflict(result)["state"] == "listening"
    assert sent == in_network(undisturbed) + 1


def assert_no_verdict(result: dict[str, Any], source: str) -> None:
    assert result.get("failed")
    assert source in result["msg"]
    assert result["ports"] == []
