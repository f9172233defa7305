# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What attributes of nf_tables say: values, verdicts, and expressions with their names."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.kernel import text
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import rules

Parts = t.Dict[int, bytes]
"""The attributes of an expression."""

_NFTA_EXPR_NAME, _NFTA_EXPR_DATA = 1, 2
_NFTA_DATA_VALUE, _NFTA_DATA_VERDICT = 1, 2
_NFTA_VERDICT_CODE, _NFTA_VERDICT_CHAIN = 1, 2
_VERDICTS = {0: rules.DROP, 1: rules.ACCEPT, -1: rules.CONTINUE, -3: rules.JUMP, -4: rules.GOTO, -5: rules.RETURN}
COUNTING = ("counter", "last")
"""Expressions that neither ask nor do anything."""


def expression(element: bytes) -> tuple[str, Parts]:
    """The name and the attributes of an expression. Raises SourceError."""
    told = dict(attributes(element))
    return text(told.get(_NFTA_EXPR_NAME)), dict(attributes(told.get(_NFTA_EXPR_DATA, b"")))


def value_in(nested: bytes | None) -> bytes:
    """Raises SourceError."""
    return dict(attributes(nested or b"")).get(_NFTA_DATA_VALUE, b"")


def value_or_verdict(nested: bytes) -> bytes | rules.Verdict:
    """A value or a verdict. Raises SourceError."""
    told = dict(attributes(nested))
    if _NFTA_DATA_VERDICT not in told:
        return told.get(_NFTA_DATA_VALUE, b"")
    parts = dict(attributes(told[_NFTA_DATA_VERDICT]))
    code = int.from_bytes(parts.get(_NFTA_VERDICT_CODE, b""), "big", signed=True)
    return rules.Verdict(_VERDICTS.get(code, rules.LOST), text(parts.get(_NFTA_VERDICT_CHAIN)))
