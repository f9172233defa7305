# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to ask a host's firewall about 20 ports."""

from __future__ import annotations

from pathlib import Path

from bench import costs
from firewall.world import World
from support.firewalls import Firewalld
from support.networks import feed

PORTS = range(100, 120)
RULES = 1000
NO_RULES, FIREWALLD, NFT, IPTABLES = "no rules", "firewalld's defaults", "nft", "iptables"


def measure(scratch: Path) -> dict[str, costs.Costs]:
    """Host -> costs. Enters network namespaces."""
    archive = costs.pack(scratch / "modules.zip")
    found = {}
    with World():
        found[NO_RULES] = _costs(archive)
        with Firewalld():
            found[FIREWALLD] = _costs(archive)
    rules = [f"tcp dport {10000 + number} accept" for number in range(RULES)]
    chain = "type filter hook input priority 0; policy drop"
    for name, command, text in (
        (NFT, ["nft", "-f", "-"], f"table inet many {{\nchain input {{\n{chain}\n" + "\n".join(rules) + "\n}\n}\n"),
        (IPTABLES, ["iptables-nft-restore"], _of_iptables()),
    ):
        with World():
            feed(command, text)
            found[f"{RULES:,} rules of {name}"] = _costs(archive)
    return found


def _of_iptables() -> str:
    rules = "".join(f"-A INPUT -p tcp -m tcp --dport {10000 + number} -j ACCEPT\n" for number in range(RULES))
    return f"*filter\n:INPUT DROP [0:0]\n{rules}COMMIT\n"


def _costs(archive: str) -> costs.Costs:
    return costs.measure(archive, costs.FIREWALL, PORTS)
