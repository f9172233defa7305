# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the tables that have NAT rules to what they do to some ports.

Most rules are about other ports, as their bytes tell. They are decoded, by modules that are imported only then, where
these do not tell it.
"""

from __future__ import annotations

import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils import _redirects
from ansible_collections.preflight.ports.plugins.module_utils._sockets import SourceError

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._nat import entries, nftables
    from ansible_collections.preflight.ports.plugins.module_utils._nat.redirect import Redirect
    from ansible_collections.preflight.ports.plugins.module_utils._witnesses import Question

_ATTEMPTS = 3


class ChangedError(SourceError):
    """The rules changed while they were read."""


def find(questions: t.Collection[Question], where: tuple[list[bytes], bool, bool]) -> dict[Question, Redirect] | None:
    """What the rules do. None if they cannot be read."""
    for attempt in range(_ATTEMPTS):
        try:
            return _find(questions, *(_redirects.where() if attempt else where))
        except ChangedError:
            continue
        except (SourceError, OSError, LookupError, ValueError, ArithmeticError, struct.error, RecursionError):
            break
    return None


def _find(
    questions: t.Collection[Question], nft_chains: list[bytes], ipv4: bool, ipv6: bool
) -> dict[Question, Redirect]:
    wanted = {port for _protocol, _endpoint, port in questions}
    nft_tables = _nft_tables(nft_chains, wanted) if nft_chains else ()
    legacy = _legacy_tables(ipv4, ipv6, wanted) if ipv4 or ipv6 else ()
    if not (nft_tables or legacy):
        return {}
    from ansible_collections.preflight.ports.plugins.module_utils._nat import search

    found = search.search(questions, nft_tables, legacy)
    if not found:
        return {}
    from ansible_collections.preflight.ports.plugins.module_utils._nat import labels

    return {question: labels.described(*each) for question, each in found.items()}


def _nft_tables(chains: list[bytes], wanted: set[int]) -> t.Sequence[nftables.Table]:
    """All or none: of several, the first that decides counts."""
    from ansible_collections.preflight.ports.plugins.module_utils._nat import nftables

    tables = nftables.read(chains)
    return tables if any(table.may_redirect(wanted) for table in tables) else ()


def _legacy_tables(ipv4: bool, ipv6: bool, wanted: set[int]) -> t.Sequence[entries.Table]:
    from ansible_collections.preflight.ports.plugins.module_utils._nat import entries

    layouts = [layout for layout, is_there in ((entries.IPV4, ipv4), (entries.IPV6, ipv6)) if is_there]
    return [table for table in map(entries.read, layouts) if table.may_redirect(wanted)]
