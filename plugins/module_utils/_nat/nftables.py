# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of nf_tables that have NAT rules, over netlink(7): from ``nft``, or from the iptables that is built on it.

The kernel itself is asked: the commands take several times as long, and may be missing where rules are. Most rules
are about other ports than those that are wanted, which their bytes tell without any decoding.
"""

from __future__ import annotations

import itertools
import sys
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._nat.tables import ChangedError
from ansible_collections.preflight.ports.plugins.module_utils._netlink_dump import attribute, attributes, dump

_NETLINK_NETFILTER = 12
_NFTABLES = 10 << 8  # the subsystem, in the upper byte of each kind of message
_NEWTABLE, _GETTABLE, _NEWRULE, _GETRULE = 0, 1, 6, 7
HEAD_BYTES = 4  # nfgenmsg: family, version, generation of the rules
_GENERATION = slice(2, 4)
_DORMANT = 1
_HANDLED = (1, 2, 10)  # NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6
_REG32_00 = 8  # the registers of 4 bytes; those with smaller numbers have 16 and share their place


class Table:
    """One table, as it was at one time."""

    def __init__(self, family: int, name: str, base_chains: t.Sequence[bytes]) -> None:
        """*base_chains* are NEWCHAIN messages. Raises SourceError, ChangedError."""
        self.family = family
        self.name = name
        self.base_chains = base_chains
        self.rules = _by_chain(name, self.ask(_GETRULE, _NEWRULE))

    def ask(self, request: int, answer: int, *names: str) -> list[bytes]:
        """In every kind of message, attribute 1 is the table. Raises SourceError, ChangedError."""
        answers = _ask(self.family, request, answer, self.name, *names)
        generation = self.base_chains[0][_GENERATION]
        if any(payload[_GENERATION] != generation for payload in answers):
            raise ChangedError
        return answers

    def may_redirect(self, wanted: set[int]) -> bool:
        """Whether any rule that a packet to one of the *wanted* ports can come to may change its destination.

        Only what is sure counts against it: that a rule goes on for other ports alone, that nothing jumps to a chain.
        """
        pending = {text_of(payload, 3) for payload in self.base_chains}
        reached: set[str] = set()
        while pending:
            reached |= pending
            rules = [rule for chain in pending for rule in self.rules.get(chain, ())]
            parts = b"".join([passed(rule, wanted) for rule in rules])
            if looks_port_up(parts):
                from ansible_collections.preflight.ports.plugins.module_utils._nat import port_sets

                parts = b"".join(port_sets.PortSets(self, wanted).passed(rules))
            if changes(parts):
                return True
            pending = {*(self.rules if maps_to_chains(parts) else _jumps(parts))} - reached
        return False


def read(chains: t.Iterable[bytes]) -> list[Table]:
    """The tables of *chains* with all their rules. Raises SourceError, ChangedError."""
    by_table: dict[tuple[int, str], list[bytes]] = {}
    for payload in chains:
        by_table.setdefault((payload[0], text_of(payload, 1)), []).append(payload)
    tables = ((payload[0], dict(attributes(payload, HEAD_BYTES))) for payload in _ask(0, _GETTABLE, _NEWTABLE))
    # The kernel does not call the chains of a dormant table.
    asleep = {(family, text(told.get(1))) for family, told in tables if number(told.get(2)) & _DORMANT}
    called = [each for each in by_table if each[0] in _HANDLED and each not in asleep]
    return [Table(*each, by_table[each]) for each in called]


def _ask(family: int, request: int, answer: int, *names: str) -> list[bytes]:
    """The answers whose first attributes are these names, at which old kernels do not look."""
    body = b"".join(named(kind, name) for kind, name in enumerate(names, 1))
    answers = dump(_NETLINK_NETFILTER, _NFTABLES | request, _NFTABLES | answer, bytes((family, 0, 0, 0)) + body)
    return [payload for payload in answers if payload.startswith(body, HEAD_BYTES)]


def _by_chain(table: str, rules: t.Iterable[bytes]) -> dict[str, list[bytes]]:
    """Name of the chain -> NEWRULE messages, without what stands before the rule: it may look like anything."""
    found: dict[bytes, list[bytes]] = {}
    begin = HEAD_BYTES + len(named(1, table))
    for rule in rules:
        end = begin + int.from_bytes(rule[begin : begin + 2], sys.byteorder)
        found.setdefault(rule[begin + 4 : end], []).append(rule[end + -end % 4 :])
    return {text(name): made for name, made in found.items()}


def passed(rule: bytes, wanted: set[int]) -> bytes:
    """What the packets pass of it before it asks for another port."""
    at, ports = port_match(rule)
    return rule if ports is None or not wanted.isdisjoint(ports) else rule[:at]


def port_match(rule: bytes) -> tuple[int, t.Collection[int] | None]:
    """Where it asks for a port, and for which; None where it does not seem to."""
    at = rule.find(_PORT_IS)
    if at >= 0:
        return at, (number(rule[at + len(_PORT_IS) : at + len(_PORT_IS) + 2]),)
    for match in _PORT_MATCHES:
        at = rule.find(match)
        if at >= 0:
            from ansible_collections.preflight.ports.plugins.module_utils._nat import xt_ports

            told = dict(itertools.islice(attributes(rule, at), 3))
            ports = xt_ports.only(text(told.get(1)), number(told.get(2)), told.get(3, b""))
            if ports is not None:
                return at, ports
    return 0, None


def looks_port_up(rule: bytes) -> bool:
    """Whether it may look a port up in a set."""
    return 0 <= rule.find(_LOADS_PORT) < rule.rfind(_LOOKUP)


def changes(rule: bytes) -> bool:
    return any(change in rule for change in _CHANGES)


def maps_to_chains(rule: bytes) -> bool:
    """Whether it looks a verdict up; perhaps, too, if it does not."""
    return _LOOKUP in rule and _TO_VERDICT in rule


def _jumps(rules: bytes) -> t.Iterator[str]:
    """The chains that they jump or go to, among names of none: the number of a jump may as well be a mask."""
    for code in _JUMP_CODES:
        at = rules.find(code)
        while at >= 0:
            yield text(dict(itertools.islice(attributes(rules, at), 2)).get(2))
            at = rules.find(code, at + 1)


def named(kind: int, name: str) -> bytes:
    """An attribute with a text."""
    made = attribute(kind, name.encode("utf-8", "surrogateescape") + b"\0")
    return made + bytes(-len(made) % 4)


def text(value: bytes | None) -> str:
    return (value or b"").rstrip(b"\0").decode("utf-8", "surrogateescape")


def text_of(message: bytes, kind: int) -> str:
    return text(next((value for each, value in attributes(message, HEAD_BYTES) if each == kind), None))


def number(value: bytes | None) -> int:
    return int.from_bytes(value or b"", "big")


def place(register: bytes | None) -> int:
    """Where a register begins."""
    index = number(register)
    return (index - 1) * 16 if index < _REG32_00 else (index - _REG32_00) * 4


def _numbers(*values: int) -> bytes:
    return b"".join(attribute(kind, value.to_bytes(4, "big")) for kind, value in enumerate(values, 1))


def _expression(name: str, parts: bytes) -> bytes:
    return attribute(1, named(1, name) + attribute(2, parts))


# The names of the expressions, and of iptables' targets, that change the destination of a packet.
_CHANGES = [named(1, name) for name in ("nat", "redir", "DNAT", "REDIRECT", "NETMAP")]
# As the kernel writes "load the bytes 2 and 3 of the transport header into register 1; register 1 equals".
_PORT_IS = (
    _expression("payload", _numbers(1, 2, 2, 2))
    + _expression("cmp", _numbers(1, 0) + attribute(3, attribute(1, bytes(2)) + bytes(2)))[:-4]
)
_LOADS_PORT = _numbers(1, 2, 2, 2)[8:]  # into any register
_PORT_MATCHES = [named(1, name) for name in ("tcp", "udp", "multiport")]
_JUMP_CODES = [attribute(1, code.to_bytes(4, "big", signed=True)) for code in (-3, -4)]
_LOOKUP, _TO_VERDICT = named(1, "lookup"), attribute(3, bytes(4))  # NFTA_LOOKUP_DREG: NFT_REG_VERDICT
