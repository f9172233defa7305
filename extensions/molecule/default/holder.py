# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take ports in the ways that there are.

holder.py choose NAME...           print a free port for each name, as JSON
holder.py hold PIDFILE PORTS.json  take the ports in the background for as long as PIDFILE exists
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import struct
import sys
import time
from pathlib import Path


def choose(names: list[str]) -> dict[str, int]:
    """Ports below those that the system gives to outgoing connections, or another program might get one meanwhile."""
    return dict(zip(names, filter(is_free, random.sample(range(20000, 32000), k=1000))))


def is_free(port: int) -> bool:
    with contextlib.ExitStack() as stack:
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                stack.enter_context(socket.socket(socket.AF_INET6, kind)).bind(("::", port))
        except OSError:
            return False
    return True


def take(ports: dict[str, int]) -> list[socket.socket]:
    ipv4 = socket.create_server(("127.0.0.1", ports["ipv4"]))
    dual_stack = socket.create_server(("::", ports["dual_stack"]), family=socket.AF_INET6, dualstack_ipv6=True)
    udp = socket.socket(type=socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", ports["udp"]))
    bound = socket.socket()
    bound.bind(("127.0.0.1", ports["bound"]))
    connected = socket.create_connection(ipv4.getsockname(), source_address=("127.0.0.1", ports["connected"]))
    accepted, _unused = ipv4.accept()
    for end in (connected, accepted):
        # Closed by a reset: TIME_WAIT would keep the port for another minute.
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return [ipv4, dual_stack, udp, bound, connected, accepted]


def hold(pidfile: Path, ports: dict[str, int]) -> None:
    sockets = take(ports)
    pidfile.touch()
    pid = os.fork()
    if pid:
        pidfile.write_text(str(pid), encoding="ascii")
        return
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    while pidfile.exists():
        time.sleep(0.1)
    del sockets


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "choose":
        print(json.dumps(choose(arguments)))
    else:
        pidfile, ports = map(Path, arguments)
        hold(pidfile, json.loads(ports.read_text(encoding="utf-8")))
