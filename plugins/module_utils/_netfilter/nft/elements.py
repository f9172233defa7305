# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sets and maps of an nf_tables table, as the kernel tells them."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.kernel import HEAD_BYTES, Table, text

_NEWSET, _GETSET, _NEWSETELEM, _GETSETELEM = 9, 10, 12, 13
_NFTA_SET_NAME, _NFTA_SET_ELEM_LIST_ELEMENTS = 2, 3


def sets(table: Table) -> dict[str, dict[int, bytes]]:
    """Their names -> the attributes of their NEWSET. Raises SourceError, ChangedError."""
    told = [dict(attributes(payload, HEAD_BYTES)) for payload in table.ask(_GETSET, _NEWSET)]
    return {text(each.get(_NFTA_SET_NAME)): each for each in told}


def elements(table: Table, name: str) -> t.Iterator[bytes]:
    """Of one of them. Raises SourceError, ChangedError."""
    for payload in table.ask(_GETSETELEM, _NEWSETELEM, name):
        told = dict(attributes(payload, HEAD_BYTES)).get(_NFTA_SET_ELEM_LIST_ELEMENTS, b"")
        yield from (element for _kind, element in attributes(told))
