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


# Of podman's netavark all but the masquerading, too. Only its own answers may enter a container where FORWARD drops.
PODMAN = """*filter
:FORWARD {policy} [0:0]
:NETAVARK_FORWARD - [0:0]
-A FORWARD -m comment --comment "netavark firewall plugin rules" -j NETAVARK_FORWARD
-A NETAVARK_FORWARD -d 172.17.0.0/16 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A NETAVARK_FORWARD -s 172.17.0.0/16 -j ACCEPT
COMMIT
*nat
:NETAVARK-DN-1D8721804F16F - [0:0]
:NETAVARK-HOSTPORT-DNAT - [0:0]
:NETAVARK-HOSTPORT-SETMARK - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT
-A NETAVARK-DN-1D8721804F16F -s 172.17.0.0/16 -p tcp -m tcp --dport 8080 -j NETAVARK-HOSTPORT-SETMARK
-A NETAVARK-DN-1D8721804F16F -s 127.0.0.1/32 -p tcp -m tcp --dport 8080 -j NETAVARK-HOSTPORT-SETMARK
-A NETAVARK-DN-1D8721804F16F -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
-A NETAVARK-HOSTPORT-DNAT -p tcp -m tcp --dport 8080 -m comment --comment "dnat name: podman id: cae1af560157c6bd436f\
fd92dc7440134f6ebd2fd1c36c14b2bd0e82cc7f2fb1" -j NETAVARK-DN-1D8721804F16F
-A NETAVARK-HOSTPORT-SETMARK -j MARK --set-xmark 0x2000/0x2000
COMMIT
"""


# Of kube-proxy all but the masquerading: behind it nobody could tell whose packet arrives.
KUBE_PROXY = """*nat
:KUBE-EXT-WEB - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SEP-ONE - [0:0]
:KUBE-SEP-TWO - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-WEB - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-EXT-WEB -m comment --comment "masquerade traffic for default/web" -j KUBE-MARK-MASQ
-A KUBE-EXT-WEB -j KUBE-SVC-WEB
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-NODEPORTS -p tcp -m comment --comment "default/web" -m tcp --dport 8080 -j KUBE-EXT-WEB
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-SEP-ONE -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 172.17.0.2:80
-A KUBE-SEP-TWO -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 172.17.0.2:443
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-SVC-WEB -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-ONE
-A KUBE-SVC-WEB -j KUBE-SEP-TWO
COMMIT
*filter
:FORWARD DROP [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-FORWARD - [0:0]
-A INPUT -m conntrack --ctstate NEW -m comment --comment "externally-visible services" -j KUBE-EXTERNAL-SERVICES
-A INPUT -j KUBE-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A KUBE-EXTERNAL-SERVICES -p tcp -m comment --comment "default/idle has no endpoints" -m addrtype --dst-type LOCAL\
 -m tcp --dport 8000 -j REJECT --reject-with icmp-port-unreachable
-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections"\
 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
""".replace("\\\n", "")
KUBE_PROXY_NFT = """
table ip kube-proxy {
    set nodeport-ips { type ipv4_addr; elements = { 192.0.2.1 }; }
    map service-nodeports { type inet_proto . inet_service : verdict; elements = { tcp . 8080 : goto external-web }; }
    map no-endpoint-nodeports {
        type inet_proto . inet_service : verdict
        elements = { tcp . 8000 : goto reject-chain }
    }
    chain reject-chain { reject; }
    chain mark-for-masquerade { meta mark set meta mark | 0x4000; }
    chain endpoint-one { meta l4proto tcp dnat to 172.17.0.2:80; }
    chain endpoint-two { meta l4proto tcp dnat to 172.17.0.2:443; }
    chain service-web { numgen random mod 2 vmap { 0 : goto endpoint-one, 1 : goto endpoint-two }; }
    chain external-web { jump mark-for-masquerade; goto service-web; }
    chain services { ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports; }
    chain service-endpoints-check { ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports; }
    chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
    chain filter-prerouting {
        type filter hook prerouting priority dstnat - 10
        ct state new jump service-endpoints-check
    }
}
table ip filter {
    chain FORWARD { type filter hook forward priority filter; policy drop; meta mark & 0x4000 == 0x4000 accept; }
}
"""
CALICO = """*filter
:cali-INPUT - [0:0]
:cali-fh-wan0 - [0:0]
:cali-from-host-endpoint - [0:0]
:cali-pi-web - [0:0]
:cali-wl-to-host - [0:0]
-A INPUT -j cali-INPUT
-A cali-INPUT -i cali+ -g cali-wl-to-host
-A cali-INPUT -m mark --mark 0x10000/0x10000 -j ACCEPT
-A cali-INPUT -j MARK --set-xmark 0x0/0xf0000
-A cali-INPUT -j cali-from-host-endpoint
-A cali-INPUT -m comment --comment "Host endpoint policy accepted packet." -m mark --mark 0x10000/0x10000 -j ACCEPT
-A cali-from-host-endpoint -i wan0 -g cali-fh-wan0
-A cali-fh-wan0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A cali-fh-wan0 -m conntrack --ctstate INVALID -j DROP
-A cali-fh-wan0 -j MARK --set-xmark 0x0/0x10000
-A cali-fh-wan0 -m comment --comment "Start of policies" -j MARK --set-xmark 0x0/0x20000
-A cali-fh-wan0 -m mark --mark 0x0/0x20000 -j cali-pi-web
-A cali-fh-wan0 -m comment --comment "Return if policy accepted" -m mark --mark 0x10000/0x10000 -j RETURN
-A cali-fh-wan0 -m comment --comment "Drop if no policies passed packet" -m mark --mark 0x0/0x20000 -j DROP
-A cali-pi-web -p tcp -m set --match-set cali40s:web src -m multiport --dports 80,443 -j MARK\
 --set-xmark 0x10000/0x10000
-A cali-pi-web -m mark --mark 0x10000/0x10000 -j RETURN
COMMIT
""".replace("\\\n", "")


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


@pytest.mark.parametrize("tool", ["iptables-nft", "iptables-legacy"])
@pytest.mark.parametrize(("policy", "expected"), [("ACCEPT", (OPEN, None)), ("DROP", (BLOCKED, "iptables"))])
def test_ports_that_podman_publishes(policy, expected, tool, world):
    assert not run(f"{tool}-restore", text=PODMAN.format(policy=policy)).returncode
    expect(world, {(8080, OUTER): expected, (8080, OVER_IPV6): (OPEN, None), (22, OUTER): (OPEN, None)})


@pytest.mark.parametrize("tool", ["iptables-nft", "iptables-legacy"])
def test_kube_proxy(tool, world):
    assert not run(f"{tool}-restore", text=KUBE_PROXY).returncode
    expect(world, {
        (8080, OUTER): (OPEN, None), (8080, ANY): (OPEN, None), (22, ANY): (OPEN, None),
        (8000, OUTER): (BLOCKED, "iptables"),
    })  # fmt: skip


def test_kube_proxy_in_its_mode_of_nftables(world):
    assert not run("nft", "-f", "-", text=KUBE_PROXY_NFT).returncode
    expect(world, {
        (8080, OUTER): (OPEN, None), (22, OUTER): (OPEN, None), (8000, OUTER): (BLOCKED, "nftables"),
        (8000, OVER_IPV6): (OPEN, None),
    })  # fmt: skip


@pytest.mark.parametrize("tool", ["iptables-nft", "iptables-legacy"])
def test_calico_with_a_host_endpoint(tool, world):
    assert not run("ipset", "create", "cali40s:web", "hash:net").returncode
    assert not run("ipset", "add", "cali40s:web", "192.0.2.9").returncode
    assert not run(f"{tool}-restore", text=CALICO).returncode
    expect(world, {
        (80, OUTER): (OPEN, None), (80, OTHER): (BLOCKED, "iptables"), (22, OUTER): (BLOCKED, "iptables"),
        (80, ANY): (LIMITED, "iptables"), (80, OVER_IPV6): (OPEN, None),
    })  # fmt: skip
