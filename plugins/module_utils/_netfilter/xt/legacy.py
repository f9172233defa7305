# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the iptables that is not built on nf_tables: their own fields, their matches and their targets."""

from __future__ import annotations

import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import flows, rules
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Answer, inverted
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import (
    INPUT,
    POSTROUTING,
    Packets,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.program import Done, Step, run
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import Region
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import masked
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import matches, targets
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.entries import IPV6, Entry, Table, text

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.ipsets import IpSets

FIELDS4, FIELDS6 = struct.Struct("@4s4s4s4s16s16s16s16sHBB"), struct.Struct("@16s16s16s16s16s16s16s16sHxBB")
_FRAGMENT4, _GOTO4, _GOTO6 = 1, 2, 4
_NOT_IN, _NOT_OUT, _NOT_SOURCE, _NOT_ADDRESS, _NOT_FRAGMENT, _NOT_PROTOCOL = 1, 2, 8, 16, 32, 64
PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
_LAST_NAT = 100  # NF_IP_PRI_NAT_SRC
DROP, ACCEPT, QUEUE, RETURN = -1, -2, -4, -5
_NAMES = {DROP: "DROP", ACCEPT: "ACCEPT", RETURN: "RETURN"}
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp"}
_VERDICTS: dict[int, Done] = {
    DROP: rules.Verdict(rules.DROP),
    ACCEPT: rules.Verdict(rules.ACCEPT),
    QUEUE: targets.QUEUED,
    RETURN: rules.Verdict(rules.RETURN),
}


def bases(table: Table, ipsets: t.Callable[[], IpSets]) -> list[rules.Base]:
    """The base chains of the table. Raises SourceError."""
    family, address_bytes = ("ip6", 16) if table.layout is IPV6 else ("ip", 4)
    chains: dict[str, list[LegacyRule]] = {}

    def chain(name: str) -> list[LegacyRule]:
        if name not in chains:
            chains[name] = [LegacyRule(table, each, ipsets) for each in table.rules(name)]
        return chains[name]

    return [
        rules.Base(
            tool="iptables-legacy",
            table=f"{family} {table.name}",
            name=name,
            hook=hook,
            priority=_LAST_NAT if table.name == "nat" and hook in (INPUT, POSTROUTING) else PRIORITIES[table.name],
            address_bytes=(address_bytes,),
            chain=chain,
            is_nat=table.name == "nat",
            drops=table.policies.get(name) == DROP,
        )
        for hook, name in table.hooks.items()
    ]


class LegacyRule:
    """One rule, as the kernel keeps it."""

    def __init__(self, table: Table, entry: Entry, ipsets: t.Callable[[], IpSets]) -> None:
        self._table = table
        self._ipsets = ipsets
        self._entry = entry
        self._steps: list[Step] | None = None

    def outcomes(self, packets: Packets, region: Region) -> t.Iterator[rules.Outcome]:
        """Raises SourceError."""
        if self._steps is None:
            self._steps = list(self._made())
        return run(self._steps, packets, region)

    def comment(self) -> str | None:
        """Of its match of that name."""
        return next((text(info) for name, _revision, info in self._entry.matches() if name == "comment"), None)

    def text(self, is_iptables: bool = True) -> str:
        """As iptables-save prints it, without the chain."""
        from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import syntax

        return " ".join(filter(None, self._words(syntax)))

    def _words(self, syntax: t.Any) -> t.Iterator[str]:
        layout = FIELDS6 if self._table.layout is IPV6 else FIELDS4
        source, address, source_mask, address_mask, comes, goes, comes_mask, goes_mask, protocol, flags, inverts = (
            layout.unpack_from(self._entry.fields)
        )
        for option, value, mask, inverting in (
            ("-s", source, source_mask, _NOT_SOURCE),
            ("-d", address, address_mask, _NOT_ADDRESS),
        ):
            if any(mask):
                yield f"{'! ' if inverts & inverting else ''}{option} {syntax.network(value, mask)}"
        for option, value, mask, inverting in (("-i", comes, comes_mask, _NOT_IN), ("-o", goes, goes_mask, _NOT_OUT)):
            if any(mask):
                yield f"{'! ' if inverts & inverting else ''}{option} {text(value)}"
        if protocol:
            yield f"{'! ' if inverts & _NOT_PROTOCOL else ''}-p {_PROTOCOLS.get(protocol, protocol)}"
        for name, revision, info in self._entry.matches():
            yield syntax.match(name, revision, info)
        name, _revision, info = self._entry.target
        code = self._entry.code()
        if name:
            yield syntax.target(name, info, self._table.layout is IPV6)
        elif code is not None and code < 0:
            yield f"-j {_NAMES.get(code, 'QUEUE')}"
        elif code is not None:
            is_goto = flags & (_GOTO6 if self._table.layout is IPV6 else _GOTO4)
            yield f"-{'g' if is_goto else 'j'} {self._table.begins[code]}"

    def handle(self) -> int:
        return 0

    def _made(self) -> t.Iterator[Step]:
        entry, layout = self._entry, FIELDS6 if self._table.layout is IPV6 else FIELDS4
        source, address, source_mask, address_mask, comes, goes, comes_mask, goes_mask, protocol, flags, inverts = (
            layout.unpack_from(entry.fields)
        )
        if protocol:
            yield lambda packets, notes: inverted(protocol == packets.flows.protocol, inverts & _NOT_PROTOCOL)
        for name, value, mask, inverting in (
            (flows.ADDRESS, address, address_mask, _NOT_ADDRESS),
            (flows.SOURCE, source, source_mask, _NOT_SOURCE),
            (flows.IIFNAME, comes, comes_mask, _NOT_IN),
            (flows.OIFNAME, goes, goes_mask, _NOT_OUT),
        ):
            if any(mask):
                yield _field(name, value, mask, inverts & inverting)
        if self._table.layout is not IPV6 and flags & _FRAGMENT4:
            yield lambda packets, notes: bool(inverts & _NOT_FRAGMENT)
        for name, revision, info in entry.matches():
            yield _ignoring_notes(matches.decode(name, revision, info, self._ipsets))
        end = self._end(flags)
        if end is not None:
            yield end

    def _end(self, flags: int) -> Step | None:
        if self._entry.target[0]:
            return _ignoring_notes(targets.decode(*self._entry.target))
        code = self._entry.code()
        if code is None:
            return None
        if code < 0:
            return lambda packets, notes: _VERDICTS[code]
        goes = flags & (_GOTO6 if self._table.layout is IPV6 else _GOTO4)
        verdict = rules.Verdict(rules.GOTO if goes else rules.JUMP, self._table.begins[code])
        return lambda packets, notes: verdict


def _ignoring_notes(ask: t.Callable[[Packets], Done]) -> Step:
    return lambda packets, notes: ask(packets)


def _field(name: str, value: bytes, mask: bytes, is_inverted: int) -> Step:
    wanted = bytes(byte & kept for byte, kept in zip(value, mask))
    number = int.from_bytes(mask, "big")

    def ask(packets: Packets, notes: t.Any) -> Answer:
        return inverted(packets.flows.equal(masked(packets.flows.load(name), number, 0), wanted), is_inverted)

    return ask
