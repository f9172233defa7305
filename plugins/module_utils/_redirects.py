# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports whose incoming traffic NAT rules of this host send elsewhere, so that a server there is never reached."""

from __future__ import annotations

import struct
import sys
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._sockets import SourceError

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._nat.nftables import Table
    from ansible_collections.preflight.ports.plugins.module_utils._nat.redirect import Redirect
    from ansible_collections.preflight.ports.plugins.module_utils._nat.tables import Found
    from ansible_collections.preflight.ports.plugins.module_utils._witnesses import Question

_ATTEMPTS = 3


def find(questions: t.Collection[Question]) -> dict[Question, Redirect] | None:
    """What the rules do to some of the ports. None if the user may not know, or they cannot be read.

    Each module is imported when it is needed: on a target, importing costs time in every task.
    """
    if not sys.platform.startswith("linux"):
        return None
    from ansible_collections.preflight.ports.plugins.module_utils._nat import tables

    for _attempt in range(_ATTEMPTS):
        try:
            found = tables.find()
            if not any(found):
                return {}
            return _search(questions, found)
        except tables.ChangedError:
            continue
        except (SourceError, OSError, LookupError, ValueError, ArithmeticError, struct.error, RecursionError):
            return None
    return None


def _search(questions: t.Collection[Question], found: Found) -> dict[Question, Redirect]:
    nft_tables: t.Sequence[Table] = ()
    if found.nft_chains:
        from ansible_collections.preflight.ports.plugins.module_utils._nat import nftables

        nft_tables = nftables.read(found.nft_chains)
    wanted = {port for _protocol, _endpoint, port in questions}
    if not (found.legacy_ipv4 or found.legacy_ipv6 or any(table.may_redirect(wanted) for table in nft_tables)):
        return {}
    from ansible_collections.preflight.ports.plugins.module_utils._nat import search

    findings = search.search(questions, nft_tables, found.legacy_ipv4, found.legacy_ipv6)
    if not findings:
        return {}
    from ansible_collections.preflight.ports.plugins.module_utils import _containers
    from ansible_collections.preflight.ports.plugins.module_utils._nat import labels
    from ansible_collections.preflight.ports.plugins.module_utils._nat.redirect import Redirect

    redirects = {}
    for question, finding in findings.items():
        target, tool, chains, label, container_id, depends_on = labels.described(*finding)
        container = _containers.behind(container_id, target)
        redirects[question] = Redirect(target, tool, chains, label, container, depends_on)
    return redirects
