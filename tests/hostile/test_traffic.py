# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ordinary user who takes what is meant for root's service."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from typing import Any, Callable

import pytest
from hostile.intruder import become_ordinary
from support import sandbox
from support.apart import in_network
from support.people import listener, start
from support.running import check, run

PORT = 8443
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SHARED = {"family": socket.AF_INET, "kind": socket.SOCK_DGRAM, "address": "0.0.0.0"}


def bound(family: int, kind: int, address: str) -> socket.socket:
    server = socket.socket(family, kind)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind((address, PORT))
    if kind == socket.SOCK_STREAM:
        server.listen()
    return server


@pytest.mark.parametrize(
    ("roots", "his", "entry"),
    [
        pytest.param(SHARED, SHARED, f"{PORT}/udp", id="he shares the port of UDP"),
        pytest.param(
            {"family": socket.AF_INET, "kind": socket.SOCK_STREAM, "address": "127.0.0.1"},
            {"family": socket.AF_INET6, "kind": socket.SOCK_STREAM, "address": "::"},
            PORT,
            id="he has the other addresses",
        ),
    ],
)
def test_a_service_beside_roots(roots: dict[str, Any], his: dict[str, Any], entry: Any) -> None:
    def scene() -> dict[str, Any]:
        reading, writing = os.pipe()

        def act() -> socket.socket:
            become_ordinary()
            server = bound(**his)
            os.write(writing, b"!")
            return server

        with bound(**roots):
            process = start(act)
            os.read(reading, 1)
            try:
                return check([entry], state="listening", held_by=["user:root"])
            finally:
                process.end()

    result = in_network(scene)
    assert result["failed"], "clients may meet him"
    assert {holder["user"] for conflict in result["conflicts"] for holder in conflict["holders"]} == {"root", "nobody"}


@pytest.mark.parametrize("source", ["netlink", "procfs"])
def test_a_device_whose_name_is_no_text(source: str) -> None:
    name = b"eth\xff"

    def scene() -> tuple[dict[str, Any], dict[str, Any]]:
        subprocess.run([b"ip", b"link", b"add", name, b"type", b"bridge"], check=True)
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
            server.bind(("0.0.0.0", PORT))
            info = run("ansible_collections.preflight.ports.plugins.modules.port_info", {"source": source})
            return check([PORT], source=source), info

    result, info = in_network(scene)
    assert result["conflicts"][0]["port"] == PORT
    assert [each["port"] for each in info["sockets"] if each["port"] == PORT] == [PORT]


def reusable(address: str = "0.0.0.0") -> socket.socket:
    """Bound, and not listening yet."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, PORT))
    return server


def in_a_message(server: socket.socket) -> object:
    """Whoever receives it may listen."""
    ours, theirs = socket.socketpair()
    socket.send_fds(ours, [b"!"], [server.fileno()])
    server.close()
    return ours, theirs


def in_another_network(server: socket.socket) -> object:
    """His process has left, and took it along."""
    reading, writing = os.pipe()
    if not os.fork():
        sandbox.prctl(sandbox.PR_SET_PDEATHSIG, signal.SIGKILL)
        sandbox._check(sandbox.libc.unshare(CLONE_NEWUSER | CLONE_NEWNET))
        os.write(writing, b"!")
        signal.pause()
    os.read(reading, 1)
    server.close()
    return None


@pytest.mark.parametrize("source", ["netlink", "procfs"])
@pytest.mark.parametrize("put_away", [in_a_message, in_another_network])
def test_a_bound_socket_put_away_beside_a_connection(put_away: Callable[[socket.socket], object], source: str) -> None:
    """The connection explains what bind(2) answers, and no process here has the socket."""

    def act() -> object:
        become_ordinary()
        far, connection, server = listener(), reusable(), reusable()
        connection.connect(far.getsockname())
        kept = put_away(server)
        return far, connection, kept

    def scene() -> dict[str, Any]:
        process = start(act)
        try:
            return check([PORT], source=source)
        finally:
            process.end()

    result = in_network(scene)
    assert result.get("failed"), "he may listen there before the server starts"


def test_waiting_does_not_keep_his_service_from_starting() -> None:
    """A look that binds the port takes it away from whoever starts just then."""
    most_failures = 3  # of some 100,000 starts: the last look may bind it once for each version of IP

    def scene() -> tuple[int, int]:
        reading, writing = os.pipe()

        def act() -> None:
            become_ordinary()
            if os.fork():
                return
            sandbox.prctl(sandbox.PR_SET_PDEATHSIG, signal.SIGKILL)
            starts = failures = 0
            end = time.monotonic() + 4
            while time.monotonic() < end:
                starts += 1
                try:
                    reusable().close()
                except OSError:
                    failures += 1
            os.write(writing, f"{starts} {failures}\n".encode())
            os._exit(0)

        process = start(act)
        try:
            check([PORT], state="listening", held_by=["user:root"], timeout=3, sleep=0)
            with os.fdopen(reading) as pipe:
                starts, failures = pipe.readline().split()
                return int(starts), int(failures)
        finally:
            process.end()

    starts, failures = in_network(scene)
    assert starts > 1000, "it was not there"
    assert failures <= most_failures
