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
        (nft.meta(20) + nft.compare(struct.pack("=I", 9)), "meta cpu 9"),
        (nft.meta(99) + nft.compare(struct.pack("=I", 9)), "meta 99 9"),
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
        (nft.meta(6) + nft.compare(b"ext") + DROP, "-i ext+ -j DROP"),
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


def printed(*expressions, **rest):
    return rule([element for _kind, element in attributes(b"".join(expressions))], **rest)


def ct(key, direction=None):
    return nft.expression("ct", nft.numbers(1, key, direction))


def native(number):
    return struct.pack("=I", number)


HERE = b"\xc0\0\2\1"
HERE6 = b"\x20\1\x0d\xb8" + bytes(11) + b"\1"


@pytest.mark.parametrize(
    ("asked", "value", "expected"),
    [
        (nft.meta(0), native(60), "meta length 60"),
        (nft.meta(1), b"\x08\0", "meta protocol 2048"),
        (nft.meta(3), native(0x1F), "meta mark 0x0000001f"),
        (nft.meta(4), native(1), 'iif "lo"'),
        (nft.meta(5), native(1), 'oif "lo"'),
        (nft.meta(4), native(0x7FFFFFFF), "iif 2147483647"),
        (nft.meta(6), b"lo\0", 'iifname "lo"'),
        (nft.meta(7), b"lo\0", 'oifname "lo"'),
        *((nft.meta(8), struct.pack("=H", number), f"meta iiftype {name}")
          for number, name in ((1, "ether"), (512, "ppp"), (772, "loopback"), (778, "ipgre"), (9, "9"))),
        (nft.meta(21), native(7), "iifgroup 7"),
        (nft.meta(15), b"\2", "meta nfproto ipv4"),
        (nft.meta(15), b"\x0a", "meta nfproto ipv6"),
        (nft.meta(16), b"\1", "meta l4proto icmp"),
        (nft.meta(16), b"\x11", "meta l4proto udp"),
        (nft.meta(16), b"\x3a", "meta l4proto ipv6-icmp"),
        (nft.meta(16), b"\x84", "meta l4proto 132"),
        (nft.meta(19), b"\0", "meta pkttype host"),
        (nft.meta(19), b"\1", "meta pkttype broadcast"),
        (nft.meta(19), b"\2", "meta pkttype multicast"),
        (nft.meta(19), b"\3", "meta pkttype other"),
        (nft.meta(99), native(7), "meta 99 7"),
        (nft.payload(1, 12, 4), HERE, "ip saddr 192.0.2.1"),
        (nft.payload(1, 16, 4), HERE, "ip daddr 192.0.2.1"),
        (nft.payload(1, 16, 2), HERE[:2], "ip daddr 192.0.0.0/16"),
        (nft.payload(1, 12, 1), HERE[:1], "ip saddr 192.0.0.0/8"),
        (nft.payload(1, 9, 1), b"\6", "ip protocol tcp"),
        (nft.payload(1, 8, 16), HERE6, "ip6 saddr 2001:db8::1"),
        (nft.payload(1, 24, 16), HERE6, "ip6 daddr 2001:db8::1"),
        (nft.payload(1, 24, 4), HERE6[:4], "ip6 daddr 2001:db8::/32"),
        (nft.payload(1, 8, 8), HERE6[:8], "ip6 saddr 2001:db8::/64"),
        (nft.payload(1, 6, 1), b"\x11", "ip6 nexthdr udp"),
        (nft.payload(2, 0, 2), b"\0\x35", "th sport 53"),
        (nft.payload(2, 2, 2), b"\0\x35", "th dport 53"),
        (nft.payload(2, 13, 1), b"\2", "tcp flags syn"),
        (nft.payload(2, 13, 1), b"\0", "tcp flags 0"),
        (nft.payload(2, 13, 1), b"\xff", "tcp flags fin,syn,rst,psh,ack,urg,ecn,cwr"),
        (nft.payload(2, 4, 2), b"\0\7", "@th,32,16 7"),
        (nft.payload(1, 4, 2), b"\0\7", "@nh,32,16 7"),
        (nft.payload(0, 6, 6), b"\0\0\0\0\0\7", "@ll,48,48 7"),
        (ct(0), native(8), "ct state new"),
        (ct(0), native(1 | 4 | 64), "ct state invalid,related,untracked"),
        (ct(1), b"\0", "ct direction original"),
        (ct(1), b"\1", "ct direction reply"),
        (ct(2), native(1 | 2 | 4 | 8), "ct status expected,seen-reply,assured,confirmed"),
        (ct(2), native(16 | 32 | 512), "ct status snat,dnat,dying"),
        (ct(3), native(16), "ct mark 0x00000010"),
        (ct(4), b"\0\0\0\7", "ct 4 7"),
        (ct(11, 0), b"\0\x35", "ct original proto-src 53"),
        (ct(12, 0), b"\0\x35", "ct original proto-dst 53"),
        (ct(12, 1), b"\0\x35", "ct reply proto-dst 53"),
        (ct(19, 0), HERE, "ct original ip saddr 192.0.2.1"),
        (ct(20, 1), HERE, "ct reply ip daddr 192.0.2.1"),
        (ct(21, 0), HERE6, "ct original ip6 saddr 2001:db8::1"),
        (ct(22, 0), HERE6, "ct original ip6 daddr 2001:db8::1"),
        *((nft.expression("fib", nft.numbers(1, 3, 2)), native(number), f"fib daddr type {name}")
          for number, name in enumerate(("unicast", "local", "broadcast", "anycast", "multicast", "blackhole",
                                         "unreachable", "prohibit"), 1)),
        (nft.expression("fib", nft.numbers(1, 3, 2)), native(11), "fib daddr type 11"),
        (nft.expression("fib", nft.numbers(1, 1, 1 | 8)), native(1), 'fib saddr . iif oif "lo"'),
        (nft.expression("fib", nft.numbers(1, 1, 1 | 4 | 16 | 32)), b"\0", "fib saddr . mark . oif oif missing"),
        (nft.expression("fib", nft.numbers(1, 1, 1 | 32)), b"\1", "fib saddr oif exists"),
        (nft.expression("fib", nft.numbers(1, 9, 1)), b"\0\1", "fib saddr 9 1"),
        (b"", b"\0\7", "(a value) 7"),
    ],
)  # fmt: skip
def test_what_is_asked(asked, value, expected):
    assert printed(asked, nft.compare(value)) == expected


@pytest.mark.parametrize(
    ("how", "expected"), [(0, "22"), (1, "!= 22"), (2, "< 22"), (3, "<= 22"), (4, "> 22"), (5, ">= 22")]
)
def test_how_it_is_compared(how, expected):
    assert printed(PORT, nft.compare(b"\0\x16", how)) == f"th dport {expected}"


def test_what_comes_before_it_is_taken_for_granted():
    udp = nft.meta(16) + nft.compare(b"\x11")
    assert printed(udp, nft.payload(2, 0, 2), nft.compare(b"\0\x35")) == "udp sport 53"
    assert printed(udp, nft.payload(1, 12, 4), nft.compare(HERE), PORT, nft.compare(b"\0\x35")) == (
        "meta l4proto udp ip saddr 192.0.2.1 udp dport 53"
    )
    v4, v6 = (nft.meta(15) + nft.compare(family) for family in (b"\2", b"\x0a"))
    assert printed(v6, nft.payload(1, 24, 16), nft.compare(HERE6)) == "ip6 daddr 2001:db8::1"
    assert printed(v6, nft.payload(1, 12, 4), nft.compare(HERE)) == "meta nfproto ipv6 ip saddr 192.0.2.1"
    assert printed(v4, PORT, nft.compare(b"\0\x35")) == "meta nfproto ipv4 th dport 53"
    assert printed(nft.meta(16), nft.compare(b"\x11", nft.NEQ), PORT, nft.compare(b"\0\x35")) == (
        "meta l4proto != udp th dport 53"
    )


def range_of(first, last, how=0):
    ends = attribute(3, attribute(1, first)) + attribute(4, attribute(1, last))
    return nft.expression("range", nft.numbers(1, how) + ends)


def test_ranges():
    assert printed(PORT, range_of(b"\0\x16", b"\0\x35")) == "th dport 22-53"
    assert printed(PORT, range_of(b"\0\x16", b"\0\x35", 1)) == "th dport != 22-53"
    assert printed(PORT, range_of(b"\0\x16", b"\0\x35"), is_iptables=True) == "--dport 22:53"
    assert printed(PORT, range_of(b"\0\x16", b"\0\x35", 1), is_iptables=True) == "! --dport 22:53"
    both = nft.compare(b"\0\x16", nft.GTE) + nft.compare(b"\0\x35", LTE)
    assert printed(PORT, both, is_iptables=True) == "--dport 22:53"
    assert printed(PORT, nft.compare(b"\0\x16", nft.GTE), PORT, nft.compare(b"\0\x35", LTE)) == (
        "th dport >= 22 th dport <= 53"
    )


@pytest.mark.parametrize(
    ("expressions", "is_ipv6", "expected"),
    [
        *((nft.numbers(0, code), False, f"reject with icmp {name}") for code, name in (
            (0, "net-unreachable"), (1, "host-unreachable"), (2, "prot-unreachable"), (9, "net-prohibited"),
            (10, "host-prohibited"), (13, "admin-prohibited"), (7, "7"))),
        *((nft.numbers(0, code), True, f"reject with icmpv6 {name}") for code, name in (
            (0, "no-route"), (1, "admin-prohibited"), (3, "addr-unreachable"), (5, "policy-fail"),
            (6, "reject-route"), (7, "7"))),
        (nft.numbers(0, 4), True, "reject"),
        (nft.numbers(0, 4), False, "reject with icmp 4"),
        *((nft.numbers(2, code), False, f"reject with icmpx {name}") for code, name in (
            (0, "no-route"), (2, "host-unreachable"), (3, "admin-prohibited"), (9, "9"))),
    ],
)  # fmt: skip
def test_rejections(expressions, is_ipv6, expected):
    assert printed(nft.expression("reject", expressions), is_ipv6=is_ipv6) == expected


def test_rejections_of_one_version_of_ip():
    v4, v6 = (nft.meta(15) + nft.compare(family) for family in (b"\2", b"\x0a"))
    assert printed(v4, nft.expression("reject", nft.numbers(0, 3))) == "reject with icmp port-unreachable"
    assert printed(v6, nft.expression("reject", nft.numbers(0, 4))) == "reject with icmpv6 port-unreachable"
    assert printed(v4, nft.expression("reject", nft.numbers(1))) == "reject with tcp reset"
    assert printed(v4, nft.expression("reject", nft.numbers(2, 1))) == "meta nfproto ipv4 reject"


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        *((limit(3, seconds, 5), f"limit rate 3/{unit}") for seconds, unit in (
            (1, "second"), (60, "minute"), (3600, "hour"), (86400, "day"), (604800, "week"), (7, "7 seconds"))),
        (limit(3, 1, 0), "limit rate 3/second"),
        (limit(3, 1, 6), "limit rate 3/second burst 6 packets"),
        (limit(3, 1, 5, in_bytes=True), "limit rate 3 bytes/second burst 5 bytes"),
        (nft.expression("connlimit", nft.numbers(5, 0)), "ct count 5"),
        (nft.expression("log"), "log"),
        (nft.expression("log", attribute(2, b"no: \0")), 'log prefix "no: "'),
        (nft.expression("log", attribute(1, b"\0\3")), "log group 3"),
        (nft.expression("log", attribute(1, b"\0\3") + attribute(5, nft.be32(6))), "log group 3"),
        (nft.expression("log", attribute(5, nft.be32(4))), "log"),
        *((nft.expression("log", attribute(5, nft.be32(level))), f"log level {name}") for level, name in (
            (0, "emerg"), (1, "alert"), (2, "crit"), (3, "err"), (5, "notice"), (6, "info"), (7, "debug"),
            (8, "audit"), (9, "9"))),
        (nft.expression("meta", nft.numbers(None, 3, 1)), "meta mark set (a value)"),
        (nft.expression("meta", nft.numbers(None, 99, 1)), "meta 99 set (a value)"),
        (nft.end(nft.QUEUE), "queue"),
        (nft.end(nft.RETURN), "return"),
        (nft.end(nft.GOTO, "mine"), "goto mine"),
        (nft.immediate(b"\1"), ""),
    ],
)  # fmt: skip
def test_what_is_done(made, expected):
    assert printed(made) == expected


def test_masks():
    status = ct(2) + masked(native(32))
    assert printed(status, nft.compare(bytes(4), nft.NEQ)) == "ct status dnat"
    assert printed(STATE[:0] + ct(0), masked(native(6)), nft.compare(bytes(4))) == "ct state ! established,related"
    assert printed(nft.meta(3), masked(native(255)), nft.compare(native(16))) == "meta mark & 0x000000ff == 0x00000010"
    assert printed(FLAGS, masked(b"\x17"), nft.compare(b"\2", nft.NEQ)) == "tcp flags != syn / fin,syn,rst,ack"
    assert printed(nft.payload(1, 12, 4), masked(b"\xff\xff\0\0"), nft.compare(b"\xc0\0\0\0")) == (
        "ip saddr 192.0.0.0/16"
    )
    gaps = nft.payload(1, 12, 4) + masked(b"\0\0\0\xff")
    assert printed(gaps, nft.compare(b"\0\0\0\x09")) == "ip saddr & 0.0.0.255 == 0.0.0.9"
    assert printed(gaps, nft.compare(b"\0\0\0\x09", nft.NEQ)) == "ip saddr & 0.0.0.255 != 0.0.0.9"
    assert printed(gaps, nft.compare(b"\0\0\0\x09"), is_iptables=True) == "-s 0.0.0.9/0.0.0.255"
    assert printed(masked(b"\1"), PORT, nft.compare(b"\0\x16")) == "th dport 22"


def test_iptables_puts_addresses_devices_and_protocol_first():
    asked = [
        PORT + nft.compare(b"\0\x16"),
        TCP,
        nft.meta(7) + nft.compare(b"wan"),
        nft.meta(6) + nft.compare(b"lo\0"),
        nft.payload(1, 16, 4) + nft.compare(HERE, nft.NEQ),
        nft.payload(1, 12, 4) + nft.compare(HERE),
    ]
    assert printed(*asked, DROP, is_iptables=True) == (
        "-s 192.0.2.1 ! -d 192.0.2.1 -i lo -o wan+ -p tcp --dport 22 -j DROP"
    )
    assert printed(nft.expression("log", attribute(2, b"x\0")), nft.expression("reject"), is_iptables=True) == (
        "log -j REJECT"
    )


def test_more_sets_without_a_name():
    def found(*expressions, members):
        return printed(*expressions, members=lambda _name, most: members[:most])

    assert found(TCP, PORT, nft.lookup("__set1"), members=[SSH] * 8) == f"tcp dport {{ {', '.join(['22'] * 8)} }}"
    spans = [Element(b"\n\0\0\2", b"\n\0\0\5"), Element(b"\n\0\0\4", b"\n\0\0\7"), Element(HERE, HERE)]
    assert found(nft.payload(1, 16, 4), nft.lookup("__map2", 1, 0), members=spans) == (
        "ip daddr vmap { 10.0.0.2-10.0.0.5, 10.0.0.4/30, 192.0.2.1 }"
    )
    pair = Element(b"\6\0\0\0" + SSH.first, b"\6\0\0\0" + SSH.last)
    assert found(nft.meta(16), PORT, nft.lookup("__set1"), members=[pair]) == "meta l4proto . th dport { tcp . 22 }"
    names = Element(b"lo".ljust(16, b"\0") + SSH.first, b"lo".ljust(16, b"\0") + SSH.last)
    assert found(nft.meta(6), PORT, nft.lookup("__set1"), members=[names]) == 'iifname . th dport { "lo" . 22 }'
    v4 = nft.meta(15) + nft.compare(b"\2")
    assert found(v4, nft.payload(1, 12, 4), nft.lookup("bad"), members=[]) == "ip saddr @bad"
    assert found(nft.lookup("bad", is_inverted=True), members=[]) == "(a value) != @bad"


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        (nft.payload(1, 12, 4) + nft.compare(bytes(5)) + DROP, "(cmp) drop"),
        (PORT + masked(b"\xff\xff\xff") + nft.compare(b"\0\x50") + DROP, "(cmp) drop"),
        (xtables("match", "tcp", 0, bytes(8)) + DROP, "-m tcp ... drop"),
    ],
    ids=["an address of five bytes", "a mask that is too long", "a match that is too short"],
)
def test_what_cannot_be_printed_is_named(expressions, expected):
    assert printed(expressions) == expected
