# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct
import sys

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import UNTRACKED, native
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Target, Verdict
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import Unknown
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.targets import decode
from support.nftables import packets
from support.records import at

SENT, SENT6 = packets(), packets("2001:db8::1")
FIVE, NINE = b"\x0a\x58\0\5", b"\x0a\x58\0\x09"
SIX = at("fd00::5").address


def old(flags, first=FIVE, last=FIVE, ports=(80, 80)):
    return struct.pack("=II4s4s", 1, flags, first, last) + struct.pack(">HH", *ports)


def new(flags, first=FIVE, last=FIVE, ports=(80, 80), base=None):
    tail = b"" if base is None else struct.pack(">HH", base, 0)
    return struct.pack("=I16s16s", flags, first, last) + struct.pack(">HH", *ports) + tail


@pytest.mark.parametrize(
    ("name", "revision", "info", "seen", "expected"),
    [
        ("DNAT", 0, old(3), SENT, Target(addresses=(FIVE, FIVE), ports=(80, 80))),
        ("DNAT", 1, new(1), SENT, Target(addresses=(FIVE, FIVE))),
        ("DNAT", 2, new(2, base=0), SENT, Target(ports=(80, 80))),
        ("DNAT", 2, new(3, FIVE, NINE, (80, 90), 0), SENT, Target(addresses=(FIVE, NINE), ports=(80, 90))),
        ("DNAT", 2, new(35, ports=(80, 90), base=70), SENT,
         Target(addresses=(FIVE, FIVE), ports=(80, 90), base_port=70)),
        ("DNAT", 2, new(3, SIX, SIX, base=0), SENT6, Target(addresses=(SIX, SIX), ports=(80, 80))),
        ("REDIRECT", 0, old(2), SENT, Target(is_redirect=True, ports=(80, 80))),
        ("REDIRECT", 0, new(2), SENT6, Target(is_redirect=True, ports=(80, 80))),
        ("DNAT", 2, b"short", SENT, None),
        ("NETMAP", 0, bytes(20), SENT, None),
        ("DNAT", 2, new(32 + 1, ports=(80, 90), base=70), SENT, Target(addresses=(FIVE, FIVE), base_port=70)),
        ("DNAT", 1, new(35, ports=(80, 90)), SENT, Target(addresses=(FIVE, FIVE), ports=(80, 90))),
        ("REDIRECT", 0, old(3, ports=(80, 90)), SENT, Target(is_redirect=True, ports=(80, 90))),
        ("REDIRECT", 1, new(1), SENT, Target(is_redirect=True)),
        ("REDIRECT", 0, b"short", SENT, None),
    ],
)  # fmt: skip
def test_nat(name, revision, info, seen, expected):
    assert decode(name, revision, info)(seen) == Verdict("nat", target=expected)


def connmark(value, ct_mask, mask, mode):
    return "CONNMARK", 1, struct.pack("=IIIB", value, ct_mask, mask, mode)


def test_marks():
    marked = decode("MARK", 2, struct.pack("=II", 0x10, 0x10))(SENT)
    assert marked.mark == native(0x10)
    assert decode("MARK", 2, struct.pack("=II", 1, 0xFFFFFFFF))(marked).mark == native(1)
    saved = decode(*connmark(0, 0xFFFFFFFF, 0xFFFFFFFF, 1))(marked)
    assert saved.ct_mark == native(0x10)
    assert decode(*connmark(0, 0xFFFFFFFF, 0xFFFFFFFF, 2))(saved._replace(mark=bytes(4))).mark == native(0x10)
    assert decode(*connmark(7, 0xFFFFFFFF, 0, 0))(SENT).ct_mark == native(7)
    assert decode(*connmark(7, 0xFFFFFFFF, 0, 0))(packets(tracking=UNTRACKED)) is True


def numbers(value):
    return int.from_bytes(value, sys.byteorder)


def test_bits_of_marks():
    both = SENT._replace(mark=native(0x12), ct_mark=native(0x340000))
    assert numbers(decode("MARK", 2, struct.pack("=II", 0x100, 0x10F))(both).mark) == 0x110
    assert numbers(decode("MARK", 2, struct.pack("=II", 0x10, 0))(both).mark) == 0x02  # --xor-mark
    assert numbers(decode(*connmark(0x10000, 0xF0000, 0, 0))(both).ct_mark) == 0x310000
    assert numbers(decode(*connmark(0, 0xFF, 0x0F, 1))(both).ct_mark) == 0x340002
    assert numbers(decode(*connmark(0, 0xF0000, 0xF, 2))(both).mark) == 0x40010
    computed = decode("CONNMARK", 2, struct.pack("=IIIBBB", 0, 0xFF, 0xFF, 0, 4, 1))(both)
    assert (computed.mark, computed.ct_mark) == (Unknown(COMPUTED, 4), Unknown(COMPUTED, 4))
    plain = decode("CONNMARK", 2, struct.pack("=IIIBBB", 7, 0xFFFFFFFF, 0, 0, 0, 0))(both)
    assert numbers(plain.ct_mark) == 7
    unknown = both._replace(ct_mark=Unknown(COMPUTED, 4))
    assert decode(*connmark(0, 0xFF, 0xFF, 2))(unknown).mark == Unknown(COMPUTED, 4)


COMPUTED = Doubt("a mark that is computed", is_understood=False)


@pytest.mark.parametrize("name", ["CLASSIFY", "DSCP", "ECN", "HL", "LOG", "NFLOG", "SECMARK", "TCPMSS", "TEE", "TTL"])
def test_what_goes_to_the_next_rule(name):
    assert decode(name, 0, b"")(SENT) is True


def test_others():
    assert decode("NOTRACK", 0, b"")(packets(tracking=1)).tracking == UNTRACKED
    assert decode("CT", 2, struct.pack("=H", 3))(packets(tracking=1)).tracking == UNTRACKED
    assert decode("SET", 3, struct.pack("=H2xH", 3, 4))(SENT._replace(updated=frozenset([9]))).updated == {3, 4, 9}
    assert decode("SNAT", 0, b"")(SENT) == Verdict("accept")
    assert decode("CT", 2, struct.pack("=H", 1))(packets(tracking=1)).tracking == UNTRACKED
    assert decode("CT", 2, struct.pack("=H", 0))(SENT) is True
    assert decode("SET", 3, struct.pack("=H2xH", 3, 0xFFFF))(SENT).updated == {3}
    assert decode("LOG", 0, b"")(SENT) is True
    assert decode("REJECT", 0, b"")(SENT) == Verdict("drop")
    assert decode("MASQUERADE", 0, b"")(SENT) == Verdict("accept")
    assert [way.kind for way, _doubt in decode("NFQUEUE", 3, bytes(8))(SENT)] == ["accept", "drop"]
    ((way, doubt),) = decode("TPROXY", 1, bytes(8))(SENT)
    assert (way.kind, doubt.what) == ("lost", "the target 'TPROXY'")
