# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import size
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import OUTPUT, PREROUTING
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import region
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Target, Verdict
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.entries import IPV4, IPV6
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.legacy import bases
from support.nftables import packets
from support.records import at
from support.xt_entries import (
    ACCEPT,
    COMMENT,
    DROP,
    LENGTH,
    QUEUE,
    RETURN,
    TCP_80,
    TO_80,
    begins,
    entry,
    goes_to,
    table,
)

PACKET, PACKET6 = packets(), packets("2001:db8::1")
UDP = ("udp", 0, struct.pack("=HHHHB", 0, 65535, 0, 65535, 0))
FIVE = at("10.88.0.5").address


def outcomes(*made, packet=PACKET, layout=IPV4, chain="PREROUTING"):
    """(verdict, what it depends on) of all rules, each for all packets."""
    rules = bases(table(*made, layout=layout), None)[0].chain(chain)
    found = [outcome for rule in rules for outcome in rule.outcomes(packet, region(packet.flows.all))]
    return [(outcome.verdict, tuple(doubt.what for doubt in outcome.doubts)) for outcome in found]


ADDRESS = (at("192.0.2.1").address, b"\xff" * 4)
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
        pytest.param(entry(source=OTHER), [()], id="source"),
        pytest.param(entry(comes=DEVICE), [()], id="device"),
        pytest.param(entry(comes=DEVICES), [()], id="devices"),
        pytest.param(entry(comes=BRIDGE), [], id="another device"),
        pytest.param(entry(comes=BRIDGE, invert=1), [()], id="not another device"),
        pytest.param(entry(goes=DEVICE), [], id="outgoing device"),
        pytest.param(entry(goes=DEVICE, invert=2), [()], id="not an outgoing device"),
        pytest.param(entry(TCP_80, COMMENT), [()], id="matches"),
        pytest.param(entry(TCP_80, LENGTH), [("its length",)], id="a match in doubt"),
        pytest.param(entry(("conntrack", 3, bytes(146) + b"\1\0\0\0\2\0" + bytes(8))), [], id="a match that fails"),
    ],
)
def test_tests(made, expected):
    assert [doubts for _verdict, doubts in outcomes(made)] == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param(goes_to(ACCEPT), [Verdict("accept")], id="accept"),
        pytest.param(goes_to(DROP), [Verdict("drop")], id="drop"),
        pytest.param(goes_to(QUEUE), [Verdict("accept"), Verdict("drop")], id="queue"),
        pytest.param(goes_to(RETURN), [Verdict("return")], id="return"),
        pytest.param(goes_to(len(entry())), [], id="nothing"),
        pytest.param(TO_80, [Verdict("nat", target=Target(is_redirect=True, ports=(80, 80)))], id="redirect"),
        pytest.param(("MARK", 2, struct.pack("=II", 1, 1)), [Verdict("continue")], id="mark"),
    ],
)
def test_targets(target, expected):
    assert [verdict for verdict, _doubts in outcomes(entry(target=target))] == expected


def test_targets_in_doubt():
    ((_verdict, doubts),) = outcomes(entry(LENGTH, target=("TPROXY", 1, bytes(8))))
    assert doubts == ("its length", "the target 'TPROXY'")


def test_chains():
    one, two = entry(target=goes_to(0)), entry(target=goes_to(0), flags=2)
    policy, head = entry(), begins("INNER")
    inner = len(one) + len(two) + len(policy) + len(head)
    one, two = entry(target=goes_to(inner)), entry(target=goes_to(inner), flags=2)
    made = (one, two, policy, head, entry(TCP_80, target=goes_to(RETURN)))
    assert [verdict for verdict, _doubts in outcomes(*made)] == [
        Verdict("jump", "INNER"), Verdict("goto", "INNER"), Verdict("accept"),
    ]  # fmt: skip
    assert [verdict for verdict, _doubts in outcomes(*made, chain="INNER")] == [Verdict("return")]


def test_ipv6():
    v6 = at("2001:db8::1").address
    dnat = ("DNAT", 2, struct.pack("=I16s16s8x", 1, v6, v6))
    made = entry(address=(v6, b"\xff" * 16), protocol=6, flags=5, target=dnat, layout=IPV6)
    assert [verdict.target for verdict, _doubts in outcomes(made, packet=PACKET6, layout=IPV6)] == [
        Target(addresses=(v6, v6))
    ]
    assert outcomes(entry(protocol=17, layout=IPV6), packet=PACKET6, layout=IPV6) == []


@pytest.mark.parametrize(("layout", "flag"), [(IPV4, 2), (IPV6, 4)])
def test_jumps_as_text(layout, flag):
    plain = entry(layout=layout)
    at_inner = 3 * len(plain) + len(begins("INNER", layout))
    made = [entry(target=goes_to(at_inner), flags=flags, layout=layout) for flags in (0, flag)]
    rules = bases(table(*made, plain, begins("INNER", layout), plain, layout=layout), None)[0].chain("PREROUTING")
    assert [rule.text() for rule in rules[:2]] == ["-j INNER", "-g INNER"]


def test_fragments():
    """No first packet is a fragment that follows."""
    assert outcomes(entry(flags=1)) == []
    assert len(outcomes(entry(flags=1, invert=32))) == 1
    assert len(outcomes(entry(flags=1, layout=IPV6), packet=PACKET6, layout=IPV6)) == 1


def test_sources_and_what_is_inverted():
    def clients(**made):
        (rule,) = bases(table(entry(**made)), None)[0].chain("PREROUTING")
        (outcome,) = rule.outcomes(PACKET, region(PACKET.flows.all))
        return sum(size(who) for _flows, who in outcome.sure)

    assert clients(source=NETWORK) == 2**-24
    assert clients(source=NETWORK, invert=8) == 1 - 2**-24
    assert clients(source=NETWORK, address=OTHER, invert=16) == 2**-24
    assert clients(source=(b"\xc0\0\2\7", b"\xff\xff\xff\0")) == 2**-24  # bits beyond the mask say nothing


def test_comments():
    rules = bases(table(entry(TCP_80, COMMENT), entry()), None)[0].chain("PREROUTING")
    assert [rule.comment() for rule in rules] == ["web", None]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (entry(), "-j ACCEPT"),
        (entry(protocol=17, invert=64, target=goes_to(DROP)), "! -p udp -j DROP"),
        (entry(source=NETWORK, address=ADDRESS), "-s 192.0.2.0/24 -d 192.0.2.1/32 -j ACCEPT"),
        (entry(source=NETWORK, address=ADDRESS, invert=8), "! -s 192.0.2.0/24 -d 192.0.2.1/32 -j ACCEPT"),
        (entry(source=NETWORK, address=ADDRESS, invert=16), "-s 192.0.2.0/24 ! -d 192.0.2.1/32 -j ACCEPT"),
        (entry(comes=DEVICE, goes=DEVICES, invert=1), "! -i wan0 -o wan+ -j ACCEPT"),
        (entry(comes=DEVICE, goes=DEVICES, invert=2), "-i wan0 ! -o wan+ -j ACCEPT"),
        (entry(protocol=1, target=goes_to(QUEUE)), "-p icmp -j QUEUE"),
        (entry(protocol=58, target=goes_to(RETURN)), "-p ipv6-icmp -j RETURN"),
        (entry(protocol=132), "-p 132 -j ACCEPT"),
        (entry(comes=DEVICE, goes=DEVICES), "-i wan0 -o wan+ -j ACCEPT"),
        (entry(TCP_80, COMMENT, protocol=6), "-p tcp -m tcp --dport 80 -m comment --comment web -j ACCEPT"),
        (entry(target=("REJECT", 0, bytes((3, 0, 0, 0)))), "-j REJECT --reject-with icmp-port-unreachable"),
        (entry(LENGTH, target=("LOG", 0, bytes(40))), "-m length ... -j LOG"),
    ],
)
def test_text(made, expected):
    (rule,) = bases(table(made), None)[0].chain("PREROUTING")
    assert rule.text() == expected


@pytest.mark.parametrize(("layout", "expected"), [(IPV4, ("ip nat", (4,))), (IPV6, ("ip6 nat", (16,)))])
def test_bases(layout, expected):
    made = bases(table(entry(layout=layout), output=[entry(TCP_80, layout=layout)], layout=layout), None)
    assert [(base.tool, base.name, base.hook, base.priority) for base in made] == [
        ("iptables-legacy", "PREROUTING", PREROUTING, -100), ("iptables-legacy", "OUTPUT", OUTPUT, -100),
    ]  # fmt: skip
    assert [len(base.chain(base.name)) for base in made] == [1, 1]
    assert [(base.table, base.address_bytes) for base in made] == [expected] * 2
