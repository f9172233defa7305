# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that hold ports."""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import Callable, NamedTuple

from support import sandbox
from support.actors import APART


class Process(NamedTuple):
    pid: int

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def start(act: Callable[[], object]) -> Process:
    """A process that acts, says so, and stays; it dies with us."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            sandbox.prctl(sandbox.PR_SET_PDEATHSIG, signal.SIGKILL)
            kept = [act()]
            os.write(writing, b"!" * len(kept))
            while True:
                signal.pause()
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        if pipe.read(1) != b"!":
            raise RuntimeError("the process did not start as it should")
    return Process(pid)


def listener(address: str = "127.0.0.1", port: int = 0) -> socket.socket:
    server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    server.bind((address, port))
    server.listen()
    return server


def holders_of(server: socket.socket, count: int = 1) -> list[Process]:
    """Processes that hold the socket, the eldest first; we let go of it."""
    found = []
    for _unused in range(count):
        found.append(start(lambda: server))
        time.sleep(APART)
    server.close()
    return found


def port_of(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port
