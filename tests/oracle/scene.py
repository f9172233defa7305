# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds a world: runs its operations and remembers what came out of them.

An operation that the kernel refuses, or that refers to one it refused, makes nothing: any list of operations is a
world, so that a shrinker may drop what it likes.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import time
from typing import Any, NamedTuple

IP_BIND_ADDRESS_NO_PORT = 24

SPAN = 4  # consecutive ports that a world has to itself
LOW, HIGH = 1, 1024
EPHEMERAL = 32768  # the first port that the kernel hands out by itself

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
TCP_STATES = {7: "bound", 10: "listening"}  # of tcp_info; every other one is a connection
CLOSE_WAIT = 8
LOOPBACK = {"127.0.0.1", "::1"}
NO_TIME_WAIT = struct.pack("ii", 1, 0)  # SO_LINGER: reset the connection instead of closing it

REFUSALS = (
    errno.EADDRINUSE,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.ECONNREFUSED,
    errno.EHOSTUNREACH,
    errno.EINVAL,
    errno.EISCONN,
    errno.ENETUNREACH,
    errno.ENOTCONN,
    errno.ETIMEDOUT,
)


class Shape(NamedTuple):
    """What decides whether two sockets' addresses overlap."""

    protocol: str
    address: str
    v6only: bool
    device: str | None


class Held(NamedTuple):
    """A socket that uses a port when the world stands; without holders only the kernel has it."""

    port: int
    state: str
    shape: Shape
    holders: tuple[int, ...]


class Policy(NamedTuple):
    """The hook at which a program refuses bind(2) for some ports."""

    hook: str
    protocol: str
    first: int
    last: int


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def shape_of(protocol: str, sock: socket.socket) -> Shape:
    v6only = sock.family == socket.AF_INET6 and sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
    device = sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0").decode()
    return Shape(protocol, sock.getsockname()[0], v6only, device or None)


class Scene:
    def __init__(self, world: dict[str, Any], first_port: int) -> None:
        self.first_port = first_port
        self.dead: list[Held] = []
        self.servers: list[tuple[socket.socket, tuple[int, ...]]] = []
        self.made: dict[int, socket.socket] = {}
        self.ports: dict[int, int] = {}
        self.policies: list[Policy] = []
        self.ops = world["ops"]
        for number, op in enumerate(self.ops):
            if op:
                with contextlib.suppress(Refused):
                    getattr(self, "_" + op["do"])(number, op)

    def port(self, wanted: Any) -> int | None:
        """A slot of the world, 0 for the kernel's choice, or "sN": the port of operation N's socket."""
        if isinstance(wanted, str):
            return self.ports.get(int(wanted[1:]))
        return 0 if wanted is None else self.first_port + wanted

    def living(self) -> list[tuple[Held, socket.socket]]:
        """The sockets that processes have, in the state that the kernel gives them."""
        found = []
        owned = [(sock, tuple(self.ops[number]["holders"])) for number, sock in self.made.items()]
        for sock, holders in owned + self.servers:
            port = sock.getsockname()[1]
            if port:
                shape = shape_of("tcp" if sock.type == socket.SOCK_STREAM else "udp", sock)
                found.append((Held(port, _state(sock), shape, tuple(sorted(set(holders)))), sock))
        return found

    def _open(self, number: int, op: dict[str, Any]) -> None:
        port = self.port(op["port"])
        if port is None:
            return
        sock = _socket(op, op["address"])
        with _or_close(sock):
            if port or not op.get("peer"):  # else connecting binds it
                sock.bind((op["address"], port))
            if op.get("listen"):
                sock.listen(8)
            if op.get("peer"):
                sock.connect((op["peer"], 9))
        self._keep(number, sock)

    def _connect(self, number: int, op: dict[str, Any]) -> None:
        listener = self.made.get(op["to"])
        port = self.port(op["port"])
        if listener is None or port is None or _state(listener) != "listening":
            return
        theirs = self.ops[op["to"]]
        target = op["via"] or _reachable(theirs["address"])
        ends = {target, op["address"] or target}
        if (theirs["device"] and ends - LOOPBACK) or ("::1" in ends and len(ends) > 1):
            return  # the answers would not come back
        sock = _socket(op, op["address"] or target)
        with _or_close(sock):
            if op["address"] or port:
                if op["late"]:
                    sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                sock.bind((op["address"] or ("::" if ":" in target else "0.0.0.0"), port))
            if sock.family == socket.AF_INET6 and ":" not in target:
                target = "::ffff:" + target
            sock.settimeout(2)
            sock.connect((target, listener.getsockname()[1]))
            sock.settimeout(None)
            server = None if sock.getpeername() == sock.getsockname() else self._accepted()
            if server is None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_TIME_WAIT)
                raise OSError(errno.ECONNREFUSED, "reached itself, or a listener of another world")
        self._keep(number, sock)
        closers = {"client": (number, sock), "server": (None, server)}
        for first, side in enumerate(op["closed"]):
            self._hang_up(*closers[side], alone=first == 0)
        if "server" not in op["closed"]:
            self.servers.append((server, tuple(op["server_holders"])))

    def _accepted(self) -> socket.socket | None:
        """The server's end of a new connection; None if it went to another world, whose port the kernel chose, too.

        With SO_REUSEPORT any listener of the group may have got it.
        """
        end = time.monotonic() + 5
        while time.monotonic() < end:  # on a busy machine the listener learns of it later than the client
            for listener in self.made.values():
                if listener.type == socket.SOCK_STREAM and _state(listener) == "listening":
                    listener.setblocking(False)
                    with contextlib.suppress(BlockingIOError):
                        server = listener.accept()[0]
                        server.setblocking(True)
                        return server
            time.sleep(0.002)
        return None

    def _hang_up(self, number: int | None, sock: socket.socket, alone: bool) -> None:
        held = Held(sock.getsockname()[1], "closing", shape_of("tcp", sock), ())
        if alone:
            self.dead.append(held)
        else:
            _wait(lambda: _tcp_state(sock) == CLOSE_WAIT)  # else both would be first, and both linger
        sock.close()
        if number is not None:
            del self.made[number]

    def _close(self, number: int, op: dict[str, Any]) -> None:
        sock = self.made.get(op["to"])
        if sock and self.ops[op["to"]]["do"] == "open":
            del self.made[op["to"]]
            sock.close()

    def _shutdown(self, number: int, op: dict[str, Any]) -> None:
        """Makes a listener a bound socket again; one whose port the kernel chose would lose it."""
        sock = self.made.get(op["to"])
        if (
            sock
            and self.ops[op["to"]]["port"] is not None
            and sock.type == socket.SOCK_STREAM
            and _state(sock) == "listening"
        ):
            sock.shutdown(socket.SHUT_RDWR)

    def _refuse(self, number: int, op: dict[str, Any]) -> None:
        """For those who come later: the batch puts its policies up when all its worlds stand."""
        first = self.first_port + op["port"]
        self.policies.append(Policy(op["hook"], op["protocol"], first, first + op["count"] - 1))

    def _keep(self, number: int, sock: socket.socket) -> None:
        self.made[number] = sock
        self.ports[number] = sock.getsockname()[1]


class Refused(Exception):
    """The kernel would not have this operation."""


@contextlib.contextmanager
def _or_close(sock: socket.socket) -> Any:
    try:
        yield
    except OSError as error:
        sock.close()
        if error.errno not in REFUSALS and not isinstance(error, (socket.timeout, socket.gaierror)):
            raise
        raise Refused from error


def _reachable(address: str) -> str:
    address = address[7:] if address.startswith("::ffff:") else address
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)


def _socket(op: dict[str, Any], address: str) -> socket.socket:
    sock = socket.socket(family_of(address), KINDS[op.get("protocol", "tcp")])
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(op.get("v6only", False)))
    for option, name in ((socket.SO_REUSEADDR, "reuse"), (socket.SO_REUSEPORT, "reuseport")):
        sock.setsockopt(socket.SOL_SOCKET, option, int(op[name]))
    if op.get("device"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, op["device"].encode())
    return sock


def _tcp_state(sock: socket.socket) -> int:
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def _state(sock: socket.socket) -> str:
    if sock.type == socket.SOCK_STREAM:
        return TCP_STATES.get(_tcp_state(sock), "connected")
    try:
        sock.getpeername()
    except OSError:
        return "bound"
    return "connected"


def _wait(done: Any) -> None:
    end = time.monotonic() + 5
    while not done():
        if time.monotonic() > end:
            raise RuntimeError("a connection never settled")
        time.sleep(0.002)


def settle() -> None:
    """Wait until no connection of the namespace is on its way from one state to another."""
    moving = {"04", "09", "0B"}  # FIN_WAIT1, LAST_ACK, CLOSING

    def still() -> bool:
        for table in ("/proc/self/net/tcp", "/proc/self/net/tcp6"):
            with open(table) as lines:
                if any(line.split()[3] in moving for line in lines):
                    return False
        return True

    _wait(still)
