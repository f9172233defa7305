# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with much to look at: firewalld, Docker's rules, socket units, and stopped containers that restart."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from bench import costs
from bench.tasks import TWENTY, play
from support import sandbox
from support.firewalls import Firewalld
from support.namespaces import leave_mounts, mount
from support.networks import feed

UNITS, CONTAINERS = 40, 20
PLAYS, TURNS = 3, 12
OVERLAID = ("etc", "var/lib")
DOCKER = Path(__file__).parents[1] / "redirects/shapes/docker.iptables"


def measure(scratch: Path) -> float:
    """The task to the ping right before it, the median. Enters namespaces for network and mounts."""
    sandbox.enter()
    leave_mounts()
    mount("tmpfs", "/run", "tmpfs")
    for name in OVERLAID:
        upper, work = (Path("/run/overlay", name, each) for each in ("upper", "work"))
        upper.mkdir(parents=True)
        work.mkdir()
        mount("overlay", f"/{name}", "overlay", 0, f"lowerdir=/{name},upperdir={upper},workdir={work}")
    populate(Path("/"))
    ratios: list[float] = []
    with Firewalld():
        feed(["iptables-restore", "--noflush"], f"*nat\n{DOCKER.read_text()}COMMIT\n")
        for _unused in range(PLAYS):
            lines = play([TWENTY] * TURNS, scratch)
            ratios += [task[1] / ping[1] for ping, task in zip(lines[2::2], lines[3::2])]
    return statistics.median(ratios)


def claims(scratch: Path) -> costs.Costs:
    """Of such a host as a folder."""
    root = scratch / "busy"
    populate(root)
    return costs.measure(costs.pack(scratch / "modules.zip"), costs.claims(root))


def populate(root: Path) -> None:
    """Who claims ports there."""
    (root / "run/systemd/system").mkdir(parents=True)  # systemd runs: sd_booted(3)
    _enable_units(root / "etc/systemd/system")
    _stop_containers(root / "var/lib/docker/containers")


def _enable_units(folder: Path) -> None:
    wanted = folder / "sockets.target.wants"
    wanted.mkdir(parents=True, exist_ok=True)
    for number in range(UNITS):
        unit = folder / f"bench-{number}.socket"
        unit.write_text(f"[Socket]\nListenStream={10000 + number}\n\n[Install]\nWantedBy=sockets.target\n")
        (wanted / unit.name).symlink_to(unit)


def _stop_containers(folder: Path) -> None:
    for number in range(CONTAINERS):
        files = folder / f"{number:064x}"
        files.mkdir(parents=True)
        state = {"Name": f"/bench-{number}", "State": {"Running": False}, "HasBeenStartedBefore": True}
        bindings = {"80/tcp": [{"HostIp": "", "HostPort": str(11000 + number)}]}
        settings = {"RestartPolicy": {"Name": "always"}, "NetworkMode": "bridge", "PortBindings": bindings}
        (files / "config.v2.json").write_text(json.dumps(state))
        (files / "hostconfig.json").write_text(json.dumps(settings))
