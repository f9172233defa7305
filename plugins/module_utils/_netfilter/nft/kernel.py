# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of nf_tables, over netlink(7): from ``nft``, or from the iptables that is built on it.

The kernel itself is asked: the commands take several times as long, and may be missing where rules are. Attributes have
the names and numbers of its include/uapi/linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

import itertools
import sys
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attribute, attributes, dump
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ChangedError

_NETLINK_NETFILTER = 12
_NFTABLES = 10 << 8  # the subsystem, in the upper byte of each kind of message
_NEWTABLE, _GETTABLE, _NEWRULE, _GETRULE = 0, 1, 6, 7
HEAD_BYTES = 4  # nfgenmsg: family, version, generation of the rules
_GENERATION = slice(2, 4)
_NFTA_TABLE_NAME, _NFTA_TABLE_FLAGS, _DORMANT = 1, 2, 1
NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY, NFTA_CHAIN_TYPE = 1, 3, 4, 5, 7
NFTA_RULE_HANDLE, NFTA_RULE_EXPRESSIONS, NFTA_RULE_USERDATA = 3, 4, 7
INET, IPV4, NETDEV, BRIDGE, IPV6 = 1, 2, 5, 7, 10  # NFPROTO_*
_REG32_00 = 8  # the registers of 4 bytes; those with smaller numbers have 16 and share their place


class Table:
    """One table, as it was at one time."""

    def __init__(self, family: int, name: str, base_chains: t.Sequence[bytes]) -> None:
        """*base_chains* are NEWCHAIN messages. Raises SourceError, ChangedError."""
        self.family = family
        self.name = name
        self.base_chains = base_chains
        self._updated: frozenset[str] | None = None
        self.rules = _by_chain(name, self.ask(_GETRULE, _NEWRULE))

    def updated_sets(self) -> frozenset[str]:
        """Those that packets change. Raises SourceError."""
        if self._updated is None:
            all_rules = [rule for rules in self.rules.values() for rule in rules]
            self._updated = frozenset(name for rule in all_rules for name in _updates(rule))
        return self._updated

    def ask(self, request: int, answer: int, *names: str) -> list[bytes]:
        """In every kind of message, attribute 1 is the table. Raises SourceError, ChangedError."""
        answers = _ask(self.family, request, answer, self.name, *names)
        generation = self.base_chains[0][_GENERATION]
        if any(payload[_GENERATION] != generation for payload in answers):
            raise ChangedError
        return answers


def read(chains: t.Iterable[bytes]) -> list[Table]:
    """The tables of *chains* with all their rules. Raises SourceError, ChangedError."""
    by_table: dict[tuple[int, str], list[bytes]] = {}
    for payload in chains:
        by_table.setdefault((payload[0], text_of(payload, NFTA_CHAIN_TABLE)), []).append(payload)
    tables = ((payload[0], dict(attributes(payload, HEAD_BYTES))) for payload in _ask(0, _GETTABLE, _NEWTABLE))
    # The kernel does not call the chains of a dormant table.
    asleep = {
        (family, text(told.get(_NFTA_TABLE_NAME)))
        for family, told in tables
        if number(told.get(_NFTA_TABLE_FLAGS)) & _DORMANT
    }
    return [Table(*each, by_table[each]) for each in by_table if each not in asleep]


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


def _updates(rule: bytes) -> t.Iterator[str]:
    """The sets that a rule adds to, or takes from."""
    at = rule.find(_DYNSET)
    while at >= 0:
        told = dict(itertools.islice(attributes(rule, at), 2))
        yield text(dict(attributes(told.get(_NFTA_EXPR_DATA, b""))).get(_NFTA_DYNSET_SET_NAME))
        at = rule.find(_DYNSET, at + 1)


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


_NFTA_EXPR_DATA, _NFTA_DYNSET_SET_NAME = 2, 1
_DYNSET = named(1, "dynset")
