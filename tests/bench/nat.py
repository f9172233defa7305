# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to look for 20 ports in the NAT rules of a host, beside the command that would list them."""

from __future__ import annotations

import resource
import subprocess
from pathlib import Path
from typing import NamedTuple, Sequence

from bench import costs
from redirects import large
from redirects.world import World

RULES, PORTS = 1000, 20
OTHERS = range(100, 100 + PORTS)
NONE, FEW = "no rules", "a few rules about other ports"
SHAPES = {shape.name: shape for shape in large.SHAPES if shape.make in (large.kube_proxy, large.kube_proxy_nft)}
IPTABLES_MODE = "kube-proxy, iptables-nft"
LISTED_BY_NFT = [name for name in SHAPES if not name.endswith("legacy")]
SHOWN = "nft --json list ruleset"
OTHER, THEIR = "other", "of their"


class Costs(NamedTuple):
    new: float
    loaded: float
    listing: float
    """Of nft, in the same unit."""


def measure(scratch: Path) -> dict[str, dict[str, Costs]]:
    """Host -> which ports are asked for -> costs. Enters network namespaces."""
    archive = costs.pack(scratch / "modules.zip")
    found: dict[str, dict[str, Costs]] = {}
    for name, rules in ((NONE, "flush ruleset"), (FEW, large.published(10))):
        with World() as world:
            world.nft(rules)
            found[name] = {OTHER: _costs(archive, OTHERS)}
    for name, shape in SHAPES.items():
        with World() as world:
            theirs = shape.load(world, RULES)[:PORTS]
            found[name] = {OTHER: _costs(archive, OTHERS), THEIR: _costs(archive, theirs)}
    return found


def _costs(archive: str, ports: Sequence[int]) -> Costs:
    return Costs(*costs.measure(archive, costs.NAT, ports), _listing())


def _listing() -> float:
    found = []
    for _unused in range(15):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(SHOWN.split(), check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found) * 1000
