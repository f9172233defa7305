# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the kernel says of its NAT rules: they are judged, or it is said that they cannot be."""

from __future__ import annotations

import contextlib
import struct
from unittest import mock

from ansible_collections.preflight.ports.plugins.module_utils._model.passage import BLOCKED, LIMITED, UNKNOWN, Access
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate, host
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft import kernel
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import entries as legacy
from hypothesis import given
from hypothesis import strategies as st
from support import nftables as nft
from support import xt_entries as entries
from support.records import at

ACCESSES = [Access("tcp", (at("0.0.0.0"), at("::", v6only=True)), 80, 81)]
QUESTIONS = [Question("tcp", at("0.0.0.0"), port) for port in (80, 81)] + [Question("udp", at("::", v6only=False), 53)]

MULTIPORT = ("multiport", 1, struct.pack("=BB15H15BB", 1, 2, 80, 443, *[0] * 13, *[0] * 15, 0))
ADDRTYPE = ("addrtype", 1, struct.pack("=HHI", 0, 4, 0))
CONNTRACK = ("conntrack", 3, bytes(146) + struct.pack("=HHH6x", 1, 0, 8))
DNAT = ("DNAT", 2, struct.pack("=I16s16s", 35, b"\x0a\x58\0\5", b"\x0a\x58\0\5") + struct.pack(">HHH2x", 80, 90, 80))


def xtables(kind: str, name: str, revision: int, info: bytes) -> bytes:
    return nft.expression(kind, nft.parts(nft.text(name), nft.be32(revision), info))


EXPRESSIONS = [
    nft.dport(80),
    nft.meta(6),
    nft.meta(3),
    nft.payload(1, 12, 8),
    nft.compare(b"wan0\0"),
    nft.compare(b"\0\x50", nft.GTE),
    nft.expression("range", nft.numbers(1, 1) + nft.attribute(3, nft.attribute(1, b"\0\x50")) * 2),
    nft.expression("bitwise", nft.numbers(1, 1, 4) + nft.attribute(4, nft.attribute(1, b"\xff\xff\0\0"))),
    nft.expression("fib", nft.numbers(1, 3, 2)),
    nft.expression("ct", nft.numbers(1, 0)),
    nft.expression("numgen", nft.numbers(1, 2)),
    nft.expression("limit"),
    nft.lookup("s"),
    nft.lookup("m", 1, 0),
    nft.lookup("m", 1, 1),
    nft.dnat("10.88.0.5", 8080),
    nft.dnat("fd00::5", 8080, nft.IP6),
    nft.redirect(8080),
    nft.end(nft.JUMP, "a"),
    nft.end(nft.GOTO, "base"),
    nft.end(nft.RETURN),
    *(xtables("match", *each) for each in (entries.TCP_80, MULTIPORT, ADDRTYPE, CONNTRACK)),
    *(xtables("target", *each) for each in (entries.TO_80, DNAT)),
]
KEYS = [b"\0\x50", b"\0\x5a", b"\xc0\0\2\1\0\x50\0\0", b""]
DATA = [{"data": b"\x0a\x58\0\5"}, {"end": nft.verdict(nft.JUMP, "a")}, {"end": nft.verdict(nft.ACCEPT)}]
CHANGES = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=3)


def spoilt(message: bytes, changes: list[tuple[int, int]]) -> bytes:
    """With other bytes at some places; its family and its generation stay, so that it is read at all."""
    changed = bytearray(message)
    for place, value in changes:
        if 4 <= place < len(changed):
            changed[place] = value
    return bytes(changed)


def messages(plain: st.SearchStrategy[bytes], most: int, least: int = 0) -> st.SearchStrategy[list[bytes]]:
    return st.lists(st.builds(spoilt, plain, CHANGES), min_size=least, max_size=most)


def judged(chains: list[bytes], ipv4: bool = False) -> None:
    with mock.patch.object(gate, "where", lambda **_asked: gate.Hooked(tuple(chains), ("nat",) * ipv4)):
        redirects, passages = gate.find(QUESTIONS), gate.passages(ACCESSES)
    for passage in (each for found in passages or () for each in found):
        assert passage.verdict in (BLOCKED, LIMITED, UNKNOWN)
        texts = (passage.by, passage.chain, passage.rule, passage.advice, *passage.depends_on)
        assert all((text or "").isprintable() for text in texts)
    for question, redirect in (redirects or {}).items():
        assert question in QUESTIONS
        assert isinstance(redirect.depends_on, tuple)
        said = (redirect.target, redirect.tool, redirect.label or "", *redirect.chains, *redirect.depends_on)
        assert all(text.isprintable() for text in said)


rules = st.builds(nft.rule, st.sampled_from(["base", "a"]), st.lists(st.sampled_from(EXPRESSIONS)).map(b"".join))
sets = st.builds(
    nft.a_set,
    st.sampled_from("sm"),
    st.sampled_from([2, 4, 8]),
    st.sampled_from([0, 4]),
    st.sampled_from([(), (4, 2)]),
)
elements = st.builds(
    lambda key, data, flags, last: nft.element(key, flags=flags, last=last, **data),
    st.sampled_from(KEYS),
    st.sampled_from(DATA),
    st.sampled_from([None, 1, 2]),
    st.sampled_from([None, None, *KEYS]),
)
contents = st.builds(nft.elements, st.sampled_from("sm"), st.lists(elements, max_size=4).map(b"".join))
chains = st.builds(
    nft.base_chain,
    hook=st.sampled_from([nft.PREROUTING, 1, nft.OUTPUT]),
    kind=st.sampled_from(["nat", "filter"]),
    policy=st.sampled_from([0, 1]),
)


@given(st.tuples(messages(chains, 2, 1), messages(rules, 6), messages(sets, 3), messages(contents, 3)))
def test_rules_of_nf_tables(answers: tuple[list[bytes], ...]) -> None:
    made = nft.Kernel(*answers)
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(kernel, "dump", made.dump))
        stack.enter_context(mock.patch.object(host, "read", nft.a_host))
        judged(answers[0])


MATCHES = [entries.TCP_80, MULTIPORT, ADDRTYPE, CONNTRACK, entries.COMMENT, entries.MARK]
TARGETS = [entries.TO_80, DNAT, *map(entries.goes_to, (entries.ACCEPT, entries.RETURN, 0, 152, 304))]
rows = st.builds(
    lambda matches, target: entries.entry(*matches, target=target),
    st.lists(st.sampled_from(MATCHES), max_size=3),
    st.sampled_from(TARGETS),
)


@given(st.builds(spoilt, st.lists(rows | st.just(entries.begins("a")), max_size=6).map(b"".join), CHANGES))
def test_rows_of_iptables(row: bytes) -> None:
    def read(layout: legacy.Layout, name: str) -> legacy.Table:
        return legacy.Table(layout, name, {0: 0, 3: len(row)}, [len(row)], row + entries.entry())

    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(legacy, "read", read))
        stack.enter_context(mock.patch.object(host, "read", nft.a_host))
        judged([], ipv4=True)
