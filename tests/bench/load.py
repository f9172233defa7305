# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module itself costs on huge hosts, and how that grows: each host is made in half its size, too."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Callable, ContextManager, Iterator, NamedTuple

from redirects import large
from support import sandbox
from support.networks import feed

ROOT = Path(__file__).parents[2]
MODULE = "ansible_collections.preflight.ports.plugins.modules.port_check"
FIRST = 32768
RANGE = 16384
DOCKER_FIRST = 49152


class Cost(NamedTuple):
    seconds: float
    """On the processor."""
    mebibytes: float
    """At most."""
    result_bytes: int


class Load(NamedTuple):
    name: str
    size: int
    make: Callable[[int], ContextManager[None]]
    ports: str
    """What is asked."""
    most_seconds: float
    most_mebibytes: float


class Growth(NamedTuple):
    half: Cost
    """What the check costs on a host of half the size."""
    whole: Cost

    @property
    def ratio(self) -> float:
        return self.whole.seconds / self.half.seconds


def measure(load: Load) -> Growth:
    """The best of three. Enters a network namespace."""
    sandbox.enter()
    costs = []
    for size in (load.size // 2, load.size):
        with load.make(size):
            costs.append(min(_cost(load.ports) for _unused in range(3)))
    return Growth(*costs)


def _cost(ports: str) -> Cost:
    """Of a process that has the arguments on its input, as Ansible runs a module."""
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {"ports": [ports], "ephemeral": "ignore"}})
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # The module takes its arguments from its input where it has no other.
    done = subprocess.run([sys.executable, "-c", _RUN], input=arguments, stdout=subprocess.PIPE, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result, most = done.stdout.rsplit("\n", 2)[:2]
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(seconds, int(most) / 1024, len(result))


_RUN = f"""
import contextlib, importlib, resource, sys
module = importlib.import_module("{MODULE}")
with contextlib.suppress(SystemExit):
    module.main()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@contextlib.contextmanager
def _rules(size: int) -> Iterator[None]:
    feed(["nft", "-f", "-"], "flush ruleset\n" + large.published(size))
    yield


@contextlib.contextmanager
def _published(size: int) -> Iterator[None]:
    rules = "\n".join(
        f"-A DOCKER ! -i docker0 -p udp -m udp --dport {port} -j DNAT --to-destination {large.TARGET}:{port}"
        for port in range(DOCKER_FIRST, DOCKER_FIRST + size)
    )
    head = "*nat\n:DOCKER - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n"
    feed(["nft", "-f", "-"], "flush ruleset\n")
    feed(["iptables-nft-restore"], f"{head}{rules}\nCOMMIT\n")
    yield
    feed(["nft", "-f", "-"], "flush ruleset\n")


@contextlib.contextmanager
def _connections(size: int) -> Iterator[None]:
    """Each has two ends, on ports of the range. Several processes hold them: each may have 20,000 files."""
    children, line = [], os.pipe()
    each = 8000
    for number in range(0, size // 2, each):
        ready = os.pipe()
        child = os.fork()
        if not child:
            os.close(line[1])
            _connect(number, min(each, size // 2 - number))
            os.write(ready[1], b"x")
            os.read(line[0], 1)
            os._exit(0)
        os.read(ready[0], 1)
        children.append(child)
    yield
    os.close(line[1])
    for child in children:
        os.waitpid(child, 0)
    os.close(line[0])


def _connect(first: int, count: int) -> None:
    kept = []
    address = f"127.0.{first // 8000}.1"
    with socket.socket() as server:
        server.bind((address, 60000))
        server.listen(1024)
        for number in range(count):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leaves no TIME_WAIT
            client.bind((f"127.1.{first // 8000}.{1 + number // 8000}", FIRST + number % 8000))
            client.connect((address, 60000))
            kept += [client, server.accept()[0]]
    for each in kept:
        each.detach()


@contextlib.contextmanager
def _shared(size: int) -> Iterator[None]:
    """Listeners of one process and all of its 500 children."""
    line = os.pipe()
    listeners = []
    for number in range(size):
        listener = socket.socket()
        listener.bind(("127.0.0.1", FIRST + number))
        listener.listen()
        listeners.append(listener)
    children = []
    for _unused in range(size // 4):
        child = os.fork()
        if not child:
            os.close(line[1])
            os.read(line[0], 1)
            os._exit(0)
        children.append(child)
    yield
    os.close(line[1])
    for child in children:
        os.waitpid(child, 0)
    for listener in listeners:
        listener.close()


LOADS = [
    Load("50,000 NAT rules of nft", 50_000, _rules, f"10000-{10000 + RANGE - 1}", 10, 300),
    Load("16,384 ports published by iptables-nft", RANGE, _published, f"{DOCKER_FIRST}-65535/udp", 10, 300),
    Load("200,000 ends of connections", 200_000, _connections, f"{FIRST}-{FIRST + RANGE - 1}", 3, 150),
    Load("2,000 listeners of each of 501 processes", 2000, _shared, f"{FIRST}-{FIRST + RANGE - 1}", 2, 150),
]
