# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random settings of firewalld and ufw, as their commands take them."""

from __future__ import annotations

import random
from typing import Iterator

from firewall.world import PORTS, TCP, UDP

ZONES = ("public", "internal", "trusted", "drop", "block", "home")
SERVICES = ("ssh", "http", "https", "dns", "postgresql")
SOURCES = ("192.0.2.9", "192.0.2.64/26", "192.0.2.0/24", "10.0.0.0/24", "10.0.0.9", "198.51.100.0/24")
SOURCES6 = ("2001:db8:1::9", "2001:db8:1::/64", "fd00:10::/64")
PROFILES = ("WWW", "WWW Secure", "WWW Full", "DNS", "SSH", "OpenSSH")


def firewalld(dice: random.Random) -> Iterator[list[str]]:
    """The arguments of calls of firewall-cmd. What is permanent counts after the last one."""
    for _unused in range(dice.randint(0, 2)):
        yield ["--permanent", f"--zone={dice.choice(ZONES)}", f"--set-target={dice.choice(TARGETS)}"]
    if dice.random() < 0.5:
        yield from _policy(dice)
    if dice.random() < 0.3:
        yield ["--permanent", "--new-ipset=some", "--type=hash:net"]
        yield ["--permanent", "--ipset=some", f"--add-entry={dice.choice(SOURCES)}"]
        yield ["--permanent", f"--zone={dice.choice(ZONES)}", "--add-source=ipset:some"]
    yield ["--reload"]
    for _unused in range(dice.randint(1, 7)):
        yield [f"--zone={dice.choice(ZONES)}", _of_zone(dice)]


TARGETS = ("default", "ACCEPT", "DROP", "%%REJECT%%")


def _of_zone(dice: random.Random) -> str:
    port, protocol = dice.choice(PORTS), dice.choice((TCP, TCP, UDP))
    return dice.choice((
        f"--add-port={port}/{protocol}",
        f"--add-port=79-90/{protocol}",
        f"--add-service={dice.choice(SERVICES)}",
        "--remove-service=ssh",
        f"--add-source={dice.choice((*SOURCES, *SOURCES6))}",
        f"--change-interface={dice.choice(('wan0', 'lan0'))}",
        f"--add-protocol={protocol}",
        f"--add-source-port=1024-65535/{protocol}",
        f"--add-forward-port=port={port}:proto={protocol}:toport={dice.choice(PORTS)}",
        "--add-masquerade",
        f"--add-rich-rule={rich_rule(dice)}",
        f"--add-rich-rule={rich_rule(dice)}",
    ))  # fmt: skip


def rich_rule(dice: random.Random) -> str:
    family, sources = dice.choice((("ipv4", SOURCES), ("ipv6", SOURCES6)))
    protocol = dice.choice((TCP, UDP))
    priority = f"priority={dice.choice((-5, 5, 100))} " if dice.random() < 0.3 else ""
    negated = "NOT " if dice.random() < 0.2 else ""
    source = f'source {negated}address="{dice.choice(sources)}" ' if dice.random() < 0.7 else ""
    what = dice.choice((
        f'port port="{dice.choice(PORTS)}" protocol="{protocol}"',
        f'service name="{dice.choice(SERVICES)}"',
        f'protocol value="{protocol}"',
    ))  # fmt: skip
    log = 'log prefix="seen " ' if dice.random() < 0.2 else ""
    return f'rule {priority}family="{family}" {source}{what} {log}{dice.choice(("accept", "reject", "drop"))}'


def _policy(dice: random.Random) -> Iterator[list[str]]:
    yield ["--permanent", "--new-policy=gate"]
    yield ["--permanent", "--policy=gate", f"--add-ingress-zone={dice.choice((*ZONES, 'ANY'))}"]
    yield ["--permanent", "--policy=gate", "--add-egress-zone=HOST"]
    yield ["--permanent", "--policy=gate", f"--set-target={dice.choice(('CONTINUE', 'ACCEPT', 'DROP', 'REJECT'))}"]
    yield ["--permanent", "--policy=gate", f"--set-priority={dice.choice((-100, -1, 1, 100))}"]
    yield ["--permanent", "--policy=gate", f"--add-rich-rule={rich_rule(dice)}"]


def ufw(dice: random.Random) -> Iterator[str]:
    """Commands of ufw."""
    yield f"default {dice.choice(('allow', 'deny', 'reject'))} incoming"
    yield f"default {dice.choice(('allow', 'deny', 'reject'))} routed"
    for number in range(dice.randint(1, 8)):
        first = "insert 1 " if number and dice.random() < 0.2 else ""
        yield f"{first}{dice.choice(('allow', 'allow', 'deny', 'reject', 'limit'))} {_of_ufw(dice)}"


def _of_ufw(dice: random.Random) -> str:
    port, protocol = dice.choice((*PORTS, "79:90")), dice.choice((TCP, UDP))
    source, device = dice.choice((*SOURCES, *SOURCES6, "any")), dice.choice(("", "", "in on wan0 ", "in on lan0 "))
    return dice.choice((
        f"{port}/{protocol}",
        f"{device}log from {source} to any port {port} proto {protocol}",
        f"{device}from {source} to any port {port} proto {protocol}",
        f"{device}from {source}",
        f"{device}from {source} to any port 53",
        f"{device}from {source} to any port 22,80,443,8000:8001 proto {protocol}",
        f"'{dice.choice(PROFILES)}'",
        f"from {source} to any app '{dice.choice(PROFILES)}'",
    ))  # fmt: skip
