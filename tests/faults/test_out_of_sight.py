# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP sockets that are bound, would let others bind beside them, and that no process in sight is seen to have."""

from __future__ import annotations

import array
import ctypes
import socket
import threading
from typing import Any

import pytest
from support.apart import apart, in_mounts, in_network
from support.namespaces import leave_processes, mount
from support.people import port_of
from support.running import check, conflict
from support.sandbox import libc

CLONE_FILES = 0x400

STATES = pytest.mark.parametrize(
    ("source", "state"), [("netlink", "bound"), ("procfs", "unknown"), ("psutil", "unknown")]
)


def bound() -> socket.socket:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", 0))
    return server


@STATES
def test_on_its_way_to_another_process(source: str, state: str) -> None:
    def scene() -> dict[str, Any]:
        ends = socket.socketpair()
        server = bound()
        port = port_of(server)
        ends[0].sendmsg([b"!"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [server.fileno()]))])
        server.close()
        return check([port], source=source)

    assert conflict(in_network(scene))["state"] == state


@STATES
def test_of_another_pid_namespace(source: str, state: str) -> None:
    def scene() -> dict[str, Any]:
        server = bound()

        def look() -> dict[str, Any]:
            port = port_of(server)
            server.close()  # here, where it was inherited
            mount("proc", "/proc", "proc")
            return check([port], source=source)

        leave_processes()
        return apart(look)

    assert conflict(in_mounts(scene))["state"] == state


@STATES
def test_of_a_thread_with_descriptors_of_its_own(source: str, state: str) -> None:
    def scene() -> dict[str, Any]:
        ports = []
        known, over = threading.Event(), threading.Event()

        def hold() -> None:
            if libc.unshare(CLONE_FILES):
                raise OSError(ctypes.get_errno(), "unshare")
            with bound() as server:
                ports.append(port_of(server))
                known.set()
                over.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        known.wait()
        try:
            return check(ports, source=source)
        finally:
            over.set()
            thread.join()

    found = conflict(in_network(scene))
    assert found["state"] == state
    assert [holder["hidden"] for holder in found["holders"]] == [source != "netlink"]
