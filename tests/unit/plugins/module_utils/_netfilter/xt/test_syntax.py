# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Matches and targets as iptables-save prints them."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.syntax import match, network, target
from support.xt_entries import multiport


def tcp(ports=(0, 65535), sources=(0, 65535), mask=0, flags=0, invert=0):
    return "tcp", 0, struct.pack("=HHHHBBBB", *sources, *ports, 0, mask, flags, invert)


def udp(ports=(0, 65535), sources=(0, 65535), invert=0):
    return "udp", 0, struct.pack("=HHHHB", *sources, *ports, invert)


def conntrack(states, asks=1, invert=0):
    ends, reply = bytes(64 + 64 + 8 + 1 + 1), bytes(8)
    return "conntrack", 3, ends + reply + struct.pack("=HHHH", asks, invert, states, 0)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (tcp((80, 80)), "-m tcp --dport 80"),
        (tcp((80, 90)), "-m tcp --dport 80:90"),
        (tcp((80, 80), invert=2), "-m tcp ! --dport 80"),
        (tcp((80, 80), (53, 54), invert=1), "-m tcp ! --sport 53:54 --dport 80"),
        (tcp(sources=(53, 53)), "-m tcp --sport 53"),
        (tcp(mask=0x17, flags=2), "-m tcp --tcp-flags FIN,SYN,RST,ACK SYN"),
        (tcp(mask=0x3F, flags=0x28), "-m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG PSH,URG"),
        (tcp(mask=0x01, flags=0), "-m tcp --tcp-flags FIN NONE"),
        (tcp(mask=0x17, flags=2, invert=4), "-m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN"),
        (tcp((80, 80), mask=0x17, flags=2, invert=8), "-m tcp --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN"),
        (udp((53, 53)), "-m udp --dport 53"),
        (udp((53, 53), invert=2), "-m udp ! --dport 53"),
        (udp((53, 53), (1, 9), invert=1), "-m udp ! --sport 1:9 --dport 53"),
        (("tcp", 0, b""), "-m tcp ..."),
        (("tcp", 0, bytes(8)), "-m tcp ..."),
        (multiport(80, 443), "-m multiport --dports 80,443"),
        (multiport(80, 90, 443, ranges=[0], which=0), "-m multiport --sports 80:90,443"),
        (multiport(80, which=2, invert=1), "-m multiport ! --ports 80"),
        (("comment", 0, b"web\0rest"), "-m comment --comment web"),
        (("comment", 0, b"the web\0"), '-m comment --comment "the web"'),
        (("length", 0, bytes(8)), "-m length ..."),
    ],
)
def test_match(made, expected):
    assert match(*made) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"states": 8}, "-m conntrack --ctstate NEW"),
        ({"states": 1 | 2 | 4}, "-m conntrack --ctstate ESTABLISHED,RELATED,INVALID"),
        ({"states": 64 | 128 | 256}, "-m conntrack --ctstate UNTRACKED,DNAT,SNAT"),
        ({"states": 8, "invert": 1}, "-m conntrack ! --ctstate NEW"),
        ({"states": 8, "invert": 2}, "-m conntrack --ctstate NEW"),
        ({"states": 8, "asks": 0x2001}, "-m state --state NEW"),
        ({"states": 8, "asks": 3}, "-m conntrack ..."),
        ({"states": 8, "asks": 2}, "-m conntrack ..."),
    ],
)
def test_conntrack(given, expected):
    assert match(*conntrack(**given)) == expected


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (0, "icmp-net-unreachable"),
        (1, "icmp-host-unreachable"),
        (2, "icmp-proto-unreachable"),
        (3, "icmp-port-unreachable"),
        (5, "icmp-net-prohibited"),
        (6, "icmp-host-prohibited"),
        (7, "tcp-reset"),
        (8, "icmp-admin-prohibited"),
    ],
)
def test_rejections(code, how):
    info = struct.pack("=I", code)
    assert target("REJECT", info, False) == f"-j REJECT --reject-with {how}"


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (0, "icmp6-no-route"),
        (1, "icmp6-adm-prohibited"),
        (3, "icmp6-addr-unreachable"),
        (4, "icmp6-port-unreachable"),
        (6, "tcp-reset"),
        (7, "icmp6-policy-fail"),
        (8, "icmp6-reject-route"),
    ],
)
def test_rejections_of_ipv6(code, how):
    assert target("REJECT", struct.pack("=I", code), True) == f"-j REJECT --reject-with {how}"
    assert target("REJECT", struct.pack("=I", 2), True) == "-j REJECT"


def test_other_targets():
    assert target("REJECT", struct.pack("=I", 4), False) == target("REJECT", b"", False) == "-j REJECT"
    assert target("LOG", bytes(40), False) == "-j LOG"


@pytest.mark.parametrize(
    ("address", "mask", "expected"),
    [
        (b"\xc0\0\2\0", b"\xff\xff\xff\0", "192.0.2.0/24"),
        (b"\xc0\0\2\1", b"\xff" * 4, "192.0.2.1/32"),
        (b"\0\0\0\x09", b"\0\0\0\xff", "0.0.0.9/0.0.0.255"),
        (b"\xfd" + bytes(15), b"\xff" + bytes(15), "fd00::/8"),
        (bytes(15) + b"\x09", bytes(15) + b"\xff", "::9/::ff"),
    ],
)
def test_network(address, mask, expected):
    assert network(address, mask) == expected
