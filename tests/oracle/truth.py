# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel says, asked by processes that have no part in the world.

Nothing here knows bind(2)'s rules: even whether two addresses overlap is found out by binding them.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import socket
from typing import Any, Callable, NamedTuple, Sequence

from oracle.scene import EPHEMERAL, KINDS, NO_TIME_WAIT, Shape, family_of, shape_of
from support.sandbox import DEVICES, become

IP_FREEBIND = 15
IPV6_FREEBIND = 78

LISTENS = "0A"  # in /proc/net/tcp
SCRATCH = EPHEMERAL - 1  # no world uses this port, nor the one before

HERE_4 = ["127.0.0.1", "127.0.0.2", *(pair[0] for pair in DEVICES.values())]
HERE_6 = ["::1", *(pair[1] for pair in DEVICES.values())]
WILDCARDS = {"0.0.0.0": HERE_4, "::ffff:0.0.0.0": HERE_4, "::": HERE_6 + HERE_4}


class Ask(NamedTuple):
    """A requirement, with the port that it came to."""

    protocol: str
    address: str | None
    port: int
    count: int
    want: str
    interface: str | None = None
    later: bool = False  # whether the address may come later
    allowed: tuple[int, ...] | None = None  # the holders that held_by names

    def ports(self) -> range:
        return range(self.port, self.port + self.count)

    def literals(self) -> list[str]:
        """The addresses to which a client may turn."""
        return WILDCARDS.get(self.address, [self.address]) if self.address else HERE_4 + HERE_6


def in_child(question: Callable[[], Any], user: str | None = None) -> Any:
    """The answer that a process of its own gets, which shares no socket with us."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if user:
                become(user)
            with os.fdopen(theirs, "w") as pipe:
                json.dump(question(), pipe)
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return json.loads(answer)


def read(asks: Sequence[Ask]) -> list[list[list[str]]]:
    """For every port of every ask, and each of the sockets that a server opens: "", or the name of the error."""
    return in_child(lambda: [[_start(ask, port) for port in ask.ports()] for ask in asks])


def connections() -> set[tuple[int, str, bool]]:
    """Port and local address of every connection over TCP, and whether a process has it."""
    found = set()
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}", encoding="ascii") as file:
            for row in [line.split() for line in file][1:]:
                if row[3] != LISTENS:
                    address, port = row[1].split(":")
                    found.add((int(port, 16), address, row[9] != "0"))
    return found


def visible(pids: Sequence[int], user: str | None) -> list[int]:
    """Those of the processes whose descriptors the user may read."""

    def readable(pid: int) -> bool:
        try:
            os.readlink(f"/proc/{pid}/fd/0")
        except PermissionError:
            return False
        return True

    return in_child(lambda: [pid for pid in pids if readable(pid)], user)


def _servers(address: str | None) -> list[tuple[str, bool]]:
    """The sockets, as address and IPV6_V6ONLY, that a server opens for what is asked."""
    return [("0.0.0.0", False), ("::", True)] if address is None else [(address, False)]


def _start(ask: Ask, port: int) -> list[str]:
    with contextlib.ExitStack() as sockets:
        return [_open(ask, port, *server, sockets) for server in _servers(ask.address)]


def _open(ask: Ask, port: int, literal: str, v6only: bool, sockets: contextlib.ExitStack) -> str:
    try:
        server = sockets.enter_context(_socket(ask.protocol, literal, v6only))
        if ask.protocol == "tcp":
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _set_device(server, ask.interface)
        if ask.later:
            _set_freebind(server)
        server.bind((literal, port))
        if ask.protocol == "tcp":
            server.listen(1)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return ""


def is_absent(ask: Ask) -> bool:
    """Whether a server cannot have the address on any port."""
    return "EADDRNOTAVAIL" in _start(ask, SCRATCH)


@functools.lru_cache(maxsize=None)
def overlaps(shape: Shape, address: str | None, interface: str | None) -> list[bool]:
    """Of each socket that a server opens: is one of this shape in its way when neither has set an option that helps?"""
    with contextlib.ExitStack() as sockets:
        _twin(shape, sockets)
        return [_refused(shape.protocol, *server, interface) for server in _servers(address)]


@functools.lru_cache(maxsize=None)
def serves(shape: Shape, address: str | None) -> bool:
    """Whether a server of this shape, on no device, takes what is sent to the address from this host.

    For a wildcard: to every address of the host that it stands for; for none: to any.
    """
    if address is None:
        return True
    wanted = WILDCARDS.get(address, [address])
    with contextlib.ExitStack() as sockets:
        server = sockets.enter_context(_socket(shape.protocol, shape.address, shape.v6only))
        _freebind(server, shape.address)
        if shape.protocol == "tcp":
            server.listen(len(wanted))
        server.settimeout(0.2)
        return all(_reaches(server, literal) for literal in wanted)


def _reaches(server: socket.socket, address: str) -> bool:
    protocol = "tcp" if server.type == socket.SOCK_STREAM else "udp"
    with _socket(protocol, address, False) as client:
        try:
            client.connect((address, SCRATCH))
            if protocol == "tcp":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_TIME_WAIT)
            else:
                client.send(b"?")
                server.recv(1)
        except OSError:
            return False
    return True


def _twin(shape: Shape, sockets: contextlib.ExitStack) -> None:
    bound = sockets.enter_context(_socket(shape.protocol, shape.address, shape.v6only))
    _set_device(bound, shape.device)
    _freebind(bound, shape.address)
    if shape_of(shape.protocol, bound) == shape:
        return
    # bind() to an IPv6 literal made it IPv6-only, which a connection that came to the same address need not be
    bound.close()
    bound = sockets.enter_context(_socket(shape.protocol, "::", shape.v6only))
    bound.bind(("::", SCRATCH))
    if shape.protocol == "tcp":
        listener = sockets.enter_context(_socket("tcp", shape.address, True))
        listener.bind((shape.address, SCRATCH - 1))
        listener.listen(1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_TIME_WAIT)
    bound.connect((shape.address, SCRATCH - 1))
    _set_device(bound, shape.device)
    if shape_of(shape.protocol, bound) != shape:
        raise RuntimeError(f"no twin of {shape}")


def _set_device(sock: socket.socket, device: str | None) -> None:
    if device:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())


def _refused(protocol: str, address: str, v6only: bool, device: str | None) -> bool:
    with _socket(protocol, address, v6only) as server:
        try:
            _set_device(server, device)
            _freebind(server, address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return True
    return False


def _freebind(sock: socket.socket, address: str) -> None:
    _set_freebind(sock)
    sock.bind((address, SCRATCH))


def _set_freebind(sock: socket.socket) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    sock.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)


def _socket(protocol: str, address: str, v6only: bool) -> socket.socket:
    sock = socket.socket(family_of(address), KINDS[protocol])
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
    return sock
