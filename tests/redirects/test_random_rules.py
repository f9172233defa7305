# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that nobody would write: whatever is said for sure about a port, the kernel says too."""

from __future__ import annotations

import random
import subprocess

from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from redirects.rule_sets import BY_DEVICE, FREE, FROM_HERE, MAY, said
from redirects.servers import SERVER
from redirects.world import World

PORTS = (80, 81, 443)
MORE_PORTS = (1, 79, 90, 100, 101, 8080, 9999)  # about which few rules are, or none
ENTRIES = (
    "{}",
    "{}/udp",
    "0.0.0.0:{}",
    "[::]:{}",
    "192.0.2.1:{}",
    "198.51.100.2:{}/udp",
    "172.17.0.1:{}",
    "203.0.113.2:{}",
    "[2001:db8:1::1]:{}",
    "[fd00:17::1]:{}",
    "127.0.0.1:{}",
    "[::1]:{}",
)

NFT_MATCHES = (
    "tcp dport 80",
    "udp dport 80",
    "tcp dport != 80",
    "tcp dport 80-100",
    "tcp dport { 80, 443 }",
    "udp dport { 1-80 }",
    "tcp dport != { 81, 443 }",
    "th dport 81",
    "meta l4proto tcp",
    "meta l4proto { tcp, udp }",
    "tcp dport > 80",
    "ip protocol udp",
    "ip daddr 192.0.2.1",
    "ip daddr != 192.0.2.1",
    "ip daddr { 192.0.2.1, 172.17.0.0/16 }",
    "ip daddr 198.51.96.0/20",
    "ip daddr & 0.0.0.255 == 0.0.0.1",
    "ip daddr . tcp dport { 192.0.2.1 . 80, 198.51.100.2 . 443 }",
    "ip daddr . th dport { 192.0.0.0/8 . 80-81 }",
    "ip6 daddr 2001:db8:1::/64",
    "ip6 daddr fd00:17::1",
    "ip6 daddr != { fd00::/8 }",
    "iifname wan0",
    "iifname != wan0",
    'iifname "docker*"',
    "iifname { lo, wan0 }",
    "iif lo",
    "oifname lo",
    "oifname != lo",
    "fib daddr type local",
    "fib daddr type != local",
    "fib saddr type local",
    "fib daddr . iif type local",
    "ct state new",
    "ct state != new",
    "meta nfproto ipv6",
    "meta nfproto != ipv6",
    "ip saddr 127.0.0.0/8",
    "ip saddr 192.0.2.0/24",
    "ip saddr != 127.0.0.1",
    "meta mark 1",
    "meta mark 0",
    "tcp sport 1",
    "tcp flags syn",
    "tcp flags ack",
    "tcp flags syn / syn,ack",
    "tcp flags & (fin|syn|rst|ack) == syn",
    "meta protocol ip",
    "iifname . tcp dport { wan0 . 80 }",
    "ip daddr 192.0.2.0/30",
    "tcp dport @some",
    "meta l4proto . th dport { tcp . 80, udp . 443 }",
)
# Verdicts that a rule may look up before it goes on.
NFT_MAPS = (
    "meta l4proto vmap {{ tcp : {} }}",
    "meta l4proto vmap {{ tcp : {}, udp : continue }}",
    "th dport vmap {{ 80 : {}, 81 : accept }}",
    "th dport vmap {{ 443 : {} }}",
    "th dport vmap {{ 443 : accept, * : {} }}",
    "th dport vmap {{ 79-80 : {} }}",
    "meta l4proto . th dport vmap {{ tcp . 81 : {}, udp . 80 : return }}",
    "meta l4proto . th dport vmap {{ tcp . 9000-9999 : {} }}",
    "th dport . meta l4proto vmap {{ 80 . tcp : {} }}",
)
NFT_ENDS = {
    "ip": ("dnat to 172.17.0.2", "dnat to 172.17.0.2:8080", "dnat to 192.0.2.1", "dnat to 198.51.100.2:8080"),
    "ip6": ("dnat to fd00:17::2", "dnat to [fd00:17::2]:8080", "dnat to 2001:db8:1::1"),
    "inet": ("dnat ip to 172.17.0.2", "dnat ip6 to [fd00:17::2]:8080"),
}
MORE_ENDS = (
    "redirect",
    "redirect to :8080",
    "accept",
    "return",
    "counter",
    "continue",
    "redirect to :80-90",
    "meta mark set 1",
)

IPTABLES_MATCHES = (
    "-p tcp -m tcp --dport 80",
    "-p udp -m udp --dport 80",
    "-p tcp -m tcp ! --dport 80",
    "-p tcp -m tcp --dport 80:100",
    "-p tcp -m multiport --dports 80,443",
    "-p udp -m multiport ! --dports 81,443",
    "-p tcp -m multiport --dports 79:81",
    "-p tcp",
    "! -p tcp",
    "-i wan0",
    "! -i wan0",
    "-i docker+",
    "-m addrtype --dst-type LOCAL",
    "-m addrtype ! --dst-type LOCAL",
    "-m addrtype --src-type LOCAL",
    "-m addrtype --dst-type LOCAL --limit-iface-in",
    "-m conntrack --ctstate NEW",
    "-m conntrack --ctstate ESTABLISHED",
    "-m mark --mark 0x0",
    "-m comment --comment x",
    "-p tcp -m multiport --ports 80,81",
    "-p tcp -m tcp --syn",
    "-m state ! --state NEW",
    "",
)
FAMILY_MATCHES = {
    "iptables": (
        "-d 192.0.2.1/32",
        "-d 192.0.2.0/30",
        "! -d 192.0.2.1/32",
        "-d 192.0.0.0/8",
        "-s 127.0.0.0/8",
        "-s 192.0.2.0/24",
        "! -s 127.0.0.1/32",
    ),
    "ip6tables": ("-d 2001:db8:1::1/128", "! -d fd00::/8", "-s ::1/128", "-d 2000::/3"),
}
IPTABLES_ENDS = {
    "iptables": (
        "-j DNAT --to-destination 172.17.0.2",
        "-j DNAT --to-destination 172.17.0.2:8080",
        "-j DNAT --to-destination 192.0.2.1",
    ),
    "ip6tables": ("-j DNAT --to-destination fd00:17::2", "-j DNAT --to-destination [fd00:17::2]:8080"),
}
MORE_IPTABLES_ENDS = (
    "-j ACCEPT",
    "-j RETURN",
    "-j MARK --set-mark 1",
    "-j REDIRECT",
    "-j REDIRECT --to-ports 8080",
    "-j REDIRECT --to-ports 80-90",
    "",
)


def test_random_rules(seed):
    chance = random.Random(seed)
    with World() as world:
        rules = load_rules(chance)
        for entry in chance.sample(ENTRIES, 5):
            asked = entry.format(chance.choice(PORTS if chance.random() < 0.8 else MORE_PORTS))
            (requirement,) = parse([asked])
            found = said(requirement)
            if not found.startswith(MAY):
                # Many of these rules send things where nobody listens: no answer is an answer as well.
                patience = 5.0 if found == FREE else 0.3
                truth = world.truth(requirement.protocol, requirement.endpoints, requirement.first, patience)
                told = f"{asked}: {found}, but the kernel: {truth}\n{rules}"
                assert (found == FREE) == (truth == {SERVER}), told
                assert SERVER in truth or not found.startswith((FROM_HERE, BY_DEVICE)), told


def load_rules(chance):
    """The commands that loaded them, a line each."""
    loaded = []
    for number in range(chance.randint(1, 3)):
        commands = nft_commands(chance, number) if chance.random() < 0.6 else iptables_commands(chance)
        # Not everything goes with everything: what the tools refuse is left out.
        loaded += [command for command in commands if taken(command)]
    return "\n".join(" ".join(command) for command in loaded)


def taken(command):
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def nft_commands(chance, number):
    family = chance.choice(tuple(NFT_ENDS))
    table = (family, f"random{number}")
    yield ["nft", "add", "table", *table]
    yield ["nft", "add", "set", *table, "some", "{ type inet_service; elements = { 81, 443 }; }"]
    chains = ["one", "two", "three"][: chance.randint(0, 3)]
    for chain in chains:
        yield ["nft", "add", "chain", *table, chain]
    for place, chain in enumerate(chains):
        yield from nft_rules(chance, table, chain, chains[:place])
    for hook in ("prerouting", "output"):
        head = f"{{ type nat hook {hook} priority {chance.randint(-150, 50)}; }}"
        yield ["nft", "add", "chain", *table, hook, head]
        yield from nft_rules(chance, table, hook, chains)


def nft_rules(chance, table, chain, onward):
    for _rule in range(chance.randint(1, 4)):
        tests = chance.sample(NFT_MATCHES, chance.randint(0, 2))
        protocol = chance.choice(("", "", "meta l4proto tcp", "meta l4proto udp", "tcp dport 80", "udp dport 443"))
        jumps = [f"{how} {to}" for to in onward for how in ("jump", "goto")]
        if jumps and chance.random() < 0.3:
            tests.insert(chance.randint(0, len(tests)), chance.choice(NFT_MAPS).format(chance.choice(jumps)))
        end = chance.choice((*NFT_ENDS[table[0]], *NFT_ENDS[table[0]], *MORE_ENDS, *jumps))
        yield ["nft", "add", "rule", *table, chain, " ".join((*tests, protocol, end))]


def iptables_commands(chance):
    family = chance.choice(tuple(IPTABLES_ENDS))
    nat = [f"{family}-{chance.choice(('nft', 'legacy'))}", "-t", "nat"]
    chains = ["ONE", "TWO"][: chance.randint(0, 2)]
    for chain in chains:
        yield [*nat, "-N", chain]
    for place, chain in enumerate(("PREROUTING", "OUTPUT", *chains)):
        jumps = [f"-{how} {to}" for to in chains[: max(place - 2, 0) if place > 1 else None] for how in "jg"]
        for _rule in range(chance.randint(1, 4)):
            matches = [chance.choice(IPTABLES_MATCHES), chance.choice((*FAMILY_MATCHES[family], "", "", ""))]
            end = chance.choice((*IPTABLES_ENDS[family], *IPTABLES_ENDS[family], *MORE_IPTABLES_ENDS, *jumps))
            yield [*nat, "-A", chain, *" ".join((*matches, end)).split()]
