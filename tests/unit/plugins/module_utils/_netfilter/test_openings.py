# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import openings
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.openings import Opening

PORTS = Opening("tcp", 80, 81)
ONE = Opening("udp", 53, 53, ("10.0.0.0/8",))
TWO = Opening("tcp", 80, 80, ("fd00::/8", "2001:db8::1"), is_ipv6=True)
ON = Opening("tcp", 80, 80, to="172.17.0.2")
ON6 = Opening("tcp", 80, 80, ("fd00::7",), "fd00::2", is_ipv6=True)


@pytest.mark.parametrize(
    ("opening", "expected"),
    [
        (PORTS, "-p tcp --dport 80:81 -j ACCEPT"),
        (ONE, "-s 10.0.0.0/8 -p udp --dport 53 -j ACCEPT"),
        (TWO, "-s fd00::/8,2001:db8::1 -p tcp --dport 80 -j ACCEPT"),
        (ON, "-d 172.17.0.2 -p tcp --dport 80 -j ACCEPT"),
        (ON6, "-s fd00::7 -d fd00::2 -p tcp --dport 80 -j ACCEPT"),
    ],
)
def test_iptables(opening, expected):
    assert openings.with_iptables(opening) == expected


@pytest.mark.parametrize(
    ("opening", "expected"),
    [
        (PORTS, "tcp dport 80-81 accept"),
        (ONE, "ip saddr 10.0.0.0/8 udp dport 53 accept"),
        (TWO, "ip6 saddr { fd00::/8, 2001:db8::1 } tcp dport 80 accept"),
        (ON, "ip daddr 172.17.0.2 tcp dport 80 accept"),
        (ON6, "ip6 saddr fd00::7 ip6 daddr fd00::2 tcp dport 80 accept"),
    ],
)
def test_nft(opening, expected):
    assert openings.with_nft(opening) == expected


@pytest.mark.parametrize(
    ("opening", "expected"),
    [
        (PORTS, "Run: firewall-cmd --zone=x --add-port=80-81/tcp --permanent && firewall-cmd --reload"),
        (
            ONE,
            'Run: firewall-cmd --zone=x --add-rich-rule=\'rule family="ipv4" source address="10.0.0.0/8" port port="53"'
            ' protocol="udp" accept\' --permanent && firewall-cmd --reload',
        ),
        (
            TWO,
            "Run: firewall-cmd --zone=x "
            '--add-rich-rule=\'rule family="ipv6" source address="fd00::/8" port port="80" protocol="tcp" accept\' '
            '--add-rich-rule=\'rule family="ipv6" source address="2001:db8::1" port port="80" protocol="tcp" accept\''
            " --permanent && firewall-cmd --reload",
        ),
        (ON, "Allow it in a policy of firewalld: what this host sends on passes no port of a zone."),
    ],
)
def test_firewalld(opening, expected):
    assert openings.with_firewalld(opening, " --zone=x") == expected


@pytest.mark.parametrize(
    ("opening", "expected"),
    [
        (PORTS, "Run: ufw allow 80:81/tcp"),
        (ONE, "Run: ufw allow proto udp from 10.0.0.0/8 to any port 53"),
        (
            TWO,
            "Run: ufw allow proto tcp from fd00::/8 to any port 80"
            " && ufw allow proto tcp from 2001:db8::1 to any port 80",
        ),
        (ON, "Run: ufw route allow proto tcp from any to 172.17.0.2 port 80"),
        (ON6, "Run: ufw route allow proto tcp from fd00::7 to fd00::2 port 80"),
        (ONE._replace(clients=()), "Run: ufw allow 53/udp"),
    ],
)
def test_ufw(opening, expected):
    assert openings.with_ufw(opening) == expected
