# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct
import sys

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.data import value_or_verdict
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.expressions import Lookups, decode
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.registers import Registers
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import OUTPUT, UNTRACKED
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.program import run
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import region
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Target, Verdict
from support import nftables as nft
from support.netlink import attribute
from support.records import at

PACKET, PACKET6 = nft.packets(), nft.packets("2001:db8::1")
TO_LOOPBACK = nft.packets("127.0.0.1", hook=OUTPUT, comes=(), goes=(nft.LO,), source=at("127.0.0.1").address)
ACCEPT = nft.end(nft.ACCEPT)

YES, NO = [()], []
A_QUOTA = [("a quota or another named object",)]
UNSET = "a value that is not understood"
CHANCE = Doubt("chance")


def native(value):
    return struct.pack("=I", value)


class Sets:
    """What a rule is told of sets."""

    def __init__(self, answer=None, choices=()):
        self.answer, self.choices = answer, choices

    def has(self, name, packets, registers, at):
        assert name == "ports"
        self.key = registers.read(at, 4)
        return self.answer

    def takes_more(self, name):
        return name != "full"

    def find(self, name, packets, registers, at):
        assert name == "ports"
        return self.choices


def results(*expressions, packet=PACKET, sets=None):
    lookups = Lookups(lambda: sets or Sets(), None)
    steps = [decode(element, lookups) for _kind, element in attributes(b"".join(expressions))]
    return list(run(steps, packet, region(packet.flows.all), Registers()))


def outcomes(*expressions, **rest):
    """(verdict, what it depends on) of each; packets are those of one flow."""
    return [
        (outcome.verdict, tuple(dict.fromkeys(doubt.what for doubt in outcome.doubts)))
        for outcome in results(*expressions, **rest)
    ]


def doubts(*expressions, **rest):
    """Of each outcome of a rule that accepts what it matches."""
    return [doubts for _verdict, doubts in outcomes(*expressions, ACCEPT, **rest)]


def says(name, content=b""):
    return nft.expression(name, content)


def masked(mask, flips=bytes(4), offset=16):
    """The address, with a mask; without one, as a shift has none."""
    values = b"" if mask is None else attribute(4, attribute(1, mask)) + attribute(5, attribute(1, flips))
    return nft.payload(1, offset, 4) + says("bitwise", nft.numbers(1, 1, 4) + values)


FLAGS = nft.payload(2, 13, 1)


def bits(mask, flips=b"\0"):
    """Of the byte that was loaded."""
    return says("bitwise", nft.numbers(1, 1, 1) + attribute(4, attribute(1, mask)) + attribute(5, attribute(1, flips)))


def between(first, last, how=nft.EQ):
    ends = attribute(3, attribute(1, first)) + attribute(4, attribute(1, last))
    return nft.payload(2, 2, 2) + says("range", nft.numbers(1, how) + ends)


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        pytest.param(nft.dport(80), YES, id="port"),
        pytest.param(nft.dport(81), NO, id="another port"),
        pytest.param(nft.meta(16) + nft.compare(b"\x11"), NO, id="another protocol"),
        pytest.param(nft.payload(2, 2, 2) + nft.compare(b"\0\x50", nft.NEQ), NO, id="any other port"),
        pytest.param(nft.payload(2, 2, 2) + nft.compare(b"\0\x50", nft.LT), NO, id="below 80"),
        pytest.param(nft.payload(2, 2, 2) + nft.compare(b"\0\x50", nft.LTE), YES, id="at most 80"),
        pytest.param(nft.payload(2, 2, 2) + nft.compare(b"\0\x50", nft.GT), NO, id="above 80"),
        pytest.param(nft.payload(2, 2, 2) + nft.compare(b"\0\x50", nft.GTE), YES, id="at least 80"),
        pytest.param(nft.payload(2, 0, 4) + nft.compare(b"\1\0\0\x51"), NO, id="source port and another port"),
        pytest.param(nft.payload(2, 0, 4) + nft.compare(b"\1\0\0\x50"), NO, id="both ports"),
        pytest.param(nft.payload(2, 0, 2) + nft.compare(b"\4\0", nft.GTE), YES, id="source ports"),
        pytest.param(nft.payload(2, 12, 1) + nft.compare(b"\x50"), [("the header",)], id="length of the TCP header"),
        pytest.param(FLAGS + nft.compare(b"\2"), [("the client's use of ECN",)], id="SYN alone"),
        pytest.param(FLAGS + nft.compare(b"\x12"), NO, id="SYN and ACK"),
        pytest.param(FLAGS + bits(b"\2") + nft.compare(b"\0", nft.NEQ), YES, id="SYN among others"),
        pytest.param(FLAGS + bits(b"\x17") + nft.compare(b"\2"), YES, id="SYN, of those that matter"),
        pytest.param(FLAGS + bits(b"\x10") + nft.compare(b"\0", nft.NEQ), NO, id="ACK among others"),
        pytest.param(FLAGS + bits(b"\2", b"\2") + nft.compare(b"\0"), YES, id="SYN, flipped"),
        pytest.param(FLAGS + bits(b"\x42") + nft.compare(b"\x12"), NO, id="ACK, which is masked out"),
        pytest.param(says("objref", nft.parts(nft.be32(1), nft.text("c"))), YES, id="named counter"),
        pytest.param(says("objref", nft.parts(nft.be32(2), nft.text("q"))), A_QUOTA, id="named quota"),
        pytest.param(says("objref", attribute(3, nft.be32(1))), A_QUOTA, id="object out of a map"),
        pytest.param(nft.payload(2, 20, 2**30) + nft.compare(b"\0\0"), [("the header",)], id="beyond the header"),
        pytest.param(nft.payload(0, 6, 6) + nft.compare(bytes(6)), [("the header",)], id="link layer"),
        pytest.param(nft.payload(1, 9, 1) + nft.compare(b"\6"), YES, id="protocol of IP"),
        pytest.param(nft.payload(1, 16, 4) + nft.compare(b"\xc0\0\2\1"), YES, id="address"),
        pytest.param(nft.payload(1, 16, 3) + nft.compare(b"\xc0\0\2"), YES, id="network"),
        pytest.param(nft.payload(1, 12, 4) + nft.compare(b"\x0a\0\0\1"), YES, id="source"),
        pytest.param(nft.meta(1) + nft.compare(b"\x08\0"), YES, id="protocol"),
        pytest.param(nft.meta(15) + nft.compare(b"\2"), YES, id="family"),
        pytest.param(nft.meta(4) + nft.compare(native(2)), YES, id="number of the device"),
        pytest.param(nft.meta(6) + nft.compare(b"wan0".ljust(16, b"\0")), YES, id="device"),
        pytest.param(nft.meta(6) + nft.compare(b"wan"), YES, id="beginning of the device"),
        pytest.param(nft.meta(6) + nft.compare(b"br0\0"), NO, id="another device"),
        pytest.param(nft.meta(7) + nft.compare(bytes(16)), YES, id="no outgoing device"),
        pytest.param(nft.meta(3) + nft.compare(native(1)), NO, id="mark"),
        pytest.param(nft.meta(20) + nft.compare(native(1)), [("the processor that takes it",)], id="processor"),
        pytest.param(says("meta", nft.numbers(None, 3, 1)), YES, id="setting a mark"),
        pytest.param(says("ct", nft.numbers(1, 0)) + nft.compare(native(8)), YES, id="new"),
        pytest.param(says("ct", nft.numbers(1, 2)) + nft.compare(native(8)), NO, id="status"),
        pytest.param(says("fib", nft.numbers(1, 3, 2)) + nft.compare(native(2)), YES, id="to this host"),
        pytest.param(says("fib", nft.numbers(1, 3, 1)) + nft.compare(native(2)), NO, id="from this host"),
        pytest.param(
            says("fib", nft.numbers(1, 1, 2)) + nft.compare(native(2)), [("the routes",)], id="by which device"
        ),
        pytest.param(masked(b"\xff\xff\xff\0") + nft.compare(b"\xc0\0\2\0"), YES, id="mask"),
        pytest.param(masked(b"\xff\0\0\0", b"\1\0\0\0") + nft.compare(b"\xc1\0\0\0"), YES, id="mask and flip"),
        pytest.param(masked(b"\0\0\0\0", offset=12) + nft.compare(bytes(4)), YES, id="all masked"),
        pytest.param(
            masked(None) + nft.compare(bytes(4)), [("a computed value",), ("a computed value", UNSET)], id="shift"
        ),
        pytest.param(between(b"\0\x50", b"\0\x5a"), YES, id="range"),
        pytest.param(between(b"\0\x50", b"\0\x5a", nft.NEQ), NO, id="not in a range"),
        pytest.param(between(b"\0\x51", b"\0\x5a"), NO, id="another range"),
        pytest.param(b"", YES, id="nothing"),
        pytest.param(says("counter") + says("log"), YES, id="no matches"),
        pytest.param(says("limit"), [("a rate limit",)], id="limit"),
        pytest.param(
            nft.dport(80) + says("socket") + nft.compare(b"\0\x51"),
            [("the expression 'socket'",), ("the expression 'socket'", UNSET)],
            id="unknown, may have loaded",
        ),
        pytest.param(says("dynset", nft.parts(nft.text("seen"))), YES, id="adding to a set"),
        pytest.param(
            says("dynset", nft.parts(nft.text("full"))), [("the set full, which is full",)], id="adding to a full set"
        ),
        pytest.param(says("dynset", nft.parts(nft.text("full")) + attribute(3, nft.be32(2))), YES, id="deleting"),
        pytest.param(
            says("dynset", attribute(7, nft.expression("limit")[4:])),
            [("a limit for each client",)],
            id="adding with a limit",
        ),
    ],
)
def test_matches(expressions, expected):
    assert doubts(expressions) == expected


def test_matches_over_ipv6():
    v6 = at("2001:db8::1").address
    assert doubts(nft.payload(1, 24, 16), nft.compare(v6), packet=PACKET6) == YES
    assert doubts(nft.payload(1, 6, 1), nft.compare(b"\6"), packet=PACKET6) == YES
    assert doubts(nft.payload(1, 8, 16), nft.compare(v6), packet=PACKET6) == YES
    assert doubts(nft.meta(1), nft.compare(b"\x86\xdd"), packet=PACKET6) == YES
    udp = nft.packets("2001:db8::1", protocol=17)
    assert doubts(nft.payload(2, 4, 1), nft.compare(b"\0"), packet=udp) == [("the header",)]


def test_matches_of_a_packet_to_this_host():
    assert doubts(nft.payload(1, 12, 4), nft.compare(b"\x7f\0\0\1"), packet=TO_LOOPBACK) == YES
    assert doubts(nft.meta(7), nft.compare(b"lo\0"), packet=TO_LOOPBACK) == YES
    assert doubts(nft.meta(6), nft.compare(b"lo\0"), packet=TO_LOOPBACK) == NO
    assert doubts(says("fib", nft.numbers(1, 3, 1)), nft.compare(native(2)), packet=TO_LOOPBACK) == YES
    ipv6 = nft.packets("::1", hook=OUTPUT, comes=(), goes=(nft.LO,), source=at("::1").address)
    assert doubts(nft.payload(1, 8, 16), nft.compare(at("::1").address), packet=ipv6) == YES


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (nft.ACCEPT, Verdict("accept")),
        (nft.DROP, Verdict("drop")),
        (nft.QUEUE, Verdict("lost")),
        (nft.CONTINUE, Verdict("continue")),
        (nft.RETURN, Verdict("return")),
        (nft.JUMP, Verdict("jump", "a")),
        (nft.GOTO, Verdict("goto", "a")),
    ],
)
def test_verdicts(code, expected):
    chain = expected.chain or None
    assert value_or_verdict(nft.verdict(code, chain)) == expected
    assert outcomes(nft.end(code, chain), ACCEPT) == [(Verdict("accept") if code == nft.CONTINUE else expected, ())]


def test_a_rule_goes_on_after_a_verdict_that_says_so():
    found = Sets(choices=[(Verdict("continue"), True)])
    assert outcomes(nft.lookup("ports", 1, 0), ACCEPT, sets=found) == [(Verdict("accept"), ())]
    assert outcomes(nft.lookup("ports", 1, 0), sets=found) == []


def test_a_way_that_may_lead_to_the_next_rule():
    maybe = Sets(choices=[(Verdict("continue"), CHANCE), (Verdict("drop"), True)])
    end = nft.meta(16) + nft.compare(b"\x11") + ACCEPT  # only for UDP
    assert outcomes(nft.lookup("ports", 1, 0), end, sets=maybe) == [(Verdict("drop"), ())]
    found = results(nft.lookup("ports", 1, 0), ACCEPT, sets=maybe)
    assert [(each.verdict.kind, bool(each.sure), bool(each.may)) for each in found] == [
        ("accept", False, True), ("drop", True, True),
    ]  # fmt: skip


def address(text, last=None):
    return at(text).address, at(last or text).address


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        pytest.param(nft.dnat("10.88.0.5"), Target(addresses=address("10.88.0.5")), id="address"),
        pytest.param(
            nft.dnat("10.88.0.5", 80), Target(addresses=address("10.88.0.5"), ports=(80, 80)), id="address and port"
        ),
        pytest.param(
            nft.immediate(b"\x0a\x58\0\5", 1) + nft.immediate(b"\x0a\x58\0\x09", 2)
            + says("nat", nft.numbers(1, nft.IP, 1, 2)),
            Target(addresses=address("10.88.0.5", "10.88.0.9")),
            id="addresses",
        ),
        pytest.param(
            nft.immediate(b"\x0a\x58\0\0", 1) + nft.immediate(b"\x0a\x58\0\xff", 2)
            + says("nat", nft.numbers(1, nft.IP, 1, 2, None, None, 64)),
            None,
            id="network",
        ),
        pytest.param(
            nft.immediate(b"\0\x50", 1) + says("nat", nft.numbers(1, nft.IP, None, None, 1)),
            Target(ports=(80, 80)),
            id="port alone",
        ),
        pytest.param(nft.redirect(), Target(is_redirect=True), id="redirect"),
        pytest.param(nft.redirect(80), Target(is_redirect=True, ports=(80, 80)), id="redirect to a port"),
        pytest.param(nft.meta(20) + says("redir", nft.numbers(1)), None, id="to a port that is not known"),
        pytest.param(nft.meta(20) + says("nat", nft.numbers(1, nft.IP, 1)), None, id="to an address that is not known"),
    ],
)  # fmt: skip
def test_targets(expressions, expected):
    assert outcomes(expressions) == [(Verdict("nat", target=expected), ())]


def test_flags_are_those_of_tcp():
    assert doubts(FLAGS, bits(b"\2"), nft.compare(b"\2"), packet=nft.packets(protocol=17)) == [("the header",)]


def test_a_rule_that_comes_to_nothing():
    assert outcomes(says("counter")) == []


def test_a_target_of_the_other_family_is_none():
    assert outcomes(nft.dnat("fd00::5", family=nft.IP6), ACCEPT) == [(Verdict("accept"), ())]
    assert outcomes(nft.dnat("fd00::5", family=nft.IP6), packet=PACKET6) == [
        (Verdict("nat", target=Target(addresses=address("fd00::5"))), ())
    ]


@pytest.mark.parametrize(("name", "expected"), [("reject", "drop")])
def test_other_ends(name, expected):
    assert outcomes(says(name), nft.redirect()) == [(Verdict(expected), ())]


@pytest.mark.parametrize(
    ("answer", "is_inverted", "expected"),
    [(True, False, YES), (False, False, NO), (True, True, NO), (False, True, YES), (CHANCE, True, [("chance",)])],
)
def test_lookup(answer, is_inverted, expected):
    sets = Sets(answer)
    assert doubts(nft.payload(2, 2, 2), nft.lookup("ports", is_inverted=is_inverted), sets=sets) == expected
    assert sets.key.parts == (PACKET.flows.load("port"), bytes(2))


def test_lookup_of_a_verdict():
    sets = Sets(choices=[(Verdict("jump", "a"), CHANCE), (Verdict("accept"), True)])
    assert outcomes(nft.meta(20), nft.compare(native(1)), nft.lookup("ports", 1, 0), sets=sets) == [
        (Verdict("jump", "a"), ("the processor that takes it", "chance")),
        (Verdict("accept"), ("the processor that takes it",)),
    ]


def test_lookup_of_a_target():
    sets = Sets(choices=[(b"\x0a\x58\0\5", CHANCE), (b"\x0a\x58\0\6", True)])
    assert outcomes(nft.lookup("ports", 1, 1), says("nat", nft.numbers(1, nft.IP, 1)), sets=sets) == [
        (Verdict("nat", target=Target(addresses=address("10.88.0.5"))), ("chance",)),
        (Verdict("nat", target=Target(addresses=address("10.88.0.6"))), ()),
    ]


def test_lookup_that_finds_nothing():
    assert doubts(nft.lookup("ports", 1, 1), sets=Sets()) == NO


def test_a_number_of_several():
    sets = Sets(True)
    assert doubts(says("numgen", nft.numbers(1, 3)), nft.lookup("ports"), sets=sets) == YES
    assert sets.key.choices == 3


def test_iptables():
    tcp = nft.parts(nft.text("tcp"), nft.be32(0), struct.pack("=HHHHBBBB", 0, 65535, 80, 80, 0, 0, 0, 0))
    mark = nft.parts(nft.text("MARK"), nft.be32(2), bytes(8))
    other = nft.parts(nft.text("TPROXY"), nft.be32(1), bytes(8))
    dnat = nft.parts(nft.text("DNAT"), nft.be32(2), struct.pack("=I16s16s8x", 1, b"\x0a\x58\0\5", b"\x0a\x58\0\5"))
    assert outcomes(says("match", tcp), says("target", mark), says("target", dnat)) == [
        (Verdict("nat", target=Target(addresses=address("10.88.0.5"))), ())
    ]
    assert outcomes(says("target", other)) == [(Verdict("lost"), ("the target 'TPROXY'",))]


def test_a_long_header_replaces_all_that_its_registers_had():
    before = nft.immediate(b"\0\0\0\7", register=12)
    compared = nft.compare(b"\0\0\0\7", register=12)
    assert doubts(before, compared) == YES
    assert doubts(before, nft.payload(1, 8, 20), compared) == [("the header",)]


def bitwise(how, data=b"", size=4, mask=None, flips=None, source=1, register=1):
    made = nft.numbers(source, register, size)
    made += b"".join(attribute(kind, attribute(1, each)) for kind, each in ((4, mask), (5, flips)) if each is not None)
    return says("bitwise", made + attribute(6, nft.be32(how)) + attribute(7, attribute(1, data)))


def stored(*expressions, at=0, size=4, packet=PACKET):
    """What is in a register then."""
    registers = Registers()
    for _kind, element in attributes(b"".join(expressions)):
        assert decode(element, Lookups(Sets, None))(packet, registers) is True
    return registers.read(at, size)


VALUE = nft.immediate(b"\x12\x34\x56\x78")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (bitwise(0, mask=b"\xff\0\xff\0", flips=b"\0\0\0\1"), b"\x12\0\x56\1"),
        (bitwise(0, mask=b"\xff\xff\xff\xff"), b"\x12\x34\x56\x78"),
        (bitwise(1, native(8)), b"\x34\x56\x78\0"),
        (bitwise(1, native(4)), b"\x23\x45\x67\x80"),
        (bitwise(2, native(8)), b"\0\x12\x34\x56"),
        (bitwise(2, native(4)), b"\1\x23\x45\x67"),
        (bitwise(0, size=2, mask=b"\xff\xff"), b"\x12\x34\0\0"),
    ],
)
def test_bitwise(expression, expected):
    assert stored(VALUE, expression) == expected


def test_bitwise_between_registers():
    assert stored(VALUE, bitwise(2, native(16), register=2), at=16) == b"\0\0\x12\x34"
    assert stored(VALUE, bitwise(2, native(16), register=2)) == b"\x12\x34\x56\x78"
    shifted = stored(nft.payload(2, 2, 2), bitwise(1, native(1), size=2), size=2)
    assert (shifted.doubt.what, shifted.size) == ("a shifted value", 2)
    assert doubts(VALUE, bitwise(3, native(1))) == [("a computed value",), ("a computed value",)]
    assert doubts(VALUE, bitwise(0)) == [("a computed value",), ("a computed value",)]


@pytest.mark.parametrize(
    ("size", "unit", "swapped"),
    [(4, 4, b"\x78\x56\x34\x12"), (4, 2, b"\x34\x12\x78\x56"), (2, 2, b"\x34\x12\0\0"), (4, 1, b"\x12\x34\x56\x78")],
)
def test_byteorder(size, unit, swapped):
    made = stored(VALUE, says("byteorder", nft.numbers(1, 1, 0, size, unit)))
    assert made == (swapped if sys.byteorder == "little" else b"\x12\x34\x56\x78"[:size] + bytes(4 - size))


@pytest.mark.parametrize(
    ("base", "first", "size", "is_of_its_ends", "is_of_its_ends6"),
    [
        (1, 8, 1, False, True),
        (1, 6, 1, False, False),
        (1, 10, 2, False, True),
        (1, 11, 2, True, True),
        (1, 12, 4, True, True),
        (1, 19, 1, True, True),
        (1, 20, 1, False, True),
        (1, 39, 1, False, True),
        (1, 40, 1, False, False),
        (2, 0, 2, True, True),
        (2, 3, 1, True, True),
        (2, 4, 4, False, False),
        (0, 0, 6, False, False),
    ],
)
def test_writing_to_a_header(base, first, size, is_of_its_ends, is_of_its_ends6):
    """What has other addresses or ports then goes who knows where."""
    written = says("payload", nft.numbers(None, base, first, size, 1))
    for packet, is_lost in ((PACKET, is_of_its_ends), (PACKET6, is_of_its_ends6)):
        kind = "nat" if is_lost else "accept"
        assert [verdict.kind for verdict, _doubts in outcomes(written, ACCEPT, packet=packet)] == [kind]


def made_of(*expressions, packet=PACKET):
    (outcome,) = results(*expressions, ACCEPT, packet=packet)
    return outcome.packets


def test_marks():
    assert made_of(nft.immediate(native(7)), says("meta", nft.numbers(None, 3, 1))).mark == native(7)
    assert made_of(nft.immediate(native(7)), says("meta", nft.numbers(None, 19, 1))) == PACKET
    assert made_of(nft.immediate(native(7)), says("ct", nft.numbers(None, 3, None, 1))).ct_mark == native(7)
    assert made_of(nft.immediate(native(7)), says("ct", nft.numbers(None, 4, None, 1))) == PACKET
    untracked = PACKET._replace(tracking=UNTRACKED)
    assert made_of(nft.immediate(native(7)), says("ct", nft.numbers(None, 3, None, 1)), packet=untracked) == untracked
    assert made_of(says("notrack"), packet=PACKET._replace(tracking=1)).tracking == UNTRACKED


def exthdr(register=1, kind=2, size=2, flags=0, how=0, source=None):
    return says("exthdr", nft.numbers(register, kind, 0, size, flags, how, source))


def test_extension_headers():
    """Clients send none; options of TCP they do."""
    assert doubts(exthdr(), nft.compare(b"\0\0")) == NO
    assert doubts(exthdr(flags=1), nft.compare(b"\0")) == YES
    assert doubts(exthdr(flags=1), nft.compare(b"\1")) == NO
    assert doubts(exthdr(how=1), nft.compare(b"\5\0")) == [("the TCP options of the client",)]
    assert doubts(exthdr(register=None, how=1, source=1)) == YES
    assert stored(exthdr(how=1, size=200), size=16).size == 16


def test_directions_of_a_connection():
    first, reply = (says("ct", nft.numbers(1, 12, direction)) for direction in (0, 1))
    assert doubts(first, nft.compare(b"\0\x50")) == YES
    assert doubts(reply, nft.compare(b"\0\x50")) == [("the connection's tracking",)]


def test_more_targets():
    ports = nft.immediate(b"\0\x50", 1) + nft.immediate(b"\0\x5a", 2)
    assert outcomes(ports, says("redir", nft.numbers(1, 2))) == [
        (Verdict("nat", target=Target(is_redirect=True, ports=(80, 90))), ())
    ]
    assert outcomes(ports, says("nat", nft.numbers(1, nft.IP, None, None, 1, 2))) == [
        (Verdict("nat", target=Target(ports=(80, 90))), ())
    ]
    assert outcomes(VALUE, says("nat", nft.numbers(0, nft.IP, 1))) == [(Verdict("accept"), ())]
    assert outcomes(VALUE, says("nat", nft.numbers(1, nft.IP, 1, 1, None, None, 1))) == [
        (Verdict("nat", target=Target(addresses=(b"\x12\x34\x56\x78",) * 2)), ())
    ]
    assert outcomes(says("masq")) == [(Verdict("accept"), ())]
    known_port = nft.meta(20) + nft.immediate(b"\0\x50", 2)
    assert outcomes(known_port, says("nat", nft.numbers(1, nft.IP, 1, None, 2))) == [(Verdict("nat"), ())]


def test_other_expressions():
    assert outcomes(says("queue")) == [
        (Verdict("accept"), ("the program that takes the packets of a queue",)), (Verdict("drop"), ()),
    ]  # fmt: skip
    assert doubts(says("quota")) == [("a quota",)]
    assert doubts(says("connlimit")) == [("the number of connections",)]
    for name in ("dup", "flow_offload", "counter", "last", "log"):
        assert doubts(says(name)) == YES
    limits = attribute(10, nft.expression("limit"))
    counts = attribute(10, nft.expression("counter"))
    assert doubts(says("dynset", nft.parts(nft.text("seen")) + limits)) == [("a limit for each client",)]
    assert doubts(says("dynset", nft.parts(nft.text("seen")) + counts)) == YES
    assert doubts(says("dynset", nft.parts(nft.text("seen")) + attribute(9, nft.be32(1)))) == [
        ("a limit for each client",)
    ]
    assert doubts(says("dynset", nft.parts(nft.text("seen")) + attribute(9, nft.be32(2)))) == YES


def test_comparing_with_what_is_below_or_above():
    port = nft.payload(2, 2, 2)
    for how, answers in (
        (nft.LT, (NO, NO, YES)), (nft.LTE, (NO, YES, YES)), (nft.GT, (YES, NO, NO)), (nft.GTE, (YES, YES, NO)),
    ):  # fmt: skip
        assert tuple(doubts(port, nft.compare(bytes((0, number)), how)) for number in (79, 80, 81)) == answers
