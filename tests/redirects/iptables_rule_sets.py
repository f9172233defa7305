# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of iptables, loaded once with each kind of it."""

from __future__ import annotations

from redirects.rule_sets import (
    BY_DEVICE,
    FREE,
    FROM_HERE,
    IP6TABLES,
    IPTABLES,
    MAY,
    TO_8080,
    TO_CONTAINER,
    TO_CONTAINER6,
    RuleSet,
    shape,
)

DNAT = "-j DNAT --to-destination 172.17.0.2:8080"
ID = "0123456789abcdef" * 4


def rules(name, lines, verdicts, tool=IPTABLES):
    return RuleSet(name, tool, "\n".join(f"-A {line}" for line in lines), verdicts)


RULE_SETS = [
    rules(
        "a port",
        [f"PREROUTING -p tcp -m tcp --dport 80 {DNAT}"],
        {
            "80": TO_CONTAINER,
            "80/udp": FREE,
            "81": FREE,
            "192.0.2.1:80": TO_CONTAINER,
            "127.0.0.1:80": FREE,
            "[2001:db8:1::1]:80": FREE,
        },
    ),
    rules(
        "a port, IPv6",
        ["PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination [fd00:17::2]:8080"],
        {"80": TO_CONTAINER6, "0.0.0.0:80": FREE, "[2001:db8:1::1]:80": TO_CONTAINER6},
        IP6TABLES,
    ),
    rules(
        "redirect",
        [
            "PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080",
            "PREROUTING -p tcp -m tcp --dport 81 -j REDIRECT",
            "PREROUTING -p udp -m udp --dport 82 -j REDIRECT --to-ports 8080",
            "PREROUTING -p tcp -m tcp --dport 83 -j REDIRECT --to-ports 80-90",
        ],
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
    rules(
        "redirect, IPv6",
        [
            "PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080",
            "PREROUTING -p tcp -m tcp --dport 81 -j REDIRECT",
            "OUTPUT -d ::1/128 -p tcp -m tcp --dport 82 -j REDIRECT --to-ports 8080",
        ],
        {
            "80": TO_8080,
            "[::]:80": TO_8080,
            "0.0.0.0:80": FREE,
            "81": FREE,
            "[::1]:82": TO_8080,
            "[::1]:80": FREE,
            "[2001:db8:1::1]:81": MAY + "port 81 of this host",
        },
        IP6TABLES,
    ),
    rules(
        "ranges",
        [f"PREROUTING -p tcp -m tcp --dport 8000:8010 {DNAT}", f"PREROUTING -p udp -m udp ! --dport 53 {DNAT}"],
        {"8000": TO_CONTAINER, "8010": TO_CONTAINER, "8011": FREE, "53/udp": FREE, "54/udp": TO_CONTAINER},
    ),
    rules(
        "multiport",
        [
            f"PREROUTING -p tcp -m multiport --dports 80,443,8000:8010 {DNAT}",
            f"PREROUTING -p udp -m multiport ! --dports 53,123 {DNAT}",
            f"PREROUTING -p tcp -m multiport --ports 85,86 {DNAT}",
            f"PREROUTING -p tcp -m multiport --sports 1024:65535 -m tcp --dport 87 {DNAT}",
        ],
        {
            "80": TO_CONTAINER,
            "443": TO_CONTAINER,
            "8005": TO_CONTAINER,
            "8011": FREE,
            "53/udp": FREE,
            "54/udp": TO_CONTAINER,
            "85": TO_CONTAINER,
            "87": TO_CONTAINER,
        },
    ),
    rules(
        "one of many ports",
        [f"PREROUTING -p tcp -m multiport --dports 80,443 {DNAT}"],
        {"80": TO_CONTAINER, "443": TO_CONTAINER, "81": FREE},
    ),
    rules(
        "addresses",
        [
            f"PREROUTING -d 192.0.2.1/32 -p tcp -m tcp --dport 80 {DNAT}",
            f"PREROUTING ! -d 192.0.2.1/32 -p tcp -m tcp --dport 81 {DNAT}",
            f"PREROUTING -d 192.0.0.0/22 -p tcp -m tcp --dport 82 {DNAT}",
        ],
        {
            "192.0.2.1:80": TO_CONTAINER,
            "198.51.100.2:80": FREE,
            "80": TO_CONTAINER,
            "192.0.2.1:81": FREE,
            "198.51.100.2:81": TO_CONTAINER,
            "192.0.2.1:82": TO_CONTAINER,
            "198.51.100.2:82": FREE,
        },
    ),
    rules(
        "devices",
        [
            f"PREROUTING -i lo -p tcp -m tcp --dport 80 {DNAT}",
            f"PREROUTING -i wan+ -p tcp -m tcp --dport 81 {DNAT}",
            f"PREROUTING ! -i docker0 -p tcp -m tcp --dport 82 {DNAT}",
            f"PREROUTING -i docker0 -p tcp -m tcp --dport 83 {DNAT}",
            f"PREROUTING -i ppp0 -p tcp -m tcp --dport 84 {DNAT}",
        ],
        {
            "80": FREE,
            "192.0.2.1:81": TO_CONTAINER,
            "172.17.0.1:81": BY_DEVICE + TO_CONTAINER,
            "192.0.2.1:82": TO_CONTAINER,
            "172.17.0.1:82": BY_DEVICE + TO_CONTAINER,
            "192.0.2.1:83": BY_DEVICE + TO_CONTAINER,
            "172.17.0.1:83": TO_CONTAINER,
            "83": TO_CONTAINER,
            "84": FREE,
        },
    ),
    rules(
        "addresses of devices by which nobody comes",
        [
            "PREROUTING -i lo -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080",
            f"PREROUTING -d 203.0.113.0/24 -i wan0 -p tcp -m tcp --dport 81 {DNAT}",
        ],
        {
            "80": FREE,
            "203.0.113.1:80": FREE,
            "203.0.113.2:80": FREE,
            "203.0.113.1:81": BY_DEVICE + TO_CONTAINER,
            "203.0.113.2:81": TO_CONTAINER,
            "81": TO_CONTAINER,
        },
    ),
    rules(
        "kinds of addresses",
        [
            f"PREROUTING -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 80 {DNAT}",
            f"PREROUTING -p tcp -m addrtype ! --dst-type LOCAL -m tcp --dport 81 {DNAT}",
            f"PREROUTING -p tcp -m addrtype --src-type LOCAL -m tcp --dport 82 {DNAT}",
            f"PREROUTING -p tcp -m addrtype ! --src-type LOCAL -m tcp --dport 83 {DNAT}",
            f"PREROUTING -p tcp -m addrtype --dst-type LOCAL --limit-iface-in -m tcp --dport 84 {DNAT}",
            f"PREROUTING -p tcp -m addrtype --dst-type UNICAST -m tcp --dport 85 {DNAT}",
        ],
        {"80": TO_CONTAINER, "81": FREE, "82": FREE, "83": TO_CONTAINER, "84": MAY + TO_CONTAINER, "85": FREE},
    ),
    rules(
        "every port",
        ["PREROUTING -i wan0 -p tcp -j DNAT --to-destination 172.17.0.2"],
        {"80": "172.17.0.2:80", "443": "172.17.0.2:443", "80/udp": FREE, "172.17.0.1:80": BY_DEVICE + "172.17.0.2:80"},
    ),
    rules(
        "every protocol but one",
        ["PREROUTING ! -p udp -j DNAT --to-destination 172.17.0.2"],
        {"80": "172.17.0.2:80", "80/udp": FREE},
    ),
    rules(
        "another source",
        [
            f"PREROUTING -s 192.0.2.0/24 -p tcp -m tcp --dport 80 {DNAT}",
            f"PREROUTING -s 127.0.0.1/32 -p tcp -m tcp --dport 81 {DNAT}",
            f"PREROUTING ! -s 192.0.2.0/24 -p tcp -m tcp --dport 82 {DNAT}",
            f"PREROUTING -p tcp -m tcp --sport 1024:65535 --dport 83 {DNAT}",
            f"PREROUTING -p udp -m udp --sport 1024:65535 --dport 84 {DNAT}",
        ],
        {
            "80": MAY + TO_CONTAINER,
            "81": MAY + TO_CONTAINER,
            "82": MAY + TO_CONTAINER,
            "83": TO_CONTAINER,
            "84/udp": MAY + TO_CONTAINER,
        },
    ),
    rules(
        "what is tracked",
        [
            f"PREROUTING -p tcp -m conntrack --ctstate NEW -m tcp --dport 80 {DNAT}",
            f"PREROUTING -p tcp -m state --state NEW -m tcp --dport 81 {DNAT}",
            f"PREROUTING -p tcp -m conntrack --ctstate RELATED,ESTABLISHED -m tcp --dport 82 {DNAT}",
            f"PREROUTING -p tcp -m conntrack ! --ctstate NEW -m tcp --dport 83 {DNAT}",
            f"PREROUTING -p tcp -m conntrack --ctorigdst 192.0.2.1 -m tcp --dport 84 {DNAT}",
        ],
        {"80": TO_CONTAINER, "81": TO_CONTAINER, "82": FREE, "83": FREE, "84": TO_CONTAINER},
    ),
    rules(
        "what opens a connection",
        [
            f"PREROUTING -p tcp -m tcp --dport 80 --syn {DNAT}",
            f"PREROUTING -p tcp -m tcp --dport 81 --tcp-option 8 {DNAT}",
            f"PREROUTING -p tcp -m tcp --dport 82 ! --syn {DNAT}",
            f"PREROUTING -p tcp -m tcp --dport 83 --tcp-flags SYN,ACK ACK {DNAT}",
        ],
        {"80": TO_CONTAINER, "81": MAY + TO_CONTAINER, "82": FREE, "83": FREE},
    ),
    rules(
        "what cannot be decided",
        [
            f"PREROUTING -p tcp -m length --length 60 -m tcp --dport 80 {DNAT}",
            f"PREROUTING -p tcp -m statistic --mode nth --every 2 --packet 0 -m tcp --dport 81 {DNAT}",
            f"PREROUTING -p tcp -m recent --name seen --rcheck -m tcp --dport 82 {DNAT}",
            f"PREROUTING -p tcp -m string --algo bm --string x -m tcp --dport 83 {DNAT}",
        ],
        {
            "80": MAY + TO_CONTAINER,
            "81": MAY + TO_CONTAINER,
            "82": MAY + TO_CONTAINER,
            "83": MAY + TO_CONTAINER,
            "84": FREE,
        },
    ),
    rules(
        "ranges of targets",
        [
            "PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2-172.17.0.4:8000-8010",
            "PREROUTING -p tcp -m tcp --dport 7000:7010 -j DNAT --to-destination 172.17.0.2:8000-8010/7000",
            "PREROUTING -p tcp -m tcp --dport 85 -j DNAT --to-destination 192.0.2.1:85",
            "PREROUTING -p tcp -m tcp --dport 86 -j DNAT --to-destination 192.0.2.1:85",
        ],
        {
            "80": "172.17.0.2-172.17.0.4:8000-8010",
            "7005": "172.17.0.2:8000-8010",
            "85": MAY + "192.0.2.1:85",
            "198.51.100.2:85": "192.0.2.1:85",
            "192.0.2.1:85": FREE,
        },
    ),
    rules(
        "a network for a network",
        ["PREROUTING -d 198.51.100.0/24 -j NETMAP --to 172.17.0.0/24"],
        {"198.51.100.2:80": MAY + "an unknown destination", "192.0.2.1:80": FREE},
    ),
    rules(
        "a network for a network, IPv6",
        ["PREROUTING -d 2001:db8:1::/64 -p tcp -m tcp --dport 80 -j NETMAP --to fd00:17::/64"],
        {"[2001:db8:1::1]:80": MAY + "an unknown destination", "[fd00:17::1]:80": FREE},
        IP6TABLES,
    ),
    RuleSet(
        "chains",
        IPTABLES,
        f"""
:INNER - [0:0]
:OTHER - [0:0]
:UNUSED - [0:0]
-A PREROUTING -d 198.51.100.2/32 -p tcp -m tcp --dport 80 -j ACCEPT
-A PREROUTING -p tcp
-A PREROUTING -p tcp -m tcp --dport 82 -j LOG
-A PREROUTING -p tcp -m tcp --dport 82 -j MARK --set-xmark 0x1/0xffffffff
-A PREROUTING -p tcp -m tcp --dport 80:89 -j INNER
-A PREROUTING -p tcp -m tcp --dport 81 -j REDIRECT --to-ports 8080
-A PREROUTING -p tcp -m tcp --dport 83 -g OTHER
-A PREROUTING -p tcp -m tcp --dport 83 -j REDIRECT --to-ports 8080
-A INNER -p tcp -m tcp --dport 81 -j RETURN
-A INNER -p tcp -m tcp --dport 83 -j RETURN
-A INNER -p tcp {DNAT}
-A OTHER -p tcp -m tcp --dport 99 {DNAT}
-A UNUSED -p tcp -m tcp --dport 90 {DNAT}
""",
        {
            "80": TO_CONTAINER,
            "198.51.100.2:80": FREE,
            "81": TO_8080,
            "82": TO_CONTAINER,
            "83": FREE,
            "90": FREE,
            "99": FREE,
        },
    ),
    RuleSet(
        "what looks like a jump",
        IPTABLES,
        f"""
:ONE - [0:0]
:TWO - [0:0]
-A PREROUTING -d 192.0.2.0/30 -g ONE
-A PREROUTING -d 255.255.255.253/32 -j TWO
-A PREROUTING -p tcp -m multiport --dports 81,82 -j TWO
-A ONE -p tcp {DNAT}
-A TWO -p tcp -j REDIRECT --to-ports 8080
""",
        {"192.0.2.1:80": TO_CONTAINER, "198.51.100.2:80": FREE, "198.51.100.2:81": TO_8080},
    ),
    shape(
        "docker.iptables",
        IPTABLES,
        {
            "8081": "172.17.0.2:80",
            "8081/udp": FREE,
            "0.0.0.0:8081": "172.17.0.2:80",
            "[::]:8081": "172.17.0.2:80",
            "[2001:db8:1::1]:8081": FREE,
            "172.17.0.1:8081": BY_DEVICE + "172.17.0.2:80",
            "127.0.0.1:8081": FREE,
            "192.0.2.1:8082": "172.17.0.3:80",
            "198.51.100.2:8082": FREE,
            "8082": "172.17.0.3:80",
            "53/udp": "172.17.0.2:53",
            "8083": FREE,
        },
    ),
    shape(
        "portmap.iptables",
        IPTABLES,
        {
            "8081": "172.17.0.2:80",
            "172.17.0.1:8081": "172.17.0.2:80",
            "127.0.0.1:8081": "172.17.0.2:80",
            "8082": FREE,
            "8081/udp": FREE,
        },
    ),
    shape(
        "kube-proxy.iptables",
        IPTABLES,
        {
            "30080": TO_CONTAINER + " and 1 more",
            "30080/udp": FREE,
            "30081": MAY + TO_CONTAINER,
            "80": FREE,
            "127.0.0.1:30080": FREE,
            "[2001:db8:1::1]:30080": FREE,
        },
    ),
    rules(
        "this host alone",
        [
            f"OUTPUT -p tcp -m tcp --dport 80 {DNAT}",
            "OUTPUT -o lo -p tcp -m tcp --dport 81 -j REDIRECT --to-ports 8080",
            "OUTPUT -p tcp -m owner --uid-owner 12345 -m tcp --dport 82 -j REDIRECT --to-ports 8080",
            "OUTPUT -s 127.0.0.1/32 -p tcp -m tcp --dport 83 -j REDIRECT --to-ports 8080",
            "OUTPUT -s 192.0.2.1/32 -p tcp -m tcp --dport 84 -j REDIRECT --to-ports 8080",
        ],
        {
            "80": FROM_HERE + TO_CONTAINER,
            "127.0.0.1:80": TO_CONTAINER,
            "127.0.0.1:81": TO_8080,
            "81": FROM_HERE + TO_8080,
            "127.0.0.1:82": MAY + TO_8080,
            "127.0.0.1:83": TO_8080,
            "192.0.2.1:83": FREE,
            "83": FROM_HERE + TO_8080,
            "192.0.2.1:84": FROM_HERE + TO_8080,
            "127.0.0.1:84": FREE,
        },
    ),
    rules(
        "published on loopback",
        [f"OUTPUT -d 127.0.0.1/32 -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 80 {DNAT}"],
        {"80": FROM_HERE + TO_CONTAINER, "127.0.0.1:80": TO_CONTAINER, "192.0.2.1:80": FREE},
    ),
]
