# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who answers real clients: a world is built again, in a namespace of its own, and each address is asked many times."""

from __future__ import annotations

import select
import socket
from typing import Any, Iterator, Sequence

from oracle.scene import KINDS, NO_TIME_WAIT, Scene, family_of
from oracle.truth import Ask, in_child
from support import sandbox

TIMES = 12  # the kernel chooses among sockets that share a port by the client's port
PATIENCE = 0.05  # seconds; on loopback what has been sent has arrived


def answering(world: dict[str, Any], first_port: int, asks: Sequence[Ask]) -> list[list[int]]:
    """For each ask, the operations whose sockets its clients meet."""

    def rebuilt() -> list[list[int]]:
        sandbox.enter()
        scene = Scene(world, first_port)
        return [sorted(set(_met(scene, ask))) for ask in asks]

    return list(in_child(rebuilt))


def _met(scene: Scene, ask: Ask) -> Iterator[int]:
    servers = {
        sock: number
        for number, sock in scene.made.items()
        if sock.type == KINDS[ask.protocol] and sock.getsockname()[1] == ask.port and _serves(sock)
    }
    for literal in ask.literals() * TIMES if servers else ():
        with socket.socket(family_of(literal), KINDS[ask.protocol]) as client:
            try:
                client.connect((literal, ask.port))
                if ask.protocol == "tcp":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_TIME_WAIT)
                else:
                    client.send(b"?")
            except OSError:
                continue
            for server in select.select(list(servers), [], [], PATIENCE)[0]:
                yield servers[server]
                if ask.protocol == "tcp":
                    server.accept()[0].close()
                else:
                    server.recv(1)


def _serves(sock: socket.socket) -> bool:
    if sock.type == socket.SOCK_STREAM:
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    try:
        sock.getpeername()
    except OSError:
        return True
    return False
