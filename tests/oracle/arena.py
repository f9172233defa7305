# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One batch: builds worlds side by side in a namespace of its own, has the module look at them all, and compares.

A job comes in and its outcome goes out as JSON, and Python is all it needs: it also runs in a bare virtual machine.

    python3 tests/oracle/arena.py < job.json > outcome.json
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Iterable, Iterator, Sequence, Tuple

from oracle import clients, scene, truth
from oracle import look as looks
from oracle.compare import REFUSED, Crowd, Fact, Fault, Look, differences, wrong_listening
from oracle.scene import Held, Policy, Shape
from oracle.truth import Ask
from support import cgroup_bpf, sandbox
from support.actors import Actor, troupe
from support.namespaces import leave_mounts

SERVING = {"tcp": "listening", "udp": "bound"}

Place = Tuple[int, int]  # of a requirement: its world's number, and its own


def main() -> None:
    job = json.load(sys.stdin)
    may_refuse = os.geteuid() == 0  # an ordinary user is root of a namespace at most, which bpf(2) does not take
    if may_refuse:
        leave_mounts()
    sandbox.enter()
    with troupe() as actors, tempfile.TemporaryDirectory(prefix="oracle-") as scratch:
        Path(scratch).chmod(0o755)
        batch = Batch(job["worlds"], actors, may_refuse)
        json.dump([batch.report(Look(**look), job, Path(scratch)) for look in job["looks"]], sys.stdout)
        if batch.policies and may_refuse:
            cgroup_bpf.leave()


class Batch:
    def __init__(self, worlds: list[dict[str, Any]], actors: list[Actor], may_refuse: bool = False) -> None:
        self.pids = [actor.pid for actor in actors]
        self.asks: dict[Ask, Place] = {}
        self.variants: dict[tuple[Any, ...], Ask] = {}
        self.answering: dict[Ask, list[tuple[int, ...]]] = {}  # the holders of the sockets that clients meet
        self.policies: list[Policy] = []
        # of all worlds together: a port that the kernel chose may be one that it chose for another world, too
        self.held: dict[tuple[str, int], list[Held]] = defaultdict(list)
        low, high = scene.LOW, scene.HIGH
        for number, world in enumerate(worlds):
            first, low, high = (low, low + scene.SPAN, high) if world["low"] else (high, low, high + scene.SPAN)
            self._build(number, world, first, actors)
        scene.settle()
        for policy in self.policies if may_refuse else ():
            cgroup_bpf.refuse(*policy)
        self.truth = truth.read(list(self.asks))
        self.connections = truth.connections()

    def _build(self, number: int, world: dict[str, Any], first_port: int, actors: list[Actor]) -> None:
        built = scene.Scene(world, first_port)
        self.policies += built.policies
        living = built.living()
        for held in [*built.dead, *(held for held, _unused in living)]:
            self.held[held.shape.protocol, held.port].append(held)
        for index, actor in enumerate(actors):
            actor.take([sock for held, sock in living if index in held.holders])
        for _unused, sock in living:
            sock.close()
        by_whom: list[Ask] = []
        for nth, ask in enumerate(world["asks"]):
            port = ask and built.port(ask["port"])
            if port:
                allowed = tuple(ask["allowed"]) if ask["allowed"] else None
                options = (ask["interface"], ask["later"], allowed)
                wanted = Ask(ask["protocol"], ask["address"], port, ask["count"], ask["want"], *options)
                # A port that the kernel chose may be another one when the world is built again.
                if (not allowed or port < scene.EPHEMERAL) and self._is_apart(wanted):
                    self.asks.setdefault(wanted, (number, nth))
                    by_whom += [wanted] * bool(allowed)
        if by_whom:
            for wanted, operations in zip(by_whom, clients.answering(world, first_port, by_whom)):
                self.answering[wanted] = [tuple(world["ops"][operation]["holders"]) for operation in operations]

    def _is_apart(self, ask: Ask) -> bool:
        """Whether its conflicts can be told from those of the others, which may differ in their options alone."""
        keys = [(ask.protocol, ask.address, ask.interface, ask.want, port) for port in ask.ports()]
        return all(self.variants.setdefault(key, ask)[-2:] == (ask.later, ask.allowed) for key in keys)

    def report(self, look: Look, job: dict[str, Any], scratch: Path) -> dict[str, Any]:
        """The look's cases, and what is wrong with them: world, requirement, kind, detail."""
        started = time.monotonic()
        wrong: list[tuple[int, int, str, str]] = []
        unjudged = 0
        try:
            result = looks.run(self._arguments(look), Path(job["collections"]), scratch, job["direct"], look.user)
            if len(result["ports"]) != len(self.asks):
                raise RuntimeError(f"{len(self.asks)} entries asked, {len(result['ports'])} answered")
        except RuntimeError as error:
            wrong.append((0, 0, "no verdict", str(error)))
        else:
            before, self.truth = self.truth, truth.read(list(self.asks))
            names = ("protocol", "address", "wanted")
            conflicts = {
                (*(found[name] for name in names), port): found
                for found in result["conflicts"]
                for port in _ports(found["port"], found["count"])
            }
            # Connections end by themselves while a slow machine looks and looks.
            ended = {port for port, *_unused in self.connections - truth.connections()}
            seen = truth.visible([1, *self.pids], look.user)
            crowd = Crowd(self.pids, seen, 1 in seen and _sees_all_processes())
            for (ask, place), old, new, entry in zip(self.asks.items(), before, self.truth, result["ports"]):
                if old == new and (ask.protocol != "tcp" or ended.isdisjoint(ask.ports())):
                    faults = self._faults(ask, new, look, entry, conflicts, crowd)
                    wrong += [(*place, kind, detail) for kind, detail in faults]
                else:
                    unjudged += 1
        return {
            "look": str(look),
            "cases": len(self.asks),
            "unjudged": unjudged,
            "wrong": wrong,
            "seconds": time.monotonic() - started,
        }

    def _arguments(self, look: Look) -> dict[str, Any]:
        ports = [
            {
                "protocol": ask.protocol,
                "address": ask.address,
                "port": ask.port if ask.count == 1 else f"{ask.port}-{ask.ports()[-1]}",
                "state": ask.want,
                "interface": ask.interface,
                "nonlocal": ask.later,
                "held_by": [f"process:p{actor}" for actor in ask.allowed or ()],
            }
            for ask in self.asks
        ]
        return {"ports": ports, "source": look.source, "probe": look.probe, "ephemeral": "ignore"}

    def _faults(
        self, ask: Ask, errors: Sequence[Sequence[str]], look: Look, entry: dict[str, Any], conflicts: Any, crowd: Crowd
    ) -> Iterator[Fault]:
        found = [conflicts.get((ask.protocol, entry["address"], ask.want, port)) for port in ask.ports()]
        for port, each, conflict in zip(ask.ports(), errors, found):
            held = self.held[ask.protocol, port]
            met = {it: truth.overlaps(it.shape, ask.address, ask.interface) for it in held}
            inside = [it for it in held if any(met[it])]
            blocking = [it for it in inside if any(error and meets for error, meets in zip(each, met[it]))]
            alike = [it for it in held if any(truth.overlaps(_as_shown(it, look), ask.address, ask.interface))]
            refusals = [error for error in each if error in REFUSED]
            error = next(filter(None, [*refusals, *each]), "")
            fact = Fact(port, error, inside, blocking, truth.is_absent(ask), alike)
            faults: Iterable[Fault] = ()
            if ask.want == "listening":
                servers = [it for it in alike if it.state == SERVING[ask.protocol]]
                serving = [it for it in servers if truth.serves(it.shape, ask.address)]
                unmet = ask.allowed is not None and not self.answering[ask]
                # whether one that serves a single device, or a multicast group, is enough is for the reader to say
                if not any(it.shape.device for it in servers) and not (serving and unmet):
                    met = bool(serving) and self._all_allowed(ask, crowd)
                    clear = all(map(look.shows_v6only, servers))
                    faults = wrong_listening(fact, look, conflict, crowd, met, clear)
            else:
                faults = differences(fact, look, conflict, crowd)
            for kind, detail in faults:
                yield kind, f"port {port}: {detail}" if ask.count > 1 else detail
        met = [port for port, conflict in zip(ask.ports(), found) if not conflict]
        met_state = "free" if ask.want == "free" else SERVING[ask.protocol]
        if entry["met"] != (len(met) == ask.count):
            yield "entry contradicts its conflicts", f"met {entry['met']}, met are {met}"
        if entry["state"] not in {conflict["state"] if conflict else met_state for conflict in found}:
            yield "entry contradicts its conflicts", f"state {entry['state']}"
        if ask.count > 1 and (entry["free"], entry["first_free"]) != (len(met), met[0] if met else None):
            yield "entry contradicts its conflicts", f"free {entry['free']}, first {entry['first_free']}, are {met}"

    def _all_allowed(self, ask: Ask, crowd: Crowd) -> bool:
        """Whether of each socket that clients meet, one that is allowed has it, and the look's user may know it."""
        seen = [number for number, pid in enumerate(crowd.pids) if pid in crowd.seen]
        return ask.allowed is None or all(
            set(holders) & set(ask.allowed) & set(seen) for holders in self.answering[ask]
        )


def _sees_all_processes() -> bool:
    """Whether this is no container: PROC_PID_INIT_INO of include/linux/proc_ns.h."""
    return os.readlink("/proc/self/ns/pid") == "pid:[4026531836]"


def _ports(port: Any, count: int) -> range:
    first = int(str(port).partition("-")[0])
    return range(first, first + count)


def _as_shown(held: Held, look: Look) -> Shape:
    """What it looks like where the table shows neither IPV6_V6ONLY nor devices."""
    v6only = held.shape.v6only and look.shows_v6only(held)
    return held.shape._replace(v6only=v6only, device=held.shape.device if look.shows_devices else None)


if __name__ == "__main__":
    main()
