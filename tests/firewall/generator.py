# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule sets that nobody would write."""

from __future__ import annotations

import random

from firewall.rule_sets import NFT, Chain, RuleSet, Table

KINDS = ("nft", "iptables-nft", "iptables-legacy", "several")

SETS = {
    "ip": (
        "set clients { type ipv4_addr; flags interval;"
        " elements = { 192.0.2.64-192.0.2.80, 203.0.113.0/24, 10.0.0.9 } }",
        "set pairs { type ipv4_addr . inet_service; flags interval;"
        " elements = { 192.0.2.0/24 . 22-80, 10.0.0.9 . 443, 198.51.100.7 . 8000-8080 } }",
        "set seen { type ipv4_addr; flags dynamic; size 100; elements = { 192.0.2.9 } }",
        "set full { type ipv4_addr; flags dynamic; size 1; elements = { 192.0.2.9 } }",
        "set ports { type inet_service; elements = { 22, 443, 8000 } }",
        "map marks { type ipv4_addr : mark; elements = { 192.0.2.9 : 1, 10.0.0.9 : 2 } }",
    ),
    "ip6": (
        "set clients { type ipv6_addr; flags interval; elements = { 2001:db8:1::70-2001:db8:1::80, fd00:10::9 } }",
        "set pairs { type ipv6_addr . inet_service; flags interval;"
        " elements = { 2001:db8:1::/64 . 22-80, fd00:10::9 . 443 } }",
        "set seen { type ipv6_addr; flags dynamic; size 100; elements = { 2001:db8:1::9 } }",
        "set full { type ipv6_addr; flags dynamic; size 1; elements = { 2001:db8:1::9 } }",
        "set ports { type inet_service; elements = { 22, 443, 8000 } }",
        "map marks { type ipv6_addr : mark; elements = { 2001:db8:1::9 : 1, fd00:10::9 : 2 } }",
    ),
}
OF_FAMILY = {
    "ip": (
        "ip saddr 192.0.2.0/24",
        "ip saddr 192.0.2.77",
        "ip saddr != 10.0.0.0/8",
        "ip saddr 192.0.2.5-192.0.2.80",
        "ip saddr { 192.0.2.9, 198.51.100.0/24 }",
        "ip saddr != { 192.0.2.77, 10.0.0.0/24 }",
        "ip saddr @clients",
        "ip saddr != @clients",
        "ip saddr & 0.0.0.255 == 0.0.0.9",
        "ip saddr & 255.255.0.0 == 10.0.0.0",
        "ip saddr . tcp dport { 192.0.2.9 . 80, 10.0.0.9 . 443, 203.0.113.50 . 5432 }",
        "ip saddr . th dport @pairs",
        "ip saddr . th dport != @pairs",
        "ip saddr . ip daddr { 192.0.2.9 . 192.0.2.1, 10.0.0.200 . 10.0.0.1 }",
        "ip saddr 192.0.2.9 ip daddr 192.0.2.1",
        "ip daddr 192.0.2.1",
        "ip daddr != 192.0.2.2",
        "ip daddr 10.0.0.0/8",
        "ip protocol tcp",
        "ip version 4",
        "ip saddr . iifname { 192.0.2.9 . wan0, 10.0.0.9 . lan0 }",
        "ip saddr < 192.0.2.50",
        "ip saddr >= 192.0.2.9",
        "ip daddr . th dport { 192.0.2.1 . 22-80, 10.0.0.1 . 443 }",
        "ip frag-off & 0x1fff == 0",
        "iif . ip saddr { lan0 . 10.0.0.9 }",
    ),
    "ip6": (
        "ip6 saddr 2001:db8:1::/64",
        "ip6 saddr 2001:db8:1::77",
        "ip6 saddr != fd00::/8",
        "ip6 saddr @clients",
        "ip6 saddr != @clients",
        "ip6 saddr { 2001:db8:1::9, 2001:db8:99::/48 }",
        "ip6 saddr & ::ff == ::9",
        "ip6 saddr . th dport @pairs",
        "ip6 saddr . tcp dport { 2001:db8:1::9 . 80, fd00:10::9 . 443 }",
        "ip6 daddr 2001:db8:1::1",
        "ip6 daddr != fd00::/8",
        "ip6 nexthdr tcp",
        "ip6 version 6",
        "ip6 saddr 2001:db8:1::9 ip6 daddr 2001:db8:1::1",
        "ip6 saddr > 2001:db8:1::50",
    ),
}
GENERAL = (
    "tcp dport 22",
    "tcp dport 80",
    "udp dport 53",
    "tcp dport != 22",
    "tcp dport 80-443",
    "tcp dport { 80, 443 }",
    "udp dport { 53, 8000-8080 }",
    "tcp dport != { 22, 8000-8080 }",
    "th dport 443",
    "tcp dport > 443",
    "tcp dport <= 80",
    "tcp dport @ports",
    "tcp dport != @ports",
    "meta l4proto tcp",
    "meta l4proto { tcp, udp }",
    "meta l4proto != udp",
    "meta l4proto . th dport { tcp . 22, udp . 53, tcp . 8000-8080 }",
    "iifname wan0",
    "iifname != wan0",
    'iifname "lan*"',
    "iifname { lo, lan0 }",
    "iif lan0",
    "iifgroup 7",
    "iifgroup != 7",
    "meta iiftype ether",
    "ct state new",
    "ct state established,related",
    "ct state { established, new }",
    "ct state != new",
    "ct state invalid",
    "ct state untracked",
    "ct direction original",
    "ct status dnat",
    "ct mark 2",
    "ct mark != 0",
    "meta mark 1",
    "meta mark 0",
    "meta mark & 0x10 == 0x10",
    "meta mark != 0",
    "meta mark { 1, 2 }",
    "meta mark < 2",
    "fib daddr type local",
    "fib daddr type { local, broadcast }",
    "fib saddr type != local",
    "fib saddr . iif oif exists",
    "fib saddr . iif oif missing",
    "tcp flags syn",
    "tcp flags & (fin | syn | rst | ack) == syn",
    "tcp flags & (fin | syn | rst | psh | ack | urg) == 0",
    "meta pkttype host",
    "meta pkttype != host",
    "meta protocol ip",
    "th sport 1024-65535",
    "tcp sport < 1024",
    "udp sport 53",
    "@th,16,16 { 22, 443 }",
    "iifname . th dport { wan0 . 80, lan0 . 443 }",
    "",
    "",
    "",
)
UNDECIDABLE = (
    "limit rate 1/day",
    "meta cpu 0",
    "numgen random mod 2 0",
    "meta length 60",
    "add @seen { {saddr} }",
    "add @full { {saddr} }",
    "{saddr} @seen",
    'meta hour "00:00"-"12:00"',
    "tcp option maxseg size 1-500",
    "quota 1 mbytes",
)
EFFECTS = (
    "meta mark set 1",
    "meta mark set 0x10",
    "meta mark set meta mark | 0x10",
    "meta mark set meta mark ^ 1",
    "ct mark set 2",
    "ct mark set meta mark",
    "meta mark set ct mark",
    "counter",
    "meta mark set tcp dport map { 80 : 1, 443 : 2, 8000-8080 : 16 }",
    "meta mark set {saddr} map @marks",
    "meta priority set 1:1",
)
ENDS = ("accept", "accept", "accept", "drop", "drop", "return", "reject", "continue")
MAPS = (
    "tcp dport vmap {{ 22 : accept, 80 : {0}, 443 : drop, 8000-8080 : {1} }}",
    "meta l4proto vmap {{ tcp : {0}, udp : {1} }}",
    "iifname vmap {{ wan0 : {0}, lan0 : {1} }}",
    "ct state vmap {{ invalid : drop, established : accept, new : {0} }}",
    "meta mark vmap {{ 0 : {0}, 1 : {1} }}",
    "{saddr} . th dport vmap {{ {pair} : {0}, {other} : {1} }}",
    "{saddr} vmap {{ {net} : {0}, {client} : {1} }}",
    "th dport vmap {{ 53 : {0}, * : {1} }}",
    "ct direction . th dport vmap {{ original . 22-443 : {0} }}",
)
ADDRESSES = {
    "ip": {
        "saddr": "ip saddr",
        "pair": "192.0.2.9 . 80",
        "other": "10.0.0.9 . 443",
        "net": "192.0.2.0/24",
        "client": "10.0.0.9",
        "container": "172.17.0.2",
        "here": "192.0.2.2",
    },
    "ip6": {
        "saddr": "ip6 saddr",
        "pair": "2001:db8:1::9 . 80",
        "other": "fd00:10::9 . 443",
        "net": "2001:db8:1::/64",
        "client": "fd00:10::9",
        "container": "fd00:17::2",
        "here": "2001:db8:1::1",
    },
}
PRIORITIES = (-300, -250, -150, -10, 0, 0, 0, 5, 10, 50)


def rule_set(seed: int) -> tuple[str, RuleSet]:
    """(kind, tables)."""
    chance = random.Random(seed)
    kind = chance.choice(KINDS)
    count = chance.randint(1, 3) if kind != "iptables-nft" else 1
    tables = []
    for number in range(count):
        tool = chance.choice(KINDS[:3]) if kind == "several" else kind
        if tool == NFT:
            tables.append(_nft_table(chance, number))
        else:
            tables.append(_iptables_table(chance, tool.partition("-")[2]))
    return kind, tuple({(table.tool, table.name): table for table in tables}.values())


def _nft_table(chance: random.Random, number: int) -> Table:
    family = chance.choice(("inet", "inet", "ip", "ip", "ip6", "netdev"))
    versions = [family] if family in SETS else [chance.choice(("ip", "ip", "ip6"))]
    sets = SETS[versions[0]]
    onward = ["one", "two", "three"][: chance.randint(0, 3)]
    chains: list[Chain] = []
    for place, name in enumerate(onward):
        chains.append(Chain(name, "", _nft_rules(chance, versions[0], onward[:place], "")))
    if family == "netdev":
        device = chance.choice(("wan0", "lan0"))
        head = f"type filter hook ingress device {device} priority {chance.randint(-5, 5)}; policy {_policy(chance)};"
        chains.append(Chain("ingress", head, _nft_rules(chance, versions[0], onward, "ingress")))
    else:
        for hook in sorted({"input", chance.choice(("input", "input", "prerouting", "forward"))}):
            head = f"type filter hook {hook} priority {chance.choice(PRIORITIES)}; policy {_policy(chance)};"
            chains.append(Chain(hook, head, _nft_rules(chance, versions[0], onward, hook)))
        if chance.random() < 0.25:
            head = f"type nat hook prerouting priority {chance.randint(-110, -90)};"
            chains.append(Chain("nat", head, _nft_rules(chance, versions[0], (), "nat")))
    return Table(NFT, f"{family} random{number}", sets, tuple(chains))


def _policy(chance: random.Random) -> str:
    return "drop" if chance.random() < 0.4 else "accept"


def _nft_rules(chance: random.Random, family: str, onward: list[str] | tuple[str, ...], hook: str) -> tuple[str, ...]:
    rules = []
    words = ADDRESSES[family]
    for _rule in range(chance.randint(1, 5)):
        tests = [
            chance.choice(GENERAL if chance.random() < 0.55 else OF_FAMILY[family])
            for _test in range(chance.randint(1, 2))
        ]
        if chance.random() < 0.02:
            tests.insert(chance.randint(0, len(tests)), chance.choice(UNDECIDABLE).replace("{saddr}", words["saddr"]))
        if chance.random() < 0.2:
            tests.insert(chance.randint(0, len(tests)), chance.choice(EFFECTS).replace("{saddr}", words["saddr"]))
        if hook == "nat":
            end = chance.choice(
                (
                    f"dnat to {words['container']}",
                    f"meta l4proto tcp dnat to {_port(words['container'], 8080)}",
                    "tcp dport 80 redirect to :8080",
                    "meta l4proto tcp redirect to :443",
                    f"dnat to {words['here']}",
                    "accept",
                    "return",
                    "redirect",
                )
            )
        elif onward and chance.random() < 0.15:
            jumps = [f"{how} {to}" for to in onward for how in ("jump", "goto")]
            ends = [chance.choice((*jumps, "accept", "drop", "continue", "return")) for _way in range(2)]
            end = chance.choice(MAPS).format(*ends, **words)
        else:
            jumps = [f"{how} {to}" for to in onward for how in ("jump", "jump", "goto")]
            end = chance.choice((*ENDS, *jumps, ""))
            if hook == "prerouting" and chance.random() < 0.1:
                # What it opens would be tracked from its second packet on, if only the first one matched.
                tests, end = [each for each in tests if "flags" not in each], "notrack"
            if end == "reject" and hook not in ("input", "forward", ""):
                end = "drop"
        rules.append(" ".join(filter(None, (*tests, end))) or "counter")
    return tuple(rules)


def _port(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


IPTABLES_MATCHES = (
    "-p tcp",
    "-p udp",
    "! -p udp",
    "-p tcp -m tcp --dport 22",
    "-p tcp -m tcp --dport 80:443",
    "-p tcp -m tcp ! --dport 22",
    "-p udp -m udp --dport 53",
    "-p tcp -m multiport --dports 22,80,8000:8080",
    "-p udp -m multiport ! --dports 53,443",
    "-p tcp -m multiport --ports 80,443",
    "-p tcp -m multiport --sports 1024:65535",
    "-p tcp -m tcp --sport 1024:65535",
    "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN",
    "-p tcp -m tcp ! --syn",
    "-i wan0",
    "! -i wan0",
    "-i lan+",
    "-i lo",
    "-m conntrack --ctstate NEW",
    "-m conntrack --ctstate RELATED,ESTABLISHED",
    "-m conntrack ! --ctstate NEW",
    "-m conntrack --ctstate INVALID",
    "-m conntrack --ctstate DNAT",
    "-m conntrack --ctproto tcp",
    "-m conntrack --ctdir ORIGINAL",
    "-m conntrack --ctorigdstport 80",
    "-m conntrack --ctstate UNTRACKED",
    "-m state --state NEW",
    "-m state --state RELATED,ESTABLISHED",
    "-m addrtype --dst-type LOCAL",
    "-m addrtype ! --dst-type LOCAL",
    "-m addrtype --src-type UNICAST",
    "-m mark --mark 0x1",
    "-m mark --mark 0x10/0x10",
    "-m mark ! --mark 0x0",
    "-m connmark --mark 0x2",
    "-m comment --comment words",
    "-m pkttype --pkt-type unicast",
    "-m devgroup --src-group 7",
    "-m helper --helper ftp",
    "",
    "",
    "",
)
IPTABLES_OF_FAMILY = {
    "iptables": (
        "-s 192.0.2.0/24",
        "! -s 192.0.2.0/24",
        "-s 192.0.2.77",
        "-s 10.0.0.0/8",
        "-d 192.0.2.1",
        "! -d 10.0.0.1",
        "-m iprange --src-range 192.0.2.5-192.0.2.80",
        "-m iprange ! --src-range 10.0.0.1-10.0.0.100",
        "-m iprange --dst-range 192.0.2.1-192.0.2.1",
        "-m conntrack --ctorigsrc 192.0.2.9",
        "-s 192.0.2.9 -d 192.0.2.1",
        "-s 0.0.0.9/0.0.0.255",
        "-m set --match-set net src",
        "-m set ! --match-set net src",
        "-m set --match-set pair src,dst",
        "-m set --match-set ports dst",
        "-m set --match-set all src",
    ),
    "ip6tables": (
        "-s 2001:db8:1::/64",
        "! -s 2001:db8:1::/64",
        "-s 2001:db8:1::77",
        "-s fd00::/8",
        "-d 2001:db8:1::1",
        "-d fd00:10::/64",
        "-m iprange --src-range 2001:db8:1::5-2001:db8:1::80",
        "-m rt --rt-type 0",
    ),
}
IPTABLES_UNDECIDABLE = (
    "-m limit --limit 1/day",
    "-m statistic --mode random --probability 0.5",
    "-m recent --rcheck --name x",
    "-m length --length 60",
    "-m time --timestart 00:00 --timestop 12:00",
    "-m ttl --ttl-lt 70",
)
IPTABLES_ENDS = ("-j ACCEPT", "-j ACCEPT", "-j ACCEPT", "-j DROP", "-j DROP", "-j RETURN", "")
IPTABLES_EFFECTS = (
    "-j MARK --set-mark 1",
    "-j MARK --set-xmark 0x10/0x10",
    "-j MARK --or-mark 0x10",
    "-j CONNMARK --set-mark 2",
    "-j CONNMARK --save-mark",
    "-j CONNMARK --restore-mark",
    "-m recent --set --name x",
)
HOOKS = {
    "raw": ("PREROUTING",),
    "mangle": ("PREROUTING", "INPUT"),
    "nat": ("PREROUTING",),
    "filter": ("INPUT", "FORWARD"),
    "security": ("INPUT",),
}


def _iptables_table(chance: random.Random, kind: str) -> Table:
    family = chance.choice(("iptables", "iptables", "ip6tables"))
    name = chance.choice(("filter", "filter", "filter", "mangle", "raw", "nat", "security"))
    onward = ["ONE", "TWO"][: chance.randint(0, 2)]
    chains = [
        Chain(each, "", _iptables_rules(chance, family, name, onward[:place], "")) for place, each in enumerate(onward)
    ]
    for hook in HOOKS[name]:
        policy = "DROP" if name != "nat" and chance.random() < 0.3 else "ACCEPT"
        chains.append(Chain(hook, policy, _iptables_rules(chance, family, name, onward, hook)))
    return Table(f"{family}-{kind}", name, (), tuple(chains))


def _iptables_rules(chance: random.Random, family: str, table: str, onward: list[str], hook: str) -> tuple[str, ...]:
    rules = []
    for _rule in range(chance.randint(1, 5)):
        tests = [chance.choice(IPTABLES_MATCHES), chance.choice((*IPTABLES_OF_FAMILY[family], *[""] * 8))]
        if chance.random() < 0.02:
            tests.append(chance.choice(IPTABLES_UNDECIDABLE))
        jumps = [f"-{how} {to}" for to in onward for how in "jjg"]
        end = chance.choice((*(each for each in IPTABLES_ENDS if table != "nat" or each != "-j DROP"), *jumps))
        if table == "nat" and hook:
            there = ADDRESSES["ip6" if family == "ip6tables" else "ip"]
            end = chance.choice(
                (
                    f"-j DNAT --to-destination {there['container']}",
                    f"-p tcp -j DNAT --to-destination {_port(there['container'], 8080)}",
                    "-p tcp -j REDIRECT --to-ports 8080",
                    "-j ACCEPT",
                    "-j RETURN",
                    *jumps,
                )
            )
        elif table in ("mangle", "raw") and chance.random() < 0.4:
            end = chance.choice(IPTABLES_EFFECTS if table == "mangle" else ("-j CT --notrack",))
        elif table == "filter" and chance.random() < 0.1:
            end = "-j REJECT"
        if end == "-j CT --notrack":
            tests = [each for each in tests if "flags" not in each and "--syn" not in each]
        rules.append(" ".join(filter(None, (*tests, end))))
    return tuple(rules)
