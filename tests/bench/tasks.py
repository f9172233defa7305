# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole tasks in one play on localhost, one after the other in turns."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from bench.hosts import FREE
from bench.looks import RANGES
from support import sandbox

HERE = Path(__file__).parent
COLLECTIONS = HERE.parents[1] / ".collections"
BUDGET_SECONDS = 200
TURNS = 6  # of a play: enough to make its start small

CHECK = "preflight.ports.port_check"
PING, TWENTY, FACTS, LOOP = "ping", "port_check, 20 ports", "listen_ports_facts", "wait_for, 20 times"
INFO = "port_info"
SS, SS_TASK = "ss -Hltunp", "ss as a task"
MANY = {count: f"port_check, {count} ports" for count in RANGES}

TASKS: dict[str, dict[str, Any]] = {
    PING: {"ansible.builtin.ping": {}},
    TWENTY: {CHECK: {"ports": FREE}},
    FACTS: {"community.general.listen_ports_facts": {}},
    INFO: {"preflight.ports.port_info": {}},
    SS_TASK: {"ansible.builtin.command": {"argv": SS.split()}},
    **{MANY[count]: {CHECK: {"ports": [ports]}} for count, ports in RANGES.items()},
    LOOP: {"ansible.builtin.wait_for": {"port": "{{ item }}", "state": "stopped"}, "loop": FREE},
}
TURN = [TWENTY, PING, FACTS, TWENTY, MANY[1], MANY[100], TWENTY, MANY[2768]]
ONCE_A_PLAY = [MANY[65535], LOOP]


class Times(NamedTuple):
    ratios: dict[str, list[float]]
    """To the ping right before."""
    first: dict[str, list[float]]
    """The same, of the first of its kind in its play, for which Ansible packs the module."""
    size: dict[str, int]

    def ratio(self, task: str) -> float:
        return statistics.median(self.ratios[task])

    def first_ratio(self, task: str) -> float:
        return statistics.median(self.first[task])


def measure(scratch: Path) -> Times:
    """In turns until the time is up, and two plays at least. Enters a network namespace."""
    sandbox.enter()
    times = Times(defaultdict(list), defaultdict(list), {})
    started = time.monotonic()
    plays = 0
    while plays < 2 or time.monotonic() - started < BUDGET_SECONDS * plays / (plays + 1):
        _add(times, play(TURN * TURNS + ONCE_A_PLAY, scratch))
        plays += 1
    return times


def play(names: list[str], scratch: Path) -> list[list[Any]]:
    """Name, seconds and bytes of result of the tasks, each with a ping of its own right before it."""
    tasks = [{"name": each, **TASKS[each]} for name in names for each in (PING, name)]
    playbook = scratch / "playbook.json"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    config = scratch / "ansible.cfg"
    config.touch()
    settings = {
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join([str(COLLECTIONS), *sys.path]),
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
        "ANSIBLE_STDOUT_CALLBACK": "stopwatch",
        "ANSIBLE_HOME": str(scratch / "ansible"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-c", "local", "-i", "localhost,", str(playbook)],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8", **settings},
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    if len(lines) != len(tasks):
        raise RuntimeError(f"the play failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return lines


def _add(times: Times, lines: list[list[Any]]) -> None:
    seen = set()
    for (_ping, ping_seconds, _size), (name, seconds, size) in zip(lines[::2], lines[1::2]):
        times.size[name] = size
        if name not in seen:
            times.first[name].append(seconds / ping_seconds)
            seen.add(name)
            if name not in ONCE_A_PLAY:
                continue
        times.ratios[name].append(seconds / ping_seconds)
