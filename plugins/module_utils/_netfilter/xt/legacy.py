# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the iptables that is not built on nf_tables: their own fields, their matches and their targets."""

from __future__ import annotations

import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import rules, seen_bytes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import extensions
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.entries import (
    BASES,
    IPV6,
    Entry,
    Table,
    text,
)

_FIELDS4, _FIELDS6 = struct.Struct("@4s4s4s4s16s16s16s16sHBB"), struct.Struct("@16s16s16s16s16s16s16s16sHxBB")
_GOTO4, _GOTO6 = 2, 4
_NOT_IN, _NOT_OUT, _NOT_SOURCE, _NOT_ADDRESS, _NOT_PROTOCOL = 1, 2, 8, 16, 64
_PRIORITY = -100
# Of the fourth: who takes queued packets lets them go on, or not.
_VERDICTS = {-1: rules.DROP, -2: rules.ACCEPT, -5: rules.RETURN, -4: rules.ACCEPT}


def bases(table: Table) -> list[rules.Base]:
    """The base chains of the table. Raises SourceError."""
    name, address_bytes = ("ip6 nat", 16) if table.layout is IPV6 else ("ip nat", 4)
    chains: dict[str, rules.Chain] = {}

    def chain(name: str) -> rules.Chain:
        if name not in chains:
            chains[name] = rules.Chain((each.ports(), _rule(table, each)) for each in table.rules(name))
        return chains[name]

    return [
        rules.Base("iptables-legacy", name, base, hook, _PRIORITY, (address_bytes,), chain)
        for hook, base in BASES.items()
    ]


def _rule(table: Table, entry: Entry) -> rules.Rule:
    def rule(packet: rules.Packet) -> t.Iterator[rules.Outcome]:
        doubts: list[str] = []
        fields = (_FIELDS6 if table.layout is IPV6 else _FIELDS4).unpack_from(entry.fields)
        for answer in _answers(fields, entry, packet):
            if answer is False:
                return
            doubts += [answer] if isinstance(answer, str) else []
        verdict, doubt = _verdict(table, entry, fields[-2])
        if verdict:
            yield verdict, (*doubts, doubt) if doubt else tuple(doubts), lambda: _comment(entry)

    return rule


def _answers(fields: tuple[t.Any, ...], entry: Entry, packet: rules.Packet) -> t.Iterator[rules.Answer]:
    source, address, source_mask, address_mask, comes, goes, comes_mask, goes_mask, protocol, _flags, inverts = fields
    seen = seen_bytes.view(packet)
    yield not protocol or rules.inverted(protocol == packet.protocol, inverts & _NOT_PROTOCOL)
    for data, value, mask, inverting in (
        (packet.address, address, address_mask, _NOT_ADDRESS),
        (seen.source, source, source_mask, _NOT_SOURCE),
        (seen.meta(seen_bytes.META_IIFNAME), comes, comes_mask, _NOT_IN),
        (seen.meta(seen_bytes.META_OIFNAME), goes, goes_mask, _NOT_OUT),
    ):
        if any(mask):
            wanted = bytes(byte & kept for byte, kept in zip(value, mask))
            yield rules.inverted(seen_bytes.equal(seen_bytes.masked(data, mask), wanted), inverts & inverting)
    for match in entry.matches():
        yield extensions.test(*match)(packet)


def _verdict(table: Table, entry: Entry, flags: int) -> tuple[rules.Verdict | None, str | None]:
    is_ipv6 = table.layout is IPV6
    if entry.target[0]:
        return extensions.target(*entry.target, is_ipv6)
    code = entry.code()
    if code is None:
        return None, None
    if code < 0:
        return rules.Verdict(_VERDICTS[code]), None
    goes = flags & (_GOTO6 if is_ipv6 else _GOTO4)
    return rules.Verdict(rules.GOTO if goes else rules.JUMP, table.begins[code]), None


def _comment(entry: Entry) -> str | None:
    return next((text(info) for name, _revision, info in entry.matches() if name == "comment"), None)
