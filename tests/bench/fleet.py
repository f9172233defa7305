# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole plays: on the lab's hosts over SSH, and on so many hosts that the controller's own part shows."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any, Iterator, NamedTuple

from bench.hosts import FREE, TAKEN
from bench.tasks import COLLECTIONS, HERE
from support import sandbox

LAB = HERE.parents[1] / "extensions/molecule/lab"
SUITES, OF_EACH = ("bullseye", "bookworm", "trixie"), 10
HOSTS = len(SUITES) * OF_EACH
TURNS = 4
LOOPS = 2  # with that many turns before each
FEW, MANY = 250, 1000
EACH = 5  # ports of a flow between each two hosts
ROLE, PING, LOOP, EMPTY = "role", "ping", "loop of wait_for", "empty task"
FLOWS, WAITS = "port_reach", "loop of wait_for over flows"
WAITED = 1
"""Flows of each host in the loop; each takes as long as another one."""
STOPPED = 2  # ansible-playbook's exit code when hosts failed
LOOK = "preflight.ports.port_preflight : Check the ports"
FACTS = "Gathering Facts"

TASKS: dict[str, dict[str, Any]] = {
    PING: {"ansible.builtin.ping": {}},
    ROLE: {"ansible.builtin.import_role": {"name": "preflight.ports.port_preflight"}},
    LOOP: {"ansible.builtin.wait_for": {"port": "{{ item }}", "state": "stopped"}, "loop": FREE},
    EMPTY: {"ansible.builtin.debug": {"msg": ""}},
    FLOWS: {"ansible.builtin.import_role": {"name": "preflight.ports.port_reach"}, "become": True},
    WAITS: {
        "ansible.builtin.wait_for": {
            "host": "{{ hostvars[groups.bench[0]].ansible_host }}",
            "port": "{{ item }}",
            "timeout": 5,
        },
        "loop": FREE[:WAITED],
        "failed_when": False,
    },
}


def over_ssh(scratch: Path) -> dict[str, float]:
    """Seconds of a play on 30 hosts, the median of its turns."""
    names = [f"bench-{suite}-{number}" for suite in SUITES for number in range(OF_EACH)]
    hosts = scratch / "hosts.json"
    flow = {"from": "bench", "to": "bench", "ports": FREE[:EACH]}
    variables = {"port_preflight_ports": FREE, "port_reach_flows": [flow]}
    bench = {"hosts": {name: {} for name in names}, "vars": variables}
    hosts.write_text(json.dumps({"guests": {"children": {"bench": bench}}}))
    inventory = ["-i", str(LAB / "inventory"), "-i", str(hosts)]
    seconds: dict[str, list[float]] = {name: [] for name in (PING, ROLE, LOOP, FLOWS, WAITS)}
    with lab(scratch, inventory):
        for name in (PING, ROLE):
            run(scratch, play(scratch, name, "bench"), *inventory)  # connects
        for name in (*(PING, ROLE) * TURNS, LOOP, FLOWS, WAITS) * LOOPS:
            seconds[name].append(timed(scratch, play(scratch, name, "bench"), *inventory))
    return {name: median(each) for name, each in seconds.items()}


@contextlib.contextmanager
def lab(scratch: Path, inventory: list[str]) -> Iterator[None]:
    try:
        run(scratch, LAB / "create.yml", *inventory, "--limit", "localhost,trees,bench")
        yield
    finally:
        run(scratch, LAB / "destroy.yml", *inventory)


class Shares(NamedTuple):
    """Seconds of the parts of a play, and of a play with a task that does nothing."""

    facts: float
    look: float
    rest: float
    empty: float


def at_scale(scratch: Path) -> dict[int, Shares]:
    """What a play on that many hosts spends where.

    Every host is this one, and on every tenth a port is taken, which stops the play. Enters a network namespace.
    """
    sandbox.enter()
    server = socket.create_server(("127.0.0.1", TAKEN))
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "port_preflight_ports": FREE,
        "port_preflight_reports": [str(scratch / f"report.{kind}") for kind in ("html", "json", "md", "xml")],
    }
    taken = {"port_preflight_ports": [TAKEN, *FREE[1:]]}
    hosts = scratch / "hosts.json"
    costs = {}
    for count in (FEW, MANY):
        names = {f"host-{number}": {} if number % 10 else taken for number in range(count)}
        hosts.write_text(json.dumps({"all": {"hosts": names, "vars": variables}}))
        started = time.perf_counter()
        role = play(scratch, ROLE, "all", facts=True)
        out = run(scratch, role, "-i", str(hosts), callback="stopwatch", code=STOPPED)
        total = time.perf_counter() - started
        tasks = [json.loads(line) for line in out.splitlines() if line.startswith("[")]
        facts, look = ([took for name, took, _size in tasks if name == task] for task in (FACTS, LOOK))
        if not len(facts) == len(look) == count:
            raise RuntimeError(f"{len(look)} of {count} hosts were looked at:\n{out[-2000:]}")
        empty = timed(scratch, play(scratch, EMPTY, "all"), "-i", str(hosts))
        costs[count] = Shares(max(facts), max(look), total - max(facts) - max(look), empty)
    server.close()
    return costs


def play(scratch: Path, name: str, hosts: str, facts: bool = False) -> Path:
    playbook = scratch / f"{name}.json"
    playbook.write_text(json.dumps([{"hosts": hosts, "gather_facts": facts, "tasks": [TASKS[name]]}]))
    return playbook


def timed(scratch: Path, playbook: Path, *arguments: str) -> float:
    started = time.perf_counter()
    run(scratch, playbook, *arguments)
    return time.perf_counter() - started


def run(scratch: Path, playbook: Path, *arguments: str, callback: str = "default", code: int = 0) -> str:
    config = scratch / "ansible.cfg"
    config.touch()
    settings = {
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
        "ANSIBLE_STDOUT_CALLBACK": callback,
        "ANSIBLE_HOME": str(scratch / "ansible"),
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", *arguments, str(playbook)],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, **settings},
    )
    if done.returncode != code:
        raise RuntimeError(f"{playbook} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout
