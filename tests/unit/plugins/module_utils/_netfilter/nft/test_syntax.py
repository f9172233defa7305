# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.syntax import rule
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.keys import Element
from support import nftables as nft
from support import xt_entries
from support.netlink import attribute


def masked(mask):
    size = len(mask)
    kept = attribute(4, attribute(1, mask)) + attribute(5, attribute(1, bytes(size)))
    return nft.expression("bitwise", nft.numbers(1, 1, size) + kept)


def xtables(kind, name, revision, info):
    return nft.expression(kind, nft.parts(nft.text(name), nft.be32(revision), info))


STATE = nft.expression("ct", nft.numbers(1, 0)) + masked(struct.pack("=I", 6)) + nft.compare(bytes(4), nft.NEQ)
TCP, DROP = nft.meta(16) + nft.compare(b"\6"), nft.end(nft.DROP)
PORT = nft.payload(2, 2, 2)
FLAGS = nft.payload(2, 13, 1)
LTE = 3


def limit(rate, seconds, burst, inverted=False, in_bytes=False):
    wide = attribute(1, struct.pack(">Q", rate)) + attribute(2, struct.pack(">Q", seconds))
    rest = (attribute(kind, nft.be32(value)) for kind, value in ((3, burst), (4, int(in_bytes)), (5, int(inverted))))
    return nft.expression("limit", wide + b"".join(rest))


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        (nft.dport(80) + nft.expression("counter") + DROP, "tcp dport 80 drop"),
        (TCP + DROP, "meta l4proto tcp drop"),
        (TCP + PORT + nft.lookup("ports") + DROP, "tcp dport @ports drop"),
        (TCP + PORT + nft.lookup("__set3", is_inverted=True) + DROP, "tcp dport != { ... } drop"),
        (TCP + PORT + nft.lookup("__map1", 1, 0), "tcp dport vmap { ... }"),
        (nft.payload(1, 12, 4) + nft.compare(b"\xc0\0\2\1") + DROP, "ip saddr 192.0.2.1 drop"),
        (nft.payload(1, 12, 3) + nft.compare(b"\xc0\0\2") + DROP, "ip saddr 192.0.2.0/24 drop"),
        (nft.payload(1, 16, 4) + masked(b"\xff\xff\xf0\0") + nft.compare(b"\xc0\0\0\0", nft.NEQ),
         "ip daddr != 192.0.0.0/20"),
        (nft.meta(6) + nft.compare(b"wan0".ljust(16, b"\0")) + nft.end(nft.JUMP, "mine"), 'iifname "wan0" jump mine'),
        (nft.meta(6) + nft.compare(b"wan") + DROP, 'iifname "wan*" drop'),
        (nft.meta(3) + nft.compare(struct.pack("=I", 16), nft.NEQ), "meta mark != 0x00000010"),
        (STATE + DROP, "ct state established,related drop"),
        (nft.expression("reject", nft.numbers(2, 3)), "reject with icmpx admin-prohibited"),
        (nft.expression("reject", nft.numbers(1)), "reject with tcp reset"),
        (nft.expression("reject", nft.numbers(2, 1)), "reject"),
        (nft.expression("reject", nft.numbers(0, 3)), "reject"),
        (nft.expression("reject", nft.numbers(0, 10)), "reject with icmp host-prohibited"),
        (nft.meta(15) + nft.compare(b"\x0a") + TCP + nft.expression("reject", nft.numbers(0, 0)),
         "meta l4proto tcp reject with icmpv6 no-route"),
        (nft.expression("socket") + DROP, "(socket) drop"),
        (limit(5, 60, 5, inverted=True) + DROP, "limit rate over 5/minute drop"),
        (limit(1000, 1, 2000, in_bytes=True), "limit rate 1000 bytes/second burst 2000 bytes"),
        (nft.expression("connlimit", nft.numbers(5, 1)) + DROP, "ct count over 5 drop"),
        (TCP + PORT + nft.compare(b"\x23\x32", nft.GTE) + nft.compare(b"\x23\x3b", LTE) + DROP,
         "tcp dport 9010-9019 drop"),
        (TCP + PORT + nft.compare(b"\x23\x32", nft.GTE) + DROP, "tcp dport >= 9010 drop"),
        (nft.meta(15) + nft.compare(b"\2") + nft.payload(1, 12, 4) + nft.compare(b"\xc0\0\2\1"), "ip saddr 192.0.2.1"),
        (FLAGS + masked(b"\x17") + nft.compare(b"\2"), "tcp flags syn / fin,syn,rst,ack"),
        (FLAGS + masked(b"\2") + nft.compare(b"\0", nft.NEQ), "tcp flags syn"),
        (FLAGS + nft.compare(b"\2", nft.NEQ), "tcp flags != syn"),
        (nft.payload(1, 8, 1) + nft.compare(b"\x40"), "ip ttl 64"),
        (nft.meta(15) + nft.compare(b"\n") + nft.payload(1, 8, 1) + nft.compare(b"\x20"), "ip6 saddr 2000::/8"),
        (nft.meta(3) + masked(struct.pack("=I", 255)) + nft.compare(struct.pack("=I", 1), nft.NEQ),
         "meta mark & 0x000000ff != 0x00000001"),
        (nft.expression("ct", nft.numbers(1, 0)) + nft.compare(struct.pack("=I", 2), nft.NEQ),
         "ct state != established"),
        (nft.meta(0) + nft.compare(struct.pack("=I", 60)), "meta length 60"),
        (nft.meta(0) + nft.expression("byteorder") + nft.compare(bytes(4), nft.GTE)
         + nft.compare(struct.pack(">I", 65535), LTE), "meta length 0-65535"),
    ],
)  # fmt: skip
def test_nft(expressions, expected):
    assert rule([element for _kind, element in attributes(expressions)]) == expected


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        (nft.payload(1, 12, 3) + nft.compare(b"\xc0\0\2") + TCP + xtables("match", *xt_entries.TCP_80) + DROP,
         "-s 192.0.2.0/24 -p tcp -m tcp --dport 80 -j DROP"),
        (TCP + FLAGS + masked(b"\x17") + nft.compare(b"\2") + PORT + nft.compare(b"\0\x50") + DROP,
         "-p tcp -m tcp --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN -j DROP"),
        (TCP + FLAGS + masked(b"\x17") + nft.compare(b"\0"), "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK NONE"),
        (nft.meta(6) + nft.compare(b"lo\0", nft.NEQ) + nft.end(nft.GOTO, "mine"), "! -i lo -g mine"),
        (xtables("match", *xt_entries.multiport(80, 90, 443, ranges=[0])) + nft.end(nft.ACCEPT),
         "-m multiport --dports 80:90,443 -j ACCEPT"),
        (xtables("target", "REJECT", 0, bytes((6, 0, 0, 0))), "-j REJECT --reject-with icmp-host-prohibited"),
    ],
)  # fmt: skip
def test_iptables(expressions, expected):
    assert rule([element for _kind, element in attributes(expressions)], is_iptables=True) == expected


SSH, DNS_TO_WEB = Element(b"\0\x16", b"\0\x16"), Element(b"\0\x35", b"\0\x50")
MEMBERS = [SSH, DNS_TO_WEB]
PRIVATE = Element(b"\n\0\0\0", b"\n\xff\xff\xff")
NETWORKS = [PRIVATE, Element(b"\xc0\0\2\1", b"\xc0\0\2\3")]
PAIRS = [Element(PRIVATE.first + port.first, PRIVATE.last + port.last) for port in MEMBERS]
DROPPED = attribute(2, nft.numbers(0))
JUMPS = attribute(2, nft.parts(struct.pack(">i", -3), nft.text("web")))
TO_WEB = SSH._replace(value=attribute(1, b"\0\x50"))
WAYS = [SSH._replace(value=DROPPED), DNS_TO_WEB._replace(value=JUMPS)]


@pytest.mark.parametrize(
    ("expressions", "members", "expected"),
    [
        (TCP + PORT + nft.lookup("__set1"), MEMBERS, "tcp dport { 22, 53-80 }"),
        (TCP + PORT + nft.lookup("__set1"), MEMBERS[:1] * 9, f"tcp dport {{ {'22, ' * 8}... }}"),
        (TCP + PORT + nft.lookup("__set1"), [], "tcp dport { ... }"),
        (TCP + PORT + nft.lookup("__map1", 1, 0), WAYS, "tcp dport vmap { 22 : drop, 53-80 : jump web }"),
        (
            TCP + PORT + nft.lookup("__map1", 1, 1),
            [SSH._replace(value=attribute(1, b"\0\x50"))],
            "tcp dport map { 22 : ... }",
        ),
        (
            TCP + nft.payload(1, 12, 4) + PORT + nft.lookup("__set1"),
            PAIRS,
            "ip saddr . tcp dport { 10.0.0.0/8 . 22, 10.0.0.0/8 . 53-80 }",
        ),
        (nft.payload(1, 12, 4) + nft.lookup("__set1"), NETWORKS, "ip saddr { 10.0.0.0/8, 192.0.2.1-192.0.2.3 }"),
    ],
)
def test_sets_without_a_name(expressions, members, expected):
    found = rule([element for _kind, element in attributes(expressions)], members=lambda _name, most: members[:most])
    assert found == expected
