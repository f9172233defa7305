# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real firewalls: what is said about them, beside what becomes of packets."""

from __future__ import annotations

import time

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.passage import BLOCKED, LIMITED, OPEN
from firewall import judge
from firewall.world import CLIENTS, TCP, World, run
from support.firewalls import Fail2ban, Firewalld, ufw

HOST = "192.0.2.1"
ANY: tuple = ()
OUTER = tuple(client for client in CLIENTS if client.address == "192.0.2.9")
OTHER = tuple(client for client in CLIENTS if client.address == "192.0.2.77")
OVER_IPV6 = tuple(client for client in CLIENTS if client.address == "2001:db8:1::9")
OCI = """*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:InstanceServices - [0:0]
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p icmp -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m state --state NEW -m tcp --dport 22 -j ACCEPT
-A INPUT -j REJECT --reject-with icmp-host-prohibited
-A FORWARD -j REJECT --reject-with icmp-host-prohibited
COMMIT
"""
DOCKER = """*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 443 -j DNAT --to-destination 172.17.0.2:443
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
"""


@pytest.fixture
def world():
    with World() as made:
        yield made


def expect(world: World, wanted: dict) -> None:
    """(port, clients) -> the verdict, and whose rule it is."""
    asked = [
        judge.Question(TCP, "2001:db8:1::1" if clients == OVER_IPV6 else HOST, port, clients)
        for port, clients in wanted
    ]
    answers = judge.answers(world, asked)
    assert not [answer for answer in answers if answer.is_wrong]
    assert [(each.passage.verdict, each.passage.by) for each in answers] == list(wanted.values())


def test_firewalld(world):
    with Firewalld() as firewall:
        zone = "firewalld (zone public)"
        firewall("--zone=public", "--add-port=80/tcp")
        firewall(
            "--zone=public",
            "--add-rich-rule=rule family=ipv4 source address=192.0.2.77 port port=443 protocol=tcp accept",
        )
        firewall(
            "--zone=public",
            "--add-rich-rule=rule family=ipv4 source address=192.0.2.9 port port=80 protocol=tcp reject",
        )
        expect(world, {
            (22, ANY): (OPEN, None), (22, OVER_IPV6): (OPEN, None), (5432, ANY): (BLOCKED, zone),
            (5432, OVER_IPV6): (BLOCKED, zone), (80, OTHER): (OPEN, None), (80, OUTER): (BLOCKED, zone),
            (80, ANY): (LIMITED, zone), (443, OTHER): (OPEN, None), (443, OUTER): (BLOCKED, zone),
            (443, ANY): (LIMITED, zone),
        })  # fmt: skip
        firewall("--zone=trusted", "--add-source=192.0.2.9")
        expect(world, {(5432, OUTER): (OPEN, None), (5432, OTHER): (BLOCKED, zone)})
        firewall("--zone=drop", "--change-interface=wan0")
        expect(world, {(22, OTHER): (BLOCKED, "firewalld (zone drop)"), (22, OUTER): (OPEN, None)})
        firewall("--panic-on")
        expect(world, {(22, ANY): (BLOCKED, "firewalld (panic mode)")})


def test_ufw(world):
    ufw(
        "allow 22/tcp",
        "allow from 192.0.2.9 to any port 443 proto tcp",
        "limit 80/tcp",
        "deny 8000/tcp",
        "allow 8000:8001/tcp",
    )
    expect(world, {
        (22, ANY): (OPEN, None), (22, OVER_IPV6): (OPEN, None), (443, OUTER): (OPEN, None),
        (443, ANY): (LIMITED, "ufw"),
        (443, OTHER): (BLOCKED, "ufw"), (80, OUTER): (LIMITED, "ufw"), (8000, ANY): (BLOCKED, "ufw"),
        (8001, ANY): (OPEN, None), (5432, ANY): (BLOCKED, "ufw"), (5432, OVER_IPV6): (BLOCKED, "ufw"),
    })  # fmt: skip


@pytest.mark.parametrize("banaction", ["nftables-multiport", "iptables-multiport"])
def test_fail2ban(banaction, world):
    with Fail2ban("gate", banaction, 22) as fail2ban:
        fail2ban("set", "gate", "banip", "192.0.2.77")
        until = time.monotonic() + 10
        by = "fail2ban (jail gate)"
        while judge.said([judge.Question(TCP, HOST, 22, OTHER)])[0].verdict == OPEN and time.monotonic() < until:
            time.sleep(0.1)
        expect(world, {
            (22, OTHER): (BLOCKED, by), (22, OUTER): (OPEN, None), (22, ANY): (LIMITED, by), (80, OTHER): (OPEN, None),
        })  # fmt: skip


@pytest.mark.parametrize("tool", ["iptables-nft", "iptables-legacy"])
def test_image_of_a_cloud(tool, world):
    assert not run(f"{tool}-restore", text=OCI).returncode
    expect(world, {(22, ANY): (OPEN, None), (5432, ANY): (BLOCKED, "iptables"), (5432, OVER_IPV6): (OPEN, None)})
    (passage,) = judge.said([judge.Question(TCP, HOST, 5432, ANY)])
    command = tool.replace("-nft", "")
    assert passage.rule == "-A INPUT -j REJECT --reject-with icmp-host-prohibited"
    assert passage.advice == f"Let the new rule come first: {command} -I INPUT 5 -p tcp --dport 5432 -j ACCEPT"


@pytest.mark.parametrize("tool", ["iptables-nft", "iptables-legacy"])
def test_published_ports(tool, world):
    assert not run(f"{tool}-restore", text=DOCKER).returncode
    expect(world, {(8080, OUTER): (OPEN, None), (443, OUTER): (BLOCKED, "Docker"), (22, OUTER): (BLOCKED, "iptables")})
