# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of nf_tables that have NAT rules, over netlink(7): from ``nft``, or from the iptables that is built on it.

The kernel itself is asked: the commands take several times as long, and may be missing where rules are. Whether a rule
could redirect some ports at all, its bytes tell: most hosts' rules are about other ports, and need no decoding.
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
_HEAD_BYTES = 4  # nfgenmsg: family, version, generation of the rules
_GENERATION = slice(2, 4)
_DORMANT = 1
_HANDLED = (1, 2, 10)  # NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6


class Table(t.NamedTuple):
    """One table, as it was at one time."""

    family: int
    name: str
    base_chains: t.Sequence[bytes]
    """NEWCHAIN messages."""
    rules: t.Mapping[str, t.Sequence[bytes]]
    """Name of the chain -> NEWRULE messages."""

    def may_redirect(self, wanted: t.Container[int]) -> bool:
        """Whether any rule that a packet to one of the *wanted* ports can come to may change its destination."""
        pending = [_text_of(payload, 3) for payload in self.base_chains]
        reached: set[str] = set()
        while pending:
            chain = pending.pop()
            rules = self.rules.get(chain, ()) if chain not in reached else ()
            reached.add(chain)
            for rule in rules:
                if any(change in rule for change in _CHANGES):
                    if _concerns(ports_of(rule), wanted):
                        return True
                elif _concerns(_native_port(rule), wanted):
                    pending += self.rules if _maps_to_chains(rule) else _jumps(rule)
        return False


def read(chains: t.Iterable[bytes]) -> list[Table]:
    """The tables of *chains* with all their rules. Raises SourceError, ChangedError."""
    by_table: dict[tuple[int, str], list[bytes]] = {}
    for payload in chains:
        by_table.setdefault((payload[0], _text_of(payload, 1)), []).append(payload)
    if not by_table:
        return []
    tables = ((payload[0], dict(attributes(payload, _HEAD_BYTES))) for payload in ask(0, _GETTABLE, _NEWTABLE))
    # The kernel does not call the chains of a dormant table.
    asleep = {(family, text(told.get(1))) for family, told in tables if number(told.get(2)) & _DORMANT}
    called = [each for each in by_table if each[0] in _HANDLED and each not in asleep]
    return [_table(family, name, by_table[family, name]) for family, name in called]


def _table(family: int, name: str, chains: t.Sequence[bytes]) -> Table:
    rules = same_time(chains[0], ask(family, _GETRULE, _NEWRULE, {1: name}))
    return Table(family, name, chains, _by_chain(name, rules))


def same_time(earlier: bytes, answers: list[bytes]) -> list[bytes]:
    """*answers*, if nothing has changed since the kernel gave *earlier*. Raises ChangedError."""
    if any(payload[_GENERATION] != earlier[_GENERATION] for payload in answers):
        raise ChangedError
    return answers


def ask(family: int, request: int, answer: int, names: t.Mapping[int, str] | None = None) -> list[bytes]:
    """The answers that have these attributes, which old kernels do not look at. Raises SourceError."""
    body = b"".join(named(kind, name) for kind, name in (names or {}).items())
    answers = dump(_NETLINK_NETFILTER, _NFTABLES | request, _NFTABLES | answer, bytes((family, 0, 0, 0)) + body)
    return [payload for payload in answers if payload.startswith(body, _HEAD_BYTES)]


def _by_chain(table: str, rules: t.Iterable[bytes]) -> dict[str, list[bytes]]:
    """The rules by the names of their chains, without what stands before: it may look like anything."""
    found: dict[bytes, list[bytes]] = {}
    begin = _HEAD_BYTES + len(named(1, table))
    for rule in rules:
        end = begin + int.from_bytes(rule[begin : begin + 2], sys.byteorder)
        found.setdefault(rule[begin + 4 : end], []).append(rule[end + -end % 4 :])
    return {text(name): made for name, made in found.items()}


def _maps_to_chains(rule: bytes) -> bool:
    """Whether it looks a verdict up; perhaps, too, if it does not."""
    return _LOOKUP in rule and _TO_VERDICT in rule


def _jumps(rule: bytes) -> t.Iterator[str]:
    """The chain that it jumps or goes to."""
    for code in _JUMP_CODES:
        at = rule.find(code)
        if at >= 0:
            yield text(dict(itertools.islice(attributes(rule, at), 2)).get(2))


def _concerns(ports: t.Collection[int] | None, wanted: t.Container[int]) -> bool:
    return ports is None or any(port in wanted for port in ports)


def ports_of(rule: bytes) -> t.Collection[int] | None:
    """The only destination ports that a NEWRULE can match; None where its bytes do not tell."""
    ports = _native_port(rule)
    for match in _PORT_MATCHES if ports is None else ():
        at = rule.find(match)
        if at >= 0:
            from ansible_collections.preflight.ports.plugins.module_utils._nat import xtables

            told = dict(itertools.islice(attributes(rule, at), 3))
            return xtables.ports(text(told.get(1)), number(told.get(2)), told.get(3, b""))
    return ports


def _native_port(rule: bytes) -> t.Collection[int] | None:
    at = rule.find(_PORT_IS)
    return (number(rule[at + len(_PORT_IS) : at + len(_PORT_IS) + 2]),) if at >= 0 else None


def named(kind: int, name: str) -> bytes:
    """An attribute with a text."""
    return _padded(attribute(kind, name.encode("utf-8", "surrogateescape") + b"\0"))


def text(value: bytes | None) -> str:
    return (value or b"").rstrip(b"\0").decode("utf-8", "surrogateescape")


def number(value: bytes | None) -> int:
    return int.from_bytes(value or b"", "big")


def _text_of(payload: bytes, kind: int) -> str:
    return text(next((value for each, value in attributes(payload, _HEAD_BYTES) if each == kind), None))


def _padded(made: bytes) -> bytes:
    return made + bytes(-len(made) % 4)


def _numbers(*values: int) -> bytes:
    return b"".join(attribute(kind, value.to_bytes(4, "big")) for kind, value in enumerate(values, 1))


def _expression(name: str, parts: bytes) -> bytes:
    return attribute(1, named(1, name) + attribute(2, parts))


# The names of the expressions, and of iptables' targets, that change the destination of a packet.
_CHANGES = [named(1, name) for name in ("nat", "redir", "DNAT", "REDIRECT", "NETMAP")]
# As the kernel writes "load the bytes 2 and 3 of the transport header into register 1; register 1 equals".
_PORT_IS = (
    _expression("payload", _numbers(1, 2, 2, 2))
    + _expression("cmp", _numbers(1, 0) + attribute(3, _padded(attribute(1, bytes(2)))))[:-4]
)
_JUMP_CODES = [attribute(1, code.to_bytes(4, "big", signed=True)) for code in (-3, -4)]
_LOOKUP, _TO_VERDICT = named(1, "lookup"), attribute(3, bytes(4))  # NFTA_LOOKUP_DREG: NFT_REG_VERDICT
_PORT_MATCHES = [named(1, name) for name in ("tcp", "udp", "multiport")]
