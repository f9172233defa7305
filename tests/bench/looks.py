# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look inside a process, beside others that tell who has which port."""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Iterator, NamedTuple

import psutil
from ansible_collections.preflight.ports.plugins.module_utils._check import check
from bench.hosts import FREE, TAKEN, Contenders, Host

ROUNDS = 40
CONNECTIONS = {"small": 5, "idle": 5, "loaded": 10_000}
PROCESSES = {"small": 100, "idle": 600, "loaded": 600}
RANGES = {1: "20000", 100: "20000-20099", 2768: "30000-32767", 65535: "1-65535"}


def look(ports: list[Any]) -> object:
    """What port_check does, without its start and its result."""
    options = {"source": "auto", "probe": True, "redirects": True}
    return check.look_until_met(options, check.parse(ports), 0.0)


def run(*command: str) -> None:
    """A whole process, and nothing else: its output goes nowhere."""
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    os.waitpid(os.posix_spawnp(command[0], command, os.environ, file_actions=nowhere), 0)


LOOK, CONFLICT = "look at 20 free ports", "look at 20 ports, one taken"
LISTENERS, HOLDERS, PSUTIL = "ss -Hltn", "ss -Hltnp", "psutil.net_connections('inet')"
PSUTIL_PROCESS = f"python -c {PSUTIL}"

CONTENDERS: Contenders = {
    LOOK: lambda: look(FREE),
    CONFLICT: lambda: look([TAKEN, *FREE[1:]]),
    LISTENERS: lambda: run("ss", "-Hltn"),
    HOLDERS: lambda: run("ss", "-Hltnp"),
    PSUTIL: lambda: psutil.net_connections("inet"),
    PSUTIL_PROCESS: lambda: run(sys.executable, "-c", f"import psutil; {PSUTIL}"),
}


class Looks(NamedTuple):
    sockets: dict[str, int]
    seconds: dict[str, dict[str, list[float]]]
    """By host and contender, one for each round."""

    def ratio(self, host: str, one: str, other: str) -> float:
        """Of the best rounds: what else runs on the machine can only make a look slower."""
        return min(self.seconds[host][one]) / min(self.seconds[host][other])

    def growth(self, contender: str) -> float:
        return min(self.seconds["loaded"][contender]) / min(self.seconds["idle"][contender])


def measure() -> Looks:
    seen = Looks({}, {})
    for name, connections in CONNECTIONS.items():  # the loaded host last: namespaces share the kernel's hash tables
        host = Host(CONTENDERS, connections, PROCESSES[name])
        seen.sockets[name] = host.sockets
        for contender in CONTENDERS:
            host.seconds(contender)  # loads what is loaded late
        rounds = [{contender: host.seconds(contender) for contender in CONTENDERS} for _unused in range(ROUNDS)]
        seen.seconds[name] = {contender: [each[contender] for each in rounds] for contender in CONTENDERS}
    return seen


def by_count() -> Iterator[float]:
    """Seconds on the processor of a look at ever more free ports."""
    for count, ports in RANGES.items():
        took = []
        for _unused in range(3 if count > 10_000 else 15):
            started = time.process_time()
            look([ports])
            took.append(time.process_time() - started)
        yield min(took)
