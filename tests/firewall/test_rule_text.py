# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rule that decides reads as nft prints it."""

from __future__ import annotations

import pytest
from firewall import judge
from firewall.world import TCP, World, run

RULES = (
    "tcp dport 22 drop",
    "tcp dport 22-53 drop",
    "tcp dport != 100-65535 drop",
    "tcp dport 22 ip saddr 192.0.2.0/24 drop",
    "tcp dport 22 ip saddr != 10.0.0.0/8 drop",
    'iifname "wan0" tcp dport 22 reject with tcp reset',
    "tcp dport 22 meta length 0-65535 drop",
    "tcp dport 22 limit rate over 5/minute drop",
    "tcp dport 22 ct count over 5 drop",
    "tcp dport 22 ct state new drop",
    "tcp dport 22 reject with icmpx admin-prohibited",
    "tcp dport 22 reject",
    "tcp dport 22 reject with icmp host-unreachable",
    "tcp dport 22 reject with icmpv6 no-route",
    "meta nfproto ipv4 tcp dport 22 reject",
    "meta nfproto ipv4 tcp dport 22 reject with tcp reset",
    "tcp dport @some drop",
    "tcp dport { 22, 53-80, 443 } drop",
    "tcp dport 22 ip saddr { 10.0.0.0/8, 192.0.2.9, 192.0.2.64-192.0.2.80 } drop",
    "tcp dport 22 ip6 saddr { 2001:db8::/32, fd00::1 } drop",
    'tcp dport 22 iifname { "lan0", "wan0" } drop',
    'tcp dport 22 iif "wan0" drop',
    "tcp dport 22 ct original ip saddr 192.0.2.0/24 drop",
    "tcp dport 22 ct direction original drop",
    "tcp dport 22 ct status ! dnat drop",
    "tcp dport 22 ct state ! established,related drop",
    "tcp dport 22 iifgroup != 9 drop",
    "tcp dport 22 meta iiftype ether drop",
    "tcp dport 22 fib daddr type local drop",
    "tcp dport 22 fib saddr . iif oif exists drop",
    "tcp dport 22 meta pkttype host drop",
    "tcp dport 22 meta mark != 0x00000001 drop",
    "tcp dport 22 ct mark & 0x000000ff != 0x00000010 drop",
    'tcp dport 22 log prefix "no: " level info drop',
    "tcp flags syn / fin,syn,rst,ack drop",
    "tcp dport vmap { 22 : drop, 80 : accept }",
    "tcp dport vmap { 0-21 : accept, 22-65535 : drop }",
    'iifname . tcp dport vmap { "lo" . 22 : accept, "wan0" . 22 : drop }',
    "ip saddr . tcp dport { 192.0.2.0/24 . 22-53, 198.51.100.7 . 443 } drop",
    "ip daddr . meta l4proto . th dport { 192.0.2.1 . tcp . 22, 192.0.2.1 . udp . 53 } drop",
    "meta l4proto . th dport vmap { tcp . 22 : drop, udp . 53 : drop }",
    "ip6 daddr . tcp dport { 2001:db8:1::1 . 22 } drop",
    "ip saddr & 0.0.0.255 == 0.0.0.9 tcp dport 22 drop",
    "ip ttl != 255 tcp dport 22 drop",
)

# nft 1.1 has other words than its predecessors.
NEWER_AND_OLDER = {
    "/minute burst 5 packets ": "/minute ",
    "tcp flags & (fin | syn | rst | ack) == syn ": "tcp flags syn / fin,syn,rst,ack ",
}


@pytest.fixture(scope="module")
def world():
    with World() as made:
        yield made


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_as_nft_prints_it(rule, world):
    chain = f"chain c {{ type filter hook input priority 0; {rule}; }}"
    made = f"set some {{ type inet_service; elements = {{ 22 }}; }}; {chain}"
    assert not run("nft", "-f", "-", text=f"flush ruleset\ntable inet t {{ {made}; }}").returncode
    listed = run("nft", "list", "chain", "inet", "t", "c").stdout
    for newer, older in NEWER_AND_OLDER.items():
        listed = listed.replace(newer, older)
    address = "2001:db8:1::1" if "ip6" in rule or "icmpv6" in rule else "192.0.2.1"
    (passage,) = judge.said([judge.Question(TCP, address, 22, ())])
    assert (passage.rule or "") in [line.strip() for line in listed.splitlines()], listed


IPTABLES = (
    "-p tcp -m tcp --dport 22 -j DROP",
    "-p tcp -m tcp --dport 22 -m state --state NEW -j DROP",
    "-p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j DROP",
    "-p tcp -m tcp --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN -j DROP",
    "-p tcp -m tcp --dport 22 ! --tcp-flags FIN,SYN,RST,ACK ACK -j DROP",
    "-s 0.0.0.9/0.0.0.255 -p tcp -m tcp --dport 22 -j DROP",
    "-s 192.0.2.0/24 -i wan0 -p tcp -m multiport --dports 22,53:80 -j REJECT --reject-with icmp-host-prohibited",
)


@pytest.mark.parametrize("tool", ["iptables-nft", "iptables-legacy"])
@pytest.mark.parametrize("rule", IPTABLES)
def test_the_rule_as_iptables_prints_it(tool, rule, world):
    assert not run("nft", "flush", "ruleset").returncode
    assert not run(f"{tool}-restore", text=f"*filter\n-A INPUT {rule}\nCOMMIT\n").returncode
    listed = run(f"{tool}-save", "-t", "filter").stdout.splitlines()
    (passage,) = judge.said([judge.Question(TCP, "192.0.2.1", 22, ())])
    assert not run(f"{tool}-restore", text="*filter\nCOMMIT\n").returncode
    assert passage.rule in listed, listed


@pytest.mark.parametrize("tool", ["ip6tables-nft", "ip6tables-legacy"])
@pytest.mark.parametrize("how", ["icmp6-port-unreachable", "icmp6-adm-prohibited", "tcp-reset"])
def test_a_rejection_of_ipv6_as_iptables_prints_it(tool, how, world):
    rule = f"-p tcp -m tcp --dport 22 -j REJECT --reject-with {how}"
    assert not run("nft", "flush", "ruleset").returncode
    assert not run(f"{tool}-restore", text=f"*filter\n-A INPUT {rule}\nCOMMIT\n").returncode
    (passage,) = judge.said([judge.Question(TCP, "2001:db8:1::1", 22, ())])
    assert not run(f"{tool}-restore", text="*filter\nCOMMIT\n").returncode
    assert passage.rule == f"-A INPUT {rule}"
