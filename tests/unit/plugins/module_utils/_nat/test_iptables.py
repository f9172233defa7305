# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ctypes
import errno
import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._nat import iptables
from ansible_collections.preflight.ports.plugins.module_utils._nat.iptables import IPV4, IPV6, Entry, bases, places_of
from ansible_collections.preflight.ports.plugins.module_utils._nat.rules import (
    OUTPUT,
    PREROUTING,
    Packet,
    Target,
    Verdict,
)
from ansible_collections.preflight.ports.plugins.module_utils._sockets import SourceError
from entries import (
    ACCEPT,
    COMMENT,
    DROP,
    MARK,
    QUEUE,
    RETURN,
    TCP_80,
    TO_80,
    begins,
    entry,
    extension,
    goes_to,
)
from nftables import WAN
from records import at

PACKET = Packet(6, PREROUTING, WAN, at("192.0.2.1").address, 80)
PACKET6 = PACKET._replace(address=at("2001:db8::1").address)
UDP = ("udp", 0, struct.pack("=HHHHB", 0, 65535, 0, 65535, 0))
FIVE = at("10.88.0.5").address


def outcomes(*made, packet=PACKET, layout=IPV4, chain="PREROUTING"):
    return [outcome for each in parsed(*made, layout=layout)[chain] for outcome in each.outcomes(packet)]


def parsed(*made, layout=IPV4):
    """The entries of each chain."""
    starts, entries = {0: "PREROUTING"}, b"".join((*made, begins("ERROR", layout)))
    places = places_of(layout, starts, entries)
    return {name: [Entry(layout, starts, entries, at) for at in found] for name, found in places.items()}


ADDRESS = (PACKET.address, b"\xff" * 4)
NETWORK = (b"\xc0\0\2\0", b"\xff\xff\xff\0")
OTHER = (b"\xc0\0\2\2", b"\xff" * 4)
DEVICE, DEVICES, BRIDGE = (b"wan0\0", b"\xff" * 5), (b"wan+", b"\xff" * 3), (b"br0\0", b"\xff" * 4)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(entry(), [()], id="anything"),
        pytest.param(entry(protocol=6), [()], id="TCP"),
        pytest.param(entry(protocol=17), [], id="UDP"),
        pytest.param(entry(protocol=17, invert=64), [()], id="not UDP"),
        pytest.param(entry(address=ADDRESS), [()], id="address"),
        pytest.param(entry(address=NETWORK), [()], id="network"),
        pytest.param(entry(address=OTHER), [], id="another address"),
        pytest.param(entry(address=OTHER, invert=16), [()], id="not another address"),
        pytest.param(entry(source=OTHER), [("the source address",)], id="source"),
        pytest.param(entry(comes=DEVICE), [()], id="device"),
        pytest.param(entry(comes=DEVICES), [()], id="devices"),
        pytest.param(entry(comes=BRIDGE), [], id="another device"),
        pytest.param(entry(comes=BRIDGE, invert=1), [()], id="not another device"),
        pytest.param(entry(goes=DEVICE), [], id="outgoing device"),
        pytest.param(entry(goes=DEVICE, invert=2), [()], id="not an outgoing device"),
        pytest.param(entry(TCP_80, COMMENT), [()], id="matches"),
        pytest.param(entry(TCP_80, MARK), [("the match 'mark'",)], id="a match in doubt"),
        pytest.param(entry(("conntrack", 3, bytes(146) + b"\1\0\0\0\2\0" + bytes(8))), [], id="a match that fails"),
    ],
)
def test_tests(made, expected):
    assert [doubts for _verdict, doubts, _comment in outcomes(made)] == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param(goes_to(ACCEPT), [Verdict("accept")], id="accept"),
        pytest.param(goes_to(DROP), [Verdict("drop")], id="drop"),
        pytest.param(goes_to(QUEUE), [Verdict("accept")], id="queue"),
        pytest.param(goes_to(RETURN), [Verdict("return")], id="return"),
        pytest.param(goes_to(len(entry())), [], id="nothing"),
        pytest.param(TO_80, [Verdict("nat", target=Target(is_redirect=True, ports=(80, 80)))], id="redirect"),
        pytest.param(("MARK", 2, bytes(8)), [], id="mark"),
    ],
)
def test_targets(target, expected):
    assert [verdict for verdict, _doubts, _comment in outcomes(entry(target=target))] == expected


def test_targets_in_doubt():
    ((_verdict, doubts, _comment),) = outcomes(entry(MARK, target=("TPROXY", 1, bytes(8))))
    assert doubts == ("the match 'mark'", "the target 'TPROXY'")


def test_chains():
    one, two = entry(target=goes_to(0)), entry(target=goes_to(0), flags=2)
    policy, head = entry(), begins("INNER")
    inner = len(one) + len(two) + len(policy) + len(head)
    one, two = entry(target=goes_to(inner)), entry(target=goes_to(inner), flags=2)
    made = (one, two, policy, head, entry(TCP_80, target=goes_to(RETURN)))
    assert [verdict for verdict, _doubts, _comment in outcomes(*made)] == [
        Verdict("jump", "INNER"), Verdict("goto", "INNER"), Verdict("accept"),
    ]  # fmt: skip
    assert [verdict for verdict, _doubts, _comment in outcomes(*made, chain="INNER")] == [Verdict("return")]


def test_ipv6():
    v6 = PACKET6.address
    dnat = ("DNAT", 2, struct.pack("=I16s16s8x", 1, v6, v6))
    made = entry(address=(v6, b"\xff" * 16), protocol=6, flags=5, target=dnat, layout=IPV6)
    assert [verdict.target for verdict, _doubts, _comment in outcomes(made, packet=PACKET6, layout=IPV6)] == [
        Target(addresses=(v6, v6))
    ]
    assert outcomes(entry(protocol=17, layout=IPV6), packet=PACKET6, layout=IPV6) == []


def test_rules_are_filed_by_their_ports():
    chains = parsed(entry(COMMENT, TCP_80), entry(UDP), entry())
    assert [each.ports() for each in chains["PREROUTING"]] == [(80,), None, None]


def test_comments_are_looked_for_when_they_are_needed():
    assert [comment() for _verdict, _doubts, comment in outcomes(entry(TCP_80, COMMENT), entry())] == ["web", None]


def test_nonsense():
    with pytest.raises(SourceError, match="an entry of no length"):
        places_of(IPV4, {}, bytes(200))
    with pytest.raises(SourceError, match="a match of no length"):
        outcomes(entry(("x", 0, b""))[:112] + bytes(32) + extension("", 0, struct.pack("=i", ACCEPT)))
    with pytest.raises(struct.error):
        places_of(IPV4, {}, entry()[:50])


class Libc:
    """A kernel with this table."""

    def __init__(self, entries=b"", second=0, fails=0):
        self.entries, self.second, self.fails, self.asked = entries, second, fails, []

    def getsockopt(self, _descriptor, level, option, answer, length):
        self.asked.append((level, option))
        assert answer.raw.startswith(b"nat\0")
        if self.fails:
            ctypes.set_errno(self.fails)
            return -1
        if option == 64:
            answer.raw = struct.pack("@32s13I", b"nat", 9, 0, 0, 0, self.second, *[0] * 7, len(self.entries))
        else:
            head = struct.calcsize("@32sI0Q")
            assert len(answer.raw) == length._obj.value == head + len(self.entries)
            answer.raw = answer.raw[:head] + self.entries
        return 0


@pytest.mark.parametrize(("layout", "level", "expected"), [(IPV4, 0, ("ip nat", (4,))), (IPV6, 41, ("ip6 nat", (16,)))])
def test_bases(layout, level, expected, monkeypatch):
    libc = Libc(entry(layout=layout) + entry(TCP_80, layout=layout), second=len(entry(layout=layout)))
    monkeypatch.setattr(iptables.ctypes, "CDLL", lambda *_arguments, **_options: libc)
    made = bases(layout)
    assert libc.asked == [(level, 64), (level, 65)]
    assert [(base.tool, base.name, base.hook, base.priority) for base in made] == [
        ("iptables-legacy", "PREROUTING", PREROUTING, -100), ("iptables-legacy", "OUTPUT", OUTPUT, -100),
    ]  # fmt: skip
    assert [len(base.chain(base.name).by_port) for base in made] == [0, 1]
    assert made[0].chain("PREROUTING") is made[1].chain("PREROUTING")
    assert [(base.table, base.address_bytes) for base in made] == [expected] * 2


def test_bases_of_a_kernel_that_refuses(monkeypatch):
    monkeypatch.setattr(iptables.ctypes, "CDLL", lambda *_arguments, **_options: Libc(fails=errno.EPERM))
    with pytest.raises(SourceError, match="Operation not permitted"):
        bases(IPV4)
