# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ordinary user of the host, who has a port above 1023 and shapes whatever root's check reads of him."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from typing import Any, Callable, Iterator, Sequence

from support import sandbox
from support.people import listener, port_of, start

NOBODY = 65534
PYTHON = "/usr/bin/python3"  # which he may run
STAYS = "import sys, time; open('/proc/self/comm', 'w').write(sys.argv.pop(1)); print(flush=True); time.sleep(60)"


def become_ordinary() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    # The change of user takes both away.
    sandbox.prctl(sandbox.PR_SET_DUMPABLE, 1)
    sandbox.prctl(sandbox.PR_SET_PDEATHSIG, signal.SIGKILL)


@contextlib.contextmanager
def serving(prepare: Callable[[socket.socket], Any]) -> Iterator[int]:
    """A port on which he listens in a process of his own, after he has prepared it."""
    reading, writing = os.pipe()

    def act() -> Any:
        become_ordinary()
        server = listener()
        os.write(writing, f"{port_of(server)}\n".encode())
        return server, prepare(server)

    process = start(act)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            yield int(pipe.readline())
    finally:
        process.end()


@contextlib.contextmanager
def calling_himself(
    comm: str, arguments: Sequence[str] = (), title: str = PYTHON, is_root: bool = False
) -> Iterator[int]:
    """A port of a program that he starts, with a name, a title, and arguments that he chooses. Or that root starts."""
    with contextlib.ExitStack() as stack:
        server: socket.socket = stack.enter_context(listener() if is_root else ordinary_listener())
        program = subprocess.Popen(
            [title, "-c", STAYS, comm, *arguments],
            executable=PYTHON,
            pass_fds=[server.fileno()],
            stdout=subprocess.PIPE,
            preexec_fn=None if is_root else become_ordinary,
        )
        stack.callback(program.wait)
        stack.callback(program.kill)
        assert program.stdout
        stack.enter_context(program.stdout)
        program.stdout.readline()
        port = port_of(server)
        server.close()
        yield port


@contextlib.contextmanager
def calling_themselves(comm: str, arguments: Sequence[Sequence[str]], is_root: bool) -> Iterator[list[int]]:
    """The ports of such programs, one for each list of arguments."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(calling_himself(comm, each, is_root=is_root)) for each in arguments]


@contextlib.contextmanager
def ordinary_listener() -> Iterator[socket.socket]:
    """A socket that he made, in our hands."""
    ours, theirs = socket.socketpair()

    def act() -> None:
        become_ordinary()
        server = listener()
        socket.send_fds(theirs, [b"!"], [server.fileno()])

    maker = start(act)
    with ours, theirs:
        _message, descriptors, *_rest = socket.recv_fds(ours, 1, 1)
    maker.end()
    with socket.socket(fileno=descriptors[0]) as server:
        yield server
