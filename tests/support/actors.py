# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that hold the sockets of the worlds, alone or together."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from pathlib import Path
from typing import Iterator, Sequence

from support.sandbox import PR_SET_DUMPABLE, PR_SET_PDEATHSIG, become, prctl

ROOTS = 4
STRANGERS = 2  # these run as nobody
COUNT = ROOTS + STRANGERS

# start times in /proc count in 10 ms: apart, so that "the eldest" is never a tie
APART = 0.011
# the kernel takes at most 253 descriptors in one message
CHUNK = 200


class Actor:
    """A process whose name is *name*."""

    def __init__(self, name: str, user: str | None) -> None:
        self.user = user
        self._line, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _hold(theirs, name, user)
            finally:
                os._exit(0)
        theirs.close()

    def take(self, sockets: Sequence[socket.socket]) -> None:
        for start in range(0, len(sockets), CHUNK):
            some = sockets[start : start + CHUNK]
            socket.send_fds(self._line, [b"!"], [sock.fileno() for sock in some])
            if self._line.recv(1) != b"!":
                raise RuntimeError(f"holder process {self.pid} died")

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._line.close()


def _hold(line: socket.socket, name: str, user: str | None) -> None:
    Path("/proc/self/comm").write_text(name)
    if user:
        become(user)
        prctl(PR_SET_DUMPABLE, 1)  # lost with the change of user, and without it nobody's own /proc entry is root's
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    while socket.recv_fds(line, 1, CHUNK)[1]:
        line.send(b"!")


@contextlib.contextmanager
def troupe() -> Iterator[list[Actor]]:
    """COUNT processes, the eldest first."""
    actors: list[Actor] = []
    try:
        for number in range(COUNT):
            actors.append(Actor(f"p{number}", "nobody" if number >= ROOTS else None))
            time.sleep(APART)
        yield actors
    finally:
        for actor in actors:
            actor.end()
