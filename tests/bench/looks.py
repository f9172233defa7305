# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look inside a process, beside others that tell who has which port."""

from __future__ import annotations

import os
import statistics
import time
import types
from typing import Any, Iterator, NamedTuple

import psutil
from ansible_collections.preflight.ports.plugins.modules import port_check
from hosts import FREE, TAKEN, Contenders, Host

ROUNDS = 40
CONNECTIONS = {"idle": 5, "loaded": 10_000}
PROCESSES = {"idle": 0, "loaded": 500}
RANGES = {1: "20000", 100: "20000-20099", 2768: "30000-32767", 65535: "1-65535"}


def look(ports: list[Any]) -> object:
    """What port_check does, without its start and its result."""
    module = types.SimpleNamespace(params={"source": "auto", "probe": True, "redirects": True})
    return port_check.look_until_met(module, port_check.parse(ports), 0.0)


def run(*command: str) -> None:
    """A whole process, and nothing else: its output goes nowhere."""
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    os.waitpid(os.posix_spawnp(command[0], command, os.environ, file_actions=nowhere), 0)


LOOK, CONFLICT = "look at 20 free ports", "look at 20 ports, one taken"
LISTENERS, HOLDERS, PSUTIL = "ss -Hltn", "ss -Hltnp", "psutil.net_connections('inet')"

CONTENDERS: Contenders = {
    LOOK: lambda: look(FREE),
    CONFLICT: lambda: look([TAKEN, *FREE[1:]]),
    LISTENERS: lambda: run("ss", "-Hltn"),
    HOLDERS: lambda: run("ss", "-Hltnp"),
    PSUTIL: lambda: psutil.net_connections("inet"),
}


class Looks(NamedTuple):
    sockets: dict[str, int]
    seconds: dict[str, dict[str, list[float]]]
    """By host and contender, one for each round."""

    def median(self, host: str, contender: str) -> float:
        return statistics.median(self.seconds[host][contender])

    def ratio(self, host: str, one: str, other: str) -> float:
        """The median over rounds, in each of which the two came right after each other."""
        return _ratio(self.seconds[host][one], self.seconds[host][other])

    def growth(self, contender: str) -> float:
        return _ratio(self.seconds["loaded"][contender], self.seconds["idle"][contender])


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(ours, theirs))


def measure() -> Looks:
    hosts = {name: Host(CONTENDERS, CONNECTIONS[name], PROCESSES[name]) for name in CONNECTIONS}
    seconds: dict[str, dict[str, list[float]]] = {name: {each: [] for each in CONTENDERS} for name in hosts}
    for number in range(-1, ROUNDS):
        for contender in CONTENDERS:
            for name, host in hosts.items():
                took = host.seconds(contender)
                if number >= 0:  # the first round loads what is loaded late
                    seconds[name][contender].append(took)
    return Looks({name: host.sockets for name, host in hosts.items()}, seconds)


def by_count() -> Iterator[float]:
    """Seconds of a look at ever more free ports."""
    for count, ports in RANGES.items():
        took = []
        for _unused in range(3 if count > 10_000 else 15):
            started = time.perf_counter()
            look([ports])
            took.append(time.perf_counter() - started)
        yield min(took)
