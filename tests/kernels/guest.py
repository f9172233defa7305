# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside the virtual machine: what takes root and kernel modules, then the oracle; in network namespaces of its own.

Imports the oracle's modules, so tests/oracle has to be on the path.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import resource
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, Callable

from oracle import campaign, truth
from oracle import look as looks
from oracle.arena import Batch
from oracle.campaign import Setting
from oracle.compare import Look
from oracle.run import COLLECTIONS, EVERY_LOOK, Tally, explain, judge
from oracle.scene import Shape
from oracle.truth import Ask
from oracle.worlds import KINDS, World
from support import sandbox
from support.actors import COUNT, troupe

SETTING = Setting(EVERY_LOOK, COLLECTIONS, direct=True)
PROBING = tuple(look for look in EVERY_LOOK if look.probe)
WIREGUARD = 51820
TUNNELS = {
    WIREGUARD: "wg0 type wireguard",
    4789: "vx0 type vxlan id 7 dstport 4789 dev pf0",
    6081: "gn0 type geneve id 7 remote 192.0.2.2 dstport 6081",
}
# The tables of /proc show no devices, and so no VRFs: there the verdict has to be right, not who is named.
WITHOUT_DEVICES = {look: ["wrong holder", "wrong state"] for look in ("procfs", "psutil")}
STRANGER = COUNT - 1  # runs as nobody


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", help="the one that this has to be")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    release = os.uname().release
    print(f"Linux {release}, Python {sys.version.split()[0]}")
    if options.kernel and not release.startswith(options.kernel + "."):
        return 1

    # Before Linux 5.11, eBPF programs count as locked memory, also those that are just being given back.
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    faults = apart(tunnel_faults)
    print("the kernel's own UDP ports:", "wrong" if faults else "right", *faults, sep="\n    ")
    failed = bool(faults)
    if apart(mapped_wildcard_ignored):
        print("this kernel starts servers beside one on [::ffff:0.0.0.0]: no such TCP sockets, then")
        KINDS["tcp"]["address"].remove("::ffff:0.0.0.0")
    in_vrfs = vrf_worlds(random.Random(options.seed))
    campaign.WORLDS = 60  # so that their TIME_WAIT outlives all looks on an emulated processor, too
    for subject, tell in {
        "bound, beside a server's TIME_WAIT": lambda: judged(time_wait_worlds(), sandbox.enter),
        "VRF, tcp_l3mdev_accept=0": lambda: judged(in_vrfs, lambda: enter_vrf(accept=0), WITHOUT_DEVICES),
        "VRF, tcp_l3mdev_accept=1": lambda: judged(in_vrfs, lambda: enter_vrf(accept=1), WITHOUT_DEVICES),
        "random worlds": lambda: judge(SETTING, options.cases, options.seed, os.cpu_count() or 1),
    }.items():
        tally = tell()
        print(f"{subject}:", *tally.table(), sep="\n    ")
        for kind, example in tally.examples.items():
            print("", *explain(SETTING, kind, *example), sep="\n    ")
        failed = failed or tally.failed()
    return int(failed)


def mapped_wildcard_ignored() -> bool:
    """Whether bind(2) forgets, as that of Linux 6.1 does, that this wildcard holds every IPv4 address.

    The module calls such a port taken, and that is the safe side.
    """
    sandbox.enter()
    return not any(truth.overlaps(Shape("tcp", "::ffff:0.0.0.0", False, None), "::ffff:127.0.0.1", None))


def tunnel_faults() -> list[str]:
    """What is wrong in the answers about the ports of WireGuard, vxlan and geneve: the kernel has bound them."""
    sandbox.enter()
    for port, device in TUNNELS.items():
        ip("link add", device)
        if port == WIREGUARD:
            subprocess.run(["/usr/bin/wg", "set", device.split()[0], "listen-port", str(port)], check=True)
        ip("link set up dev", device.split()[0])
    answers = truth.read([Ask("udp", None, port, 1, "free") for port in TUNNELS])
    faults = [f"bind(2) says {answers}"] if not all("EADDRINUSE" in errors for (errors,) in answers) else []
    for look in PROBING:
        arguments = {"ports": [f"{port}/udp" for port in TUNNELS], "ephemeral": "ignore", "source": look.source}
        conflicts = looks.run(arguments, COLLECTIONS, Path("/"), direct=True, user=look.user)["conflicts"]
        found = {conflict["port"]: (conflict["state"], conflict["holders"]) for conflict in conflicts}
        for port in TUNNELS:
            state, holders = found.get(port, ("free", []))
            who = {"kernel" if holder["kernel"] else holder["pid"] or "hidden" for holder in holders}
            # WireGuard doesn't tell its port: that takes root, and a table with inodes
            blind = port == WIREGUARD and (look.user or look.source == "psutil")
            if state != "bound" or who != {"hidden" if blind else "kernel"}:
                faults.append(f"{look}: {port}/udp is {state}, by {', '.join(map(str, who)) or 'nobody'}")
    return faults


def time_wait_worlds() -> list[World]:
    """A server has gone and left TIME_WAIT, and somebody is bound to its port, but doesn't listen yet."""
    tcp = {**plainest("tcp"), "port": 0, "reuse": True}
    asks = [{**plainest("ask"), "address": address} for address in dict.fromkeys(KINDS["ask"]["address"])]
    return [
        {
            "low": False,
            "ops": [
                {**tcp, "address": server, "listen": True},
                {**plainest("connection"), "to": 0, "closed": ["server", "client"]},
                {**plainest("end"), "to": 0},
                {**tcp, "address": address, "listen": False, "holders": [holder]},
            ],
            "asks": asks,
        }
        for server in ("127.0.0.1", "::1", "0.0.0.0", "::")
        for address in KINDS["tcp"]["address"]
        for holder in (0, STRANGER)
    ]


def vrf_worlds(rng: random.Random) -> list[World]:
    """Sockets bound to a VRF, to a device in it, to devices outside of it, and to none."""
    sockets = {"device": [None, "lo", "pf0", "pf1", "vrf0"], "port": [0], "peer": [None]}
    asks = {"address": list(dict.fromkeys(KINDS["ask"]["address"])), "port": [0], "count": [1]}
    return [
        {
            "low": False,
            "ops": [drawn(rng, kind, sockets) for kind in rng.choices(("tcp", "udp"), (2, 1), k=rng.randint(1, 3))],
            "asks": [drawn(rng, "ask", asks) for _unused in range(6)],
        }
        for _unused in range(240)
    ]


def plainest(kind: str) -> dict[str, Any]:
    return {"kind": kind, **{field: choices[0] for field, choices in KINDS[kind].items()}}


def drawn(rng: random.Random, kind: str, instead: dict[str, list[Any]]) -> dict[str, Any]:
    """One of a kind, with other choices for some of its fields."""
    return {"kind": kind, **{field: rng.choice(instead.get(field, choices)) for field, choices in KINDS[kind].items()}}


def enter_vrf(accept: int) -> None:
    """The sandbox, with its pf0 in a VRF."""
    sandbox.enter()
    Path("/proc/sys/net/ipv4/tcp_l3mdev_accept").write_text(str(accept))
    ip("link add", "vrf0 type vrf table 10")
    ip("link set up dev", "vrf0")
    ip("link set master vrf0 dev", "pf0")
    ip("address replace", f"{sandbox.DEVICES['pf0'][1]}/64 nodad dev pf0")  # the change takes IPv6 addresses away


def ip(verb: str, device: str) -> None:
    subprocess.run(["/usr/sbin/ip", *verb.split(), *device.split()], check=True)


def judged(worlds: list[World], enter: Callable[[], None], excused: dict[str, list[str]] | None = None) -> Tally:
    """*excused*: the kinds of difference that don't count, by look."""
    job = {"collections": str(COLLECTIONS), "direct": True}

    def report(look: Look) -> dict[str, Any]:
        enter()
        with troupe() as actors, tempfile.TemporaryDirectory() as scratch:
            said = Batch(worlds, actors).report(look, job, Path(scratch))
        mere = (excused or {}).get(said["look"], [])
        wrong = [fault for fault in said["wrong"] if fault[2] not in mere]
        return {**said, "wrong": wrong}

    tally = Tally()
    for look in PROBING:
        tally.add(worlds, [apart(functools.partial(report, look))])
    return tally


def apart(question: Callable[[], Any]) -> Any:
    """Asked in a process of its own, which may go to another network namespace."""

    def said() -> Any:
        try:
            return question()
        except Exception:
            traceback.print_exc()
            raise

    return truth.in_child(said)


if __name__ == "__main__":
    sys.exit(main())
