# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts to look at: processes in namespaces of their own for network, mounts and processes."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from typing import Callable, Dict

from support import sandbox
from support.namespaces import leave_mounts, leave_processes, mount

TAKEN = 4000
FREE = list(range(TAKEN + 1, TAKEN + 21))  # below the ports that connections are given

Contenders = Dict[str, Callable[[], object]]


class Host:
    """Does what it is asked to, and says how long it took."""

    def __init__(self, contenders: Contenders, connections: int, processes: int) -> None:
        self._line, theirs = socket.socketpair()
        if not os.fork():
            try:
                self._line.close()
                sandbox.prctl(sandbox.PR_SET_PDEATHSIG, signal.SIGKILL)
                sandbox.enter()
                leave_mounts()
                leave_processes()
                if not os.fork():
                    _serve(theirs, contenders, connections, processes)
                os.wait()
            finally:
                os._exit(1)
        theirs.close()
        self.sockets = int(self._line.recv(100))

    def seconds(self, contender: str) -> float:
        self._line.send(contender.encode())
        answer = self._line.recv(100)
        if not answer:
            raise RuntimeError(f"{contender} failed")
        return float(answer)


def _serve(line: socket.socket, contenders: Contenders, connections: int, processes: int) -> None:
    mount("proc", "/proc", "proc")
    server = _listener(TAKEN)
    _connect(connections)
    for _unused in range(processes):
        if not os.fork():
            os.closerange(3, 64)
            while True:
                signal.pause()
    line.send(str(_sockets()).encode())
    while True:
        contender = line.recv(100).decode()
        if not contender:
            os._exit(server.fileno() and 0)
        started = time.perf_counter()
        contenders[contender]()
        line.send(str(time.perf_counter() - started).encode())


def _connect(count: int) -> None:
    """Connections, as many as one process can have, in a process of their own."""
    ready, done = os.pipe()
    if not os.fork():
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        server = _listener(TAKEN - 1)
        pairs: list[tuple[socket.socket, socket.socket]] = []
        for _unused in range(min(count, hard // 2 - 50)):
            client = socket.create_connection(server.getsockname())
            pairs.append((client, server.accept()[0]))
        os.write(done, b"!" * bool(pairs))
        while True:
            signal.pause()
    os.read(ready, 1)


def _listener(port: int) -> socket.socket:
    server = socket.socket()
    server.bind(("127.0.0.1", port))
    server.listen()
    return server


def _sockets() -> int:
    with open("/proc/net/sockstat", encoding="utf-8") as counts:
        return sum(int(line.split()[2]) for line in counts if line.startswith("TCP:"))
