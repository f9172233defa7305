# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the tables that have NAT rules to what they do to some ports."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Base
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.search import search

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Redirect
    from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question


def find(
    questions: t.Collection[Question], nft_chains: list[bytes], ipv4: bool, ipv6: bool
) -> dict[Question, Redirect]:
    """What the rules do. *nft_chains*: the base chains of nf_tables; *ipv4*, *ipv6*: whether older tables are there.

    Raises SourceError, ChangedError.
    """
    found = search(questions, [*_nft_bases(nft_chains), *_legacy_bases(ipv4, ipv6)])
    if not found:
        return {}
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter import labels

    return {question: labels.described(*each) for question, each in found.items()}


# Each module only where there are such rules, because importing costs time.


def _nft_bases(chains: list[bytes]) -> list[Base]:
    if not chains:
        return []
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft import kernel, programs

    return [base for table in kernel.read(chains) for base in programs.bases(table)]


def _legacy_bases(ipv4: bool, ipv6: bool) -> list[Base]:
    if not (ipv4 or ipv6):
        return []
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import entries, legacy

    layouts = [layout for layout, is_there in ((entries.IPV4, ipv4), (entries.IPV6, ipv6)) if is_there]
    return [base for layout in layouts for base in legacy.bases(entries.read(layout))]
