# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chains of an nf_tables table: each rule is a little program of expressions, decoded as far as packets come."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft import kernel, rule_bytes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.expressions import decode
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.registers import Registers, Step
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import (
    CONTINUE,
    Base,
    Chain,
    Outcome,
    Packet,
    Rule,
    Verdict,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.seen_bytes import (
    REGISTER_BYTES,
    Unknown,
    View,
    view,
)

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.sets import SetReader

_INET, _IPV4, _IPV6 = 1, 2, 10
_FAMILIES = {_INET: ("inet", (4, 16)), _IPV4: ("ip", (4,)), _IPV6: ("ip6", (16,))}
_IPTABLES_CHAINS = ("PREROUTING", "OUTPUT")

_RULE_EXPRESSIONS, _RULE_USERDATA = 4, 7
_COMMENT_TYPE = b"\0"
_COMMENT_MATCH, _MATCH_INFO = kernel.named(1, "comment"), 3


def bases(table: kernel.Table) -> list[Base]:
    """The base chains. Raises SourceError."""
    programs = _Programs(table)
    family, address_bytes = _FAMILIES[table.family]
    found = []
    for payload in table.base_chains:
        told = dict(attributes(payload, kernel.HEAD_BYTES))
        hook = dict(attributes(told.get(4, b"")))
        name = kernel.text(told.get(3))
        is_iptables = table.name == "nat" and table.family != _INET and name in _IPTABLES_CHAINS
        found.append(
            Base(
                tool="iptables" if is_iptables else "nft",
                table=f"{family} {table.name}",
                name=name,
                hook=kernel.number(hook.get(1)),
                priority=int.from_bytes(hook.get(2, b""), "big", signed=True),
                address_bytes=address_bytes,
                chain=programs.chain,
            )
        )
    return found


def ports_of(rule: bytes) -> t.Collection[int] | None:
    """The only destination ports that a NEWRULE can do anything to; None where its bytes do not tell."""
    at, ports = rule_bytes.port_match(rule)
    return None if rule_bytes.maps_to_chains(rule[:at]) else ports


class _Programs:
    """The rules and sets of one table."""

    def __init__(self, table: kernel.Table) -> None:
        self._table = table
        self._steps: dict[bytes, Step] = {}
        self._chains: dict[str, Chain] = {}
        self._reader: SetReader | None = None

    def chain(self, name: str) -> Chain:
        """Made when the first packet comes to it."""
        if name not in self._chains:
            made = self._table.rules.get(name, ())
            self._chains[name] = Chain((ports_of(each), self._rule(each)) for each in made)
        return self._chains[name]

    def _rule(self, made: bytes) -> Rule:
        elements: list[bytes] = []

        def rule(packet: Packet) -> t.Iterator[Outcome]:
            if not elements:
                expressions = dict(attributes(made)).get(_RULE_EXPRESSIONS, b"")
                elements.extend(element for _kind, element in attributes(expressions))
            for verdict, doubts in run(elements, self._step, view(packet)):
                yield verdict, doubts, lambda: comment(made, elements)

        return rule

    def _step(self, element: bytes) -> Step:
        """Most rules of a table share most of their expressions."""
        if element not in self._steps:
            self._steps[element] = decode(element, self._sets)
        return self._steps[element]

    def _sets(self) -> SetReader:
        if not self._reader:
            # Only where rules have sets, because importing costs time.
            from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft import sets

            self._reader = sets.SetReader(self._table)
        return self._reader


def run(
    elements: t.Sequence[bytes], decoded: t.Callable[[bytes], Step], seen: View, registers: Registers | None = None
) -> t.Iterator[tuple[Verdict, tuple[str, ...]]]:
    """What the expressions of a rule may do to a packet, and what that depends on."""
    registers = registers or [Unknown("an unset register")] * REGISTER_BYTES
    doubts: tuple[str, ...] = ()
    for place, element in enumerate(elements, 1):
        answer = decoded(element)(seen, registers)
        if answer is False:
            return
        if isinstance(answer, str):
            doubts = (*doubts, answer)
        elif isinstance(answer, Verdict):
            if answer.kind == CONTINUE:
                continue
            yield answer, doubts
            return
        elif isinstance(answer, list):
            for way, doubt in answer:
                known = (*doubts, doubt) if doubt else doubts
                if isinstance(way, Verdict) and way.kind != CONTINUE:
                    yield way, known
                    continue
                rest = list(run(elements[place:], decoded, seen, [*registers] if isinstance(way, Verdict) else way))
                yield from ((end, (*known, *more)) for end, more in rest)
                if doubt and all(more for _end, more in rest):
                    yield Verdict(CONTINUE), known  # to the next rule, whatever the other ways are
            return


def comment(rule: bytes, elements: t.Iterable[bytes]) -> str | None:
    """What ``comment "..."`` left: type, length, text. The iptables of old has an expression instead."""
    userdata = dict(attributes(rule)).get(_RULE_USERDATA, b"")
    if userdata[:1] == _COMMENT_TYPE:
        return kernel.text(userdata[2 : 2 + userdata[1]])
    for element in elements:
        at = element.find(_COMMENT_MATCH)
        if at >= 0:
            return kernel.text(dict(attributes(element, at)).get(_MATCH_INFO, b"").partition(b"\0")[0])
    return None
