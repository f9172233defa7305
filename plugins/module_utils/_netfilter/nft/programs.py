# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chains of an nf_tables table: each rule is a little program of expressions, decoded when packets come to it."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft import kernel
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.expressions import Lookups, decode
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.registers import Registers
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import (
    BRIDGED,
    EGRESS,
    INGRESS,
    UNSEEN,
    Packets,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.program import Step, run
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import Region
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Base, Outcome

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.sets import SetReader
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.keys import Element
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.ipsets import IpSets

_FAMILIES = {
    kernel.INET: ("inet", (4, 16)),
    kernel.IPV4: ("ip", (4,)),
    kernel.NETDEV: ("netdev", (4, 16)),
    kernel.BRIDGE: ("bridge", (4, 16)),
    kernel.IPV6: ("ip6", (16,)),
}
_NFTA_HOOK_HOOKNUM, _NFTA_HOOK_PRIORITY, _NFTA_HOOK_DEV, _NFTA_HOOK_DEVS = range(1, 5)
_NF_DROP = 0
# The numbers of the hooks that other families than IP have. A bridge's first two see what comes to this host.
_HOOKS = {
    (kernel.NETDEV, 0): INGRESS,
    (kernel.NETDEV, 1): EGRESS,
    **{(kernel.BRIDGE, number): BRIDGED if number < 2 else UNSEEN for number in range(6)},
}
_OF_IPTABLES = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
_TABLES_OF_IPTABLES = ("raw", "mangle", "nat", "filter", "security")

_COMMENT_TYPE = b"\0"
_COMMENT_MATCH, _NFTA_MATCH_INFO = kernel.named(1, "comment"), 3


def bases(table: kernel.Table, ipsets: t.Callable[[], IpSets]) -> list[Base]:
    """The base chains. Raises SourceError."""
    chains = _Chains(table, ipsets)
    return [_base(table, dict(attributes(payload, kernel.HEAD_BYTES)), chains.chain) for payload in table.base_chains]


def _base(table: kernel.Table, told: dict[int, bytes], chain: t.Callable[[str], t.Sequence[NftRule]]) -> Base:
    family, address_bytes = _FAMILIES[table.family]
    hook = dict(attributes(told.get(kernel.NFTA_CHAIN_HOOK, b"")))
    name, number = kernel.text(told.get(kernel.NFTA_CHAIN_NAME)), kernel.number(hook.get(_NFTA_HOOK_HOOKNUM))
    devices = [value for _kind, value in attributes(hook.get(_NFTA_HOOK_DEVS, b""))] or (
        [hook[_NFTA_HOOK_DEV]] if _NFTA_HOOK_DEV in hook else []
    )
    policy = told.get(kernel.NFTA_CHAIN_POLICY)
    return Base(
        tool="iptables" if _is_of_iptables(table, name) else "nft",
        table=f"{family} {table.name}",
        name=name,
        hook=_HOOKS.get((table.family, number), number),
        priority=int.from_bytes(hook.get(_NFTA_HOOK_PRIORITY, b""), "big", signed=True),
        address_bytes=address_bytes,
        chain=chain,
        is_nat=kernel.text(told.get(kernel.NFTA_CHAIN_TYPE)) == "nat",
        drops=policy is not None and kernel.number(policy) == _NF_DROP,
        devices=frozenset(map(kernel.text, devices)) if devices else None,
    )


def _is_of_iptables(table: kernel.Table, chain: str) -> bool:
    """Whether the iptables made it that is built on nf_tables."""
    is_of_its_family = table.family in (kernel.IPV4, kernel.IPV6)
    return is_of_its_family and table.name in _TABLES_OF_IPTABLES and chain in _OF_IPTABLES


class _Chains:
    """The rules and sets of one table."""

    def __init__(self, table: kernel.Table, ipsets: t.Callable[[], IpSets]) -> None:
        self._table = table
        self._lookups = Lookups(self._sets, ipsets)
        self._steps: dict[bytes, Step] = {}
        self._chains: dict[str, list[NftRule]] = {}
        self._reader: SetReader | None = None

    def chain(self, name: str) -> list[NftRule]:
        """Made when the first packet comes to it."""
        if name not in self._chains:
            is_ipv6 = self._table.family == kernel.IPV6
            rules = self._table.rules.get(name, ())
            self._chains[name] = [NftRule(made, self.step, self._members, is_ipv6) for made in rules]
        return self._chains[name]

    def step(self, element: bytes) -> Step:
        """Most rules of a table share most of their expressions. Raises SourceError."""
        if element not in self._steps:
            self._steps[element] = decode(element, self._lookups)
        return self._steps[element]

    def _members(self, name: str, most: int) -> list[Element]:
        return self._sets().members(name, most)

    def _sets(self) -> SetReader:
        if not self._reader:
            # Only where rules have sets, because importing costs time.
            from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft import sets

            self._reader = sets.SetReader(self._table)
        return self._reader


class NftRule:
    """One rule, as the kernel tells it."""

    def __init__(
        self,
        made: bytes,
        step: t.Callable[[bytes], Step],
        members: t.Callable[[str, int], list[Element]],
        is_ipv6: bool,
    ) -> None:
        """*made*: the attributes of its NEWRULE, from its handle on; *members*: see SetReader.members()."""
        self._made = made
        self._step = step
        self._members = members
        self._is_ipv6 = is_ipv6
        self._steps: list[Step] | None = None

    def outcomes(self, packets: Packets, region: Region) -> t.Iterator[Outcome]:
        """Raises SourceError."""
        if self._steps is None:
            self._steps = [self._step(element) for element in self.elements()]
        return run(self._steps, packets, region, Registers())

    def elements(self) -> list[bytes]:
        """Its expressions. Raises SourceError."""
        told = self.told().get(kernel.NFTA_RULE_EXPRESSIONS, b"")
        return [element for _kind, element in attributes(told)]

    def told(self) -> dict[int, bytes]:
        return dict(attributes(self._made))

    def comment(self) -> str | None:
        """What ``comment "..."`` left: type, length, text. The iptables of old has an expression instead."""
        userdata = self.told().get(kernel.NFTA_RULE_USERDATA, b"")
        if userdata[:1] == _COMMENT_TYPE:
            return kernel.text(userdata[2 : 2 + userdata[1]])
        for element in self.elements():
            at = element.find(_COMMENT_MATCH)
            if at >= 0:
                return kernel.text(dict(attributes(element, at)).get(_NFTA_MATCH_INFO, b"").partition(b"\0")[0])
        return None

    def text(self, is_iptables: bool) -> str:
        """As nft prints it, or iptables-save."""
        from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft import syntax

        return syntax.rule(self.elements(), is_iptables, self._members, self._is_ipv6)

    def handle(self) -> int:
        """By which nft names it."""
        return kernel.number(self.told().get(kernel.NFTA_RULE_HANDLE))
