# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the tables that have rules to what they do to packets."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter import host
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Base

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Redirect
    from ansible_collections.preflight.ports.plugins.module_utils._model.passage import Access, Passage
    from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.ipsets import IpSets


def redirects(questions: t.Collection[Question], bases: t.Sequence[Base]) -> dict[Question, Redirect]:
    """What NAT does. Raises SourceError, ChangedError."""
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.redirects import search

    found = search(questions, bases, host.read().addresses)
    if not found:
        return {}
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter import labels

    return {question: labels.described(each) for question, each in found.items()}


def passages(accesses: t.Sequence[Access], bases: t.Sequence[Base]) -> list[list[Passage]]:
    """Of each access what is not open. Raises SourceError, ChangedError."""
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.passages import judge

    found = judge(accesses, bases, host.read())
    if not any(found):
        return [[] for _access in accesses]
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter import described

    return [[described.passage(access, each) for each in judged] for access, judged in zip(accesses, found)]


def read(nft_chains: t.Sequence[bytes], ipv4: t.Iterable[str], ipv6: t.Iterable[str]) -> list[Base]:
    """The chains that the kernel calls. *nft_chains*: those of nf_tables; *ipv4*, *ipv6*: which older tables are there.

    Raises SourceError, ChangedError.
    """
    made: list[IpSets] = []

    def ipsets() -> IpSets:
        if not made:
            from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.ipsets import IpSets

            made.append(IpSets())
        return made[0]

    return [*_nft_bases(nft_chains, ipsets), *_legacy_bases(ipv4, ipv6, ipsets)]


# Each module only where there are such rules, because importing costs time.


def _nft_bases(chains: t.Sequence[bytes], ipsets: t.Callable[[], IpSets]) -> list[Base]:
    if not chains:
        return []
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft import kernel, programs

    return [base for table in kernel.read(chains) for base in programs.bases(table, ipsets)]


def _legacy_bases(ipv4: t.Iterable[str], ipv6: t.Iterable[str], ipsets: t.Callable[[], IpSets]) -> list[Base]:
    if not (ipv4 or ipv6):
        return []
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import entries, legacy

    layouts = [*((entries.IPV4, name) for name in ipv4), *((entries.IPV6, name) for name in ipv6)]
    return [base for layout, name in layouts for base in legacy.bases(entries.read(layout, name), ipsets)]
