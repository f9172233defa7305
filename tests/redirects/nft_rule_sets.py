# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of nft."""

from __future__ import annotations

from redirects.rule_sets import (
    BY_DEVICE,
    FREE,
    FROM_HERE,
    MAY,
    NFT,
    TO_8080,
    TO_CONTAINER,
    TO_CONTAINER6,
    RuleSet,
    shape,
)

DNAT = "dnat to 172.17.0.2:8080"


def prerouting(*rules, family="ip", hook="prerouting", before=""):
    """A table of nf_tables with one base chain."""
    lines = "\n    ".join(rules)
    return f"""
table {family} test {{
{before}
  chain base {{
    type nat hook {hook} priority -100
    {lines}
  }}
}}
"""


def nft(name, rules, verdicts, **rest):
    rules = (rules,) if isinstance(rules, str) else rules
    return RuleSet(name, NFT, prerouting(*rules, **rest), verdicts)


RULE_SETS = [
    nft(
        "a port",
        f"tcp dport 80 {DNAT}",
        {
            "80": TO_CONTAINER,
            "80/udp": FREE,
            "81": FREE,
            "0.0.0.0:80": TO_CONTAINER,
            "[::]:80": TO_CONTAINER,
            "192.0.2.1:80": TO_CONTAINER,
            "[2001:db8:1::1]:80": FREE,
            "127.0.0.1:80": FREE,
        },
    ),
    nft("udp", "udp dport 53 dnat to 172.17.0.2:8080", {"53/udp": TO_CONTAINER, "53": FREE}),
    nft("the same port elsewhere", "tcp dport 80 dnat to 172.17.0.2", {"80": "172.17.0.2:80"}),
    nft(
        "inet",
        ("tcp dport 80 dnat ip to 172.17.0.2:8080", "tcp dport 81 dnat ip6 to [fd00:17::2]:8080"),
        {
            "80": TO_CONTAINER,
            "81": TO_CONTAINER6,
            "0.0.0.0:81": FREE,
            "[2001:db8:1::1]:81": TO_CONTAINER6,
            "[2001:db8:1::1]:80": FREE,
        },
        family="inet",
    ),
    nft(
        "ip6",
        "tcp dport 80 dnat to [fd00:17::2]:8080",
        {
            "80": TO_CONTAINER6,
            "0.0.0.0:80": FREE,
            "[::]:80": TO_CONTAINER6,
            "192.0.2.1:80": FREE,
            "[2001:db8:1::1]:80": TO_CONTAINER6,
            "[::1]:80": FREE,
        },
        family="ip6",
    ),
    nft(
        "both protocols",
        f"meta l4proto {{ tcp, udp }} th dport 80 {DNAT}",
        {"80": TO_CONTAINER, "80/udp": TO_CONTAINER, "81/udp": FREE},
    ),
    nft("a range", f"tcp dport 8000-8010 {DNAT}", {"8000": TO_CONTAINER, "8010": TO_CONTAINER, "8011": FREE}),
    nft(
        "below and above",
        (f"tcp dport < 100 {DNAT}", "tcp dport >= 9000 redirect to :8080"),
        {"99": TO_CONTAINER, "100": FREE, "9000": TO_8080, "8999": FREE},
    ),
    nft("a set", f"tcp dport {{ 80, 443 }} {DNAT}", {"80": TO_CONTAINER, "443": TO_CONTAINER, "444": FREE}),
    nft(
        "a set with ranges",
        f"tcp dport {{ 80, 8000-8010 }} {DNAT}",
        {"80": TO_CONTAINER, "8005": TO_CONTAINER, "81": FREE, "8011": FREE, "7999": FREE},
    ),
    nft("a range to the last port", f"tcp dport {{ 60000-65535 }} {DNAT}", {"65535": TO_CONTAINER, "59999": FREE}),
    nft(
        "a named set",
        f"tcp dport @published {DNAT}",
        {"80": TO_CONTAINER, "8005": TO_CONTAINER, "81": FREE},
        before="set published { type inet_service; flags interval; elements = { 80, 8000-8010 } }",
    ),
    nft("all ports but some", f"tcp dport != {{ 22, 443 }} {DNAT}", {"80": TO_CONTAINER, "22": FREE, "443": FREE}),
    nft("every port but one", f"tcp dport != 22 {DNAT}", {"80": TO_CONTAINER, "22": FREE}),
    nft("every port", "ip protocol tcp dnat to 172.17.0.2", {"80": "172.17.0.2:80", "80/udp": FREE}),
    nft(
        "a map of addresses",
        "dnat to tcp dport map { 80 : 172.17.0.2, 443 : 172.17.0.3 }",
        {"80": "172.17.0.2:80", "443": "172.17.0.3:443", "81": FREE},
    ),
    nft(
        "a map of addresses and ports",
        "dnat to tcp dport map { 80 : 172.17.0.2 . 8080, 81 : 172.17.0.3 . 81 }",
        {"80": TO_CONTAINER, "81": "172.17.0.3:81", "82": FREE},
    ),
    nft(
        "a map of ports",
        "meta l4proto tcp redirect to :tcp dport map { 80 : 8080, 81 : 3128 }",
        {"80": TO_8080, "81": "port 3128 of this host", "82": FREE},
    ),
    nft(
        "a verdict map",
        "tcp dport vmap { 80 : jump published, 443 : accept, 8000-8010 : goto published }",
        {"80": TO_CONTAINER, "443": FREE, "8005": TO_CONTAINER, "81": FREE},
        before=f"chain published {{ meta l4proto tcp {DNAT}; }}",
    ),
    nft(
        "a verdict map with a rest",
        ("tcp dport vmap { 22 : accept, 80 : continue, * : goto published }", "tcp dport 80 redirect to :8080"),
        {"22": FREE, "80": TO_8080, "81": TO_CONTAINER},
        before=f"chain published {{ meta l4proto tcp {DNAT}; }}",
    ),
    nft(
        "a map of protocols with ports",
        ("meta l4proto . th dport vmap @published", "tcp dport . ip daddr vmap { 82 . 192.0.2.1 : goto web }"),
        {"80": TO_CONTAINER, "80/udp": FREE, "81": FREE, "82": TO_CONTAINER},
        before=f"""chain web {{ meta l4proto tcp {DNAT}; }}
                   map published {{ type inet_proto . inet_service : verdict; elements = {{
                     tcp . 80 : goto web, udp . 81 : goto web }}; }}""",
    ),
    nft(
        "a map of protocols with ranges of ports",
        "meta l4proto . th dport vmap @published",
        {"85": TO_CONTAINER, "91": FREE, "85/udp": FREE},
        before=f"""chain web {{ meta l4proto tcp {DNAT}; }}
                   map published {{ type inet_proto . inet_service : verdict; flags interval; elements = {{
                     tcp . 80-90 : goto web }}; }}""",
    ),
    nft(
        "a set that rules fill",
        ("tcp dport @seen redirect to :8080", "tcp dport 81 add @seen { tcp dport }"),
        {"80": MAY + TO_8080, "82": MAY + TO_8080},
        before="set seen { type inet_service; flags dynamic; size 10; elements = { 80 } }",
    ),
    nft(
        "a verdict map after which a rule goes on",
        "meta l4proto vmap { tcp : accept, udp : continue } udp dport 53 redirect to :8080",
        {"53/udp": TO_8080, "54/udp": FREE, "53": FREE},
    ),
    nft(
        "a named map of addresses with ports",
        "ip daddr . tcp dport vmap @services",
        {"80": TO_CONTAINER, "192.0.2.1:80": TO_CONTAINER, "198.51.100.2:80": FREE, "81": FREE},
        before=f"""map services {{ type ipv4_addr . inet_service : verdict; elements = {{
                     192.0.2.1 . 80 : goto published, 10.96.0.1 . 81 : goto published }}; }}
                   chain published {{ meta l4proto tcp {DNAT}; }}""",
    ),
    nft(
        "networks with ranges of ports",
        f"ip daddr . tcp dport {{ 192.0.2.0/24 . 80-90, 10.0.0.0/8 . 1-9000 }} {DNAT}",
        {"85": TO_CONTAINER, "91": FREE, "192.0.2.1:80": TO_CONTAINER, "198.51.100.2:80": FREE},
    ),
    nft(
        "an address",
        f"ip daddr 192.0.2.1 tcp dport 80 {DNAT}",
        {"80": TO_CONTAINER, "192.0.2.1:80": TO_CONTAINER, "198.51.100.2:80": FREE, "[2001:db8:1::1]:80": FREE},
    ),
    nft("an address that is not here", f"ip daddr 203.0.113.5 tcp dport 80 {DNAT}", {"80": FREE, "192.0.2.1:80": FREE}),
    nft(
        "networks",
        (f"ip daddr 198.51.100.0/24 tcp dport 80 {DNAT}", f"ip daddr 192.0.0.0/22 tcp dport 81 {DNAT}"),
        {"198.51.100.2:80": TO_CONTAINER, "192.0.2.1:80": FREE, "192.0.2.1:81": TO_CONTAINER, "198.51.100.2:81": FREE},
    ),
    nft(
        "all addresses but one",
        f"ip daddr != 192.0.2.1 tcp dport 80 {DNAT}",
        {"192.0.2.1:80": FREE, "198.51.100.2:80": TO_CONTAINER},
    ),
    nft(
        "an IPv6 address",
        "ip6 daddr 2001:db8:1::/64 tcp dport 80 dnat ip6 to [fd00:17::2]:8080",
        {"[2001:db8:1::1]:80": TO_CONTAINER6, "[fd00:17::1]:80": FREE, "0.0.0.0:80": FREE},
        family="inet",
    ),
    nft(
        "a set of addresses",
        f"ip daddr @own tcp dport 80 {DNAT}",
        {"192.0.2.1:80": TO_CONTAINER, "198.51.100.2:80": FREE},
        before="set own { type ipv4_addr; flags timeout; elements = { 192.0.2.1 timeout 1h } }",
    ),
    nft(
        "devices",
        (
            f"iifname wan0 tcp dport 80 {DNAT}",
            f"iifname docker0 tcp dport 81 {DNAT}",
            f"iifname != docker0 tcp dport 82 {DNAT}",
            f'iifname "dock*" tcp dport 83 {DNAT}',
            f"iif lo tcp dport 84 {DNAT}",
            f"iifname {{ wan0, wan1 }} tcp dport 85 {DNAT}",
            f"iif wan0 tcp dport 86 {DNAT}",
            f"iifname ppp0 tcp dport 87 {DNAT}",
        ),
        {
            "192.0.2.1:80": TO_CONTAINER,
            "172.17.0.1:80": BY_DEVICE + TO_CONTAINER,
            "192.0.2.1:81": BY_DEVICE + TO_CONTAINER,
            "172.17.0.1:81": TO_CONTAINER,
            "192.0.2.1:82": TO_CONTAINER,
            "172.17.0.1:82": BY_DEVICE + TO_CONTAINER,
            "172.17.0.1:83": TO_CONTAINER,
            "192.0.2.1:83": BY_DEVICE + TO_CONTAINER,
            "84": FREE,
            "192.0.2.1:85": TO_CONTAINER,
            "172.17.0.1:85": BY_DEVICE + TO_CONTAINER,
            "192.0.2.1:86": TO_CONTAINER,
            "87": FREE,
        },
    ),
    nft(
        "addresses of devices by which nobody comes",
        (
            f"iifname lo tcp dport 80 {DNAT}",
            f"iifname != {{ wan0, docker0, vip0 }} tcp dport 81 {DNAT}",
            f"iifname {{ wan0, docker0 }} ip daddr 203.0.113.1 tcp dport 82 {DNAT}",
            f"iifname docker0 ip daddr 203.0.113.2 tcp dport 83 {DNAT}",
            f"iifname {{ ppp0, lo }} ip daddr 203.0.113.0/24 tcp dport 84 {DNAT}",
            "iifname wan0 return",
            "iifname docker0 return",
            f"iifname docker0 tcp dport 85 {DNAT}",
        ),
        {
            "80": FREE,
            "203.0.113.2:80": FREE,
            "81": FREE,
            "203.0.113.2:81": FREE,
            "203.0.113.1:82": BY_DEVICE + TO_CONTAINER,
            "82": BY_DEVICE + TO_CONTAINER,
            "203.0.113.2:83": TO_CONTAINER,
            "203.0.113.1:84": FREE,
            "84": FREE,
            "203.0.113.1:85": FREE,
            "85": FREE,
        },
    ),
    nft(
        "kinds of addresses",
        (
            f"fib daddr type local tcp dport 80 {DNAT}",
            f"fib daddr . iif type local tcp dport 81 {DNAT}",
            f"fib daddr type != local tcp dport 82 {DNAT}",
            f"fib saddr type local tcp dport 83 {DNAT}",
            f"fib saddr type != local tcp dport 84 {DNAT}",
        ),
        {"80": TO_CONTAINER, "81": MAY + TO_CONTAINER, "82": FREE, "83": FREE, "84": TO_CONTAINER},
    ),
    nft(
        "redirect",
        (
            "tcp dport 80 redirect to :8080",
            "tcp dport 81 redirect",
            "udp dport 82 redirect to :8080",
            "tcp dport 83 redirect to :80-90",
        ),
        {
            "80": TO_8080,
            "81": FREE,
            "82/udp": TO_8080,
            "82": FREE,
            "83": FREE,
            "192.0.2.1:81": BY_DEVICE + "port 81 of this host",
            "198.51.100.2:81": "port 81 of this host",
        },
    ),
    nft(
        "the same port on this host",
        "tcp dport 80 dnat to 192.0.2.1:80",
        {"80": MAY + "192.0.2.1:80", "192.0.2.1:80": FREE, "198.51.100.2:80": "192.0.2.1:80"},
    ),
    nft("a loopback address", "tcp dport 80 dnat to 127.0.0.1:80", {"80": MAY + "127.0.0.1:80", "127.0.0.1:80": FREE}),
    nft("several addresses", "tcp dport 80 dnat to 172.17.0.2-172.17.0.4:8080", {"80": "172.17.0.2-172.17.0.4:8080"}),
    nft(
        "a network for a network",
        "dnat ip prefix to ip daddr map { 198.51.100.0/24 : 172.17.0.0/24 }",
        {"198.51.100.2:80": MAY + "an unknown destination", "192.0.2.1:80": FREE},
    ),
    nft(
        "exceptions",
        ("ip daddr 192.0.2.1 accept", f"tcp dport 80 {DNAT}"),
        {"192.0.2.1:80": FREE, "198.51.100.2:80": TO_CONTAINER, "80": TO_CONTAINER},
    ),
    nft(
        "a chain that returns",
        ("tcp dport 80 jump inner", "tcp dport 80 redirect to :8080"),
        {"80": TO_8080},
        before=f"chain inner {{ iifname wan0 return; iifname docker0 return; meta l4proto tcp {DNAT}; }}",
    ),
    nft(
        "what looks like a jump",
        ("ip daddr 192.0.2.0/30 goto one", "ip daddr 255.255.255.253 jump two", "tcp dport 81 jump two"),
        {"192.0.2.1:80": TO_CONTAINER, "198.51.100.2:80": FREE, "198.51.100.2:81": TO_8080},
        before=f"chain one {{ meta l4proto tcp {DNAT}; }}\nchain two {{ meta l4proto tcp redirect to :8080; }}",
    ),
    nft(
        "a map before another port",
        "meta l4proto vmap { tcp : jump published } tcp dport 90 counter",
        {"80": TO_CONTAINER, "90": TO_CONTAINER, "80/udp": FREE},
        before=f"chain published {{ meta l4proto tcp {DNAT}; }}",
    ),
    nft(
        "a chain that does not return",
        ("tcp dport 80 goto inner", "tcp dport 80 redirect to :8080"),
        {"80": FREE},
        before="chain inner { counter; }",
    ),
    nft("a chain that nothing jumps to", "counter", {"80": FREE}, before=f"chain inner {{ tcp dport 80 {DNAT}; }}"),
    nft(
        "statements besides",
        (
            'counter log prefix "seen" meta mark set 7',
            f'tcp dport 80 counter {DNAT} comment "web"',
            "meta mark set ip dscp map { 0 : 1 }",
        ),
        {"80": TO_CONTAINER},
    ),
    nft(
        "what is tracked",
        (f"ct state new tcp dport 80 {DNAT}", f"ct state established,related tcp dport 81 {DNAT}"),
        {"80": TO_CONTAINER, "81": FREE},
    ),
    nft(
        "what opens a connection",
        (
            f"tcp flags syn tcp dport 80 {DNAT}",
            f"tcp flags & (fin | syn | rst | ack) == syn tcp dport 81 {DNAT}",
            f"tcp flags ack tcp dport 82 {DNAT}",
            f"tcp flags != syn / syn,ack tcp dport 83 {DNAT}",
            f"tcp flags == syn tcp dport 84 {DNAT}",
            f"tcp flags == ack tcp dport 85 {DNAT}",
            f"tcp flags {{ syn, syn | ack }} tcp dport 86 {DNAT}",
        ),
        {
            "80": TO_CONTAINER,
            "81": TO_CONTAINER,
            "82": FREE,
            "83": FREE,
            "84": MAY + TO_CONTAINER,
            "85": FREE,
            "86": MAY + TO_CONTAINER,
        },
    ),
    nft(
        "named objects",
        (f"tcp dport 80 counter name seen {DNAT}", f"tcp dport 81 quota name much {DNAT}"),
        {"80": TO_CONTAINER, "81": MAY + TO_CONTAINER, "82": FREE},
        before="counter seen { }\n  quota much { until 1 mbytes }",
    ),
    nft(
        "another source",
        (
            f"ip saddr 192.0.2.0/24 tcp dport 80 {DNAT}",
            f"ip saddr 127.0.0.0/8 tcp dport 81 {DNAT}",
            f"ip saddr 127.0.0.1 tcp dport 82 {DNAT}",
            f"ip saddr @blocked tcp dport 83 {DNAT}",
            f"tcp sport 1024-65535 tcp dport 84 {DNAT}",
            f"ip saddr 192.0.2.9 ip daddr 192.0.2.1 tcp dport 85 {DNAT}",
        ),
        {
            "80": MAY + TO_CONTAINER,
            "81": MAY + TO_CONTAINER,
            "82": MAY + TO_CONTAINER,
            "83": MAY + TO_CONTAINER,
            "84": TO_CONTAINER,
            "198.51.100.2:85": FREE,
            "192.0.2.1:85": MAY + TO_CONTAINER,
        },
        before="set blocked { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }",
    ),
    nft("exceptions for some", ("ip saddr 192.0.2.0/24 return", f"tcp dport 80 {DNAT}"), {"80": MAY + TO_CONTAINER}),
    nft(
        "what cannot be decided",
        (
            f"meta length 60 tcp dport 80 {DNAT}",
            f"limit rate 1/day tcp dport 81 {DNAT}",
            f"meta cpu 1 tcp dport 82 {DNAT}",
            f"meta priority 1:1 tcp dport 83 {DNAT}",
        ),
        {
            "80": MAY + TO_CONTAINER,
            "81": MAY + TO_CONTAINER,
            "82": MAY + TO_CONTAINER,
            "83": MAY + TO_CONTAINER,
            "84": FREE,
        },
    ),
    nft(
        "in doubt, but elsewhere either way",
        (f"meta cpu 1 tcp dport 80 {DNAT}", "tcp dport 80 redirect to :8080"),
        {"80": TO_CONTAINER + " and 1 more"},
    ),
    nft(
        "by chance",
        (
            "tcp dport 80 numgen random mod 2 vmap { 0 : goto one, 1 : goto two }",
            "tcp dport 81 numgen random mod 3 vmap { 0 : goto one, 1 : goto two }",
            "tcp dport 82 jhash ip saddr mod 2 vmap { 0 : goto one, 1 : goto two }",
            "tcp dport 83 numgen random mod 10 vmap { 0-6 : goto one, 7-9 : goto two }",
            "tcp dport 84 dnat to numgen inc mod 2 map { 0 : 172.17.0.2, 1 : 172.17.0.3 }",
        ),
        {
            "80": TO_CONTAINER + " and 1 more",
            "81": MAY + TO_CONTAINER + " and 1 more",
            "82": MAY + TO_CONTAINER + " and 1 more",
            "83": MAY + TO_CONTAINER + " and 1 more",
            "84": "172.17.0.2:84 and 1 more",
        },
        before=f"chain one {{ meta l4proto tcp {DNAT}; }}\nchain two {{ meta l4proto tcp dnat to 172.17.0.3:8080; }}",
    ),
    nft(
        "this host alone",
        (f"tcp dport 80 {DNAT}", "ip daddr 127.0.0.0/8 tcp dport 81 redirect to :8080"),
        {
            "80": FROM_HERE + TO_CONTAINER,
            "192.0.2.1:80": FROM_HERE + TO_CONTAINER,
            "127.0.0.1:80": TO_CONTAINER,
            "127.0.0.1:81": TO_8080,
            "127.0.0.2:82": FREE,
        },
        hook="output",
    ),
    nft(
        "this host alone, IPv6",
        "tcp dport 80 redirect to :8080",
        {"[::1]:80": TO_8080, "80": FROM_HERE + TO_8080},
        hook="output",
        family="ip6",
    ),
    RuleSet(
        "no NAT",
        NFT,
        """
table ip test {
  chain prerouting { type filter hook prerouting priority dstnat; tcp dport 80 accept; }
  chain postrouting { type nat hook postrouting priority srcnat; tcp dport 80 snat to 192.0.2.1; }
}""",
        {"80": FREE},
    ),
    RuleSet(
        "a dormant table",
        NFT,
        f"""
table ip test {{
  flags dormant
  chain prerouting {{ type nat hook prerouting priority dstnat; tcp dport 80 {DNAT}; }}
}}""",
        {"80": FREE},
    ),
    RuleSet(
        "the first that decides",
        NFT,
        f"""
table ip second {{
  chain prerouting {{ type nat hook prerouting priority 5; tcp dport {{ 80, 81, 82 }} {DNAT}; }}
}}
table ip first {{
  chain prerouting {{
    type nat hook prerouting priority -5
    tcp dport 80 accept
    tcp dport 81 redirect
    tcp dport 82 redirect to :8080
  }}
}}""",
        {"80": TO_CONTAINER, "81": FREE, "82": TO_8080},
    ),
    shape(
        "kube-proxy.nft",
        NFT,
        {
            "30080": TO_CONTAINER + " and 1 more",
            "30053/udp": "172.17.0.2:53",
            "30080/udp": FREE,
            "80": FREE,
            "192.0.2.1:30080": TO_CONTAINER + " and 1 more",
            "198.51.100.2:30080": FREE,
            "127.0.0.1:30080": FREE,
        },
    ),
    shape(
        "netavark.nft",
        NFT,
        {"8081": "172.17.0.2:80", "127.0.0.1:8081": "172.17.0.2:80", "8082": FREE, "[2001:db8:1::1]:8081": FREE},
    ),
]
