# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the expressions of an nf_tables rule hand each other, and what they may come to."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.kernel import text
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import rules, seen_bytes

Registers = t.List[t.Union[int, seen_bytes.Unknown]]
"""Their bytes."""

Found = t.Union[bytes, rules.Verdict]
Choices = t.Sequence[t.Tuple[Found, t.Optional[str]]]
"""What a map may have for a key, and what that depends on: the first whose doubt turns out well."""

Fork = t.List[t.Tuple[t.Union[rules.Verdict, Registers], t.Optional[str]]]
"""The ways that a rule may go on, as Choices has them."""

Step = t.Callable[[seen_bytes.View, Registers], t.Union[rules.Answer, rules.Verdict, Fork]]
"""One expression: whether the rule goes on, or what that depends on, or how it ends."""

_VERDICTS = {0: rules.DROP, 1: rules.ACCEPT, -1: rules.CONTINUE, -3: rules.JUMP, -4: rules.GOTO, -5: rules.RETURN}


def data(nested: bytes) -> Found:
    """NFTA_DATA_VALUE or NFTA_DATA_VERDICT. Whoever takes queued packets lets them go on, or nowhere."""
    told = dict(attributes(nested))
    if 2 not in told:
        return told.get(1, b"")
    parts = dict(attributes(told[2]))
    code = int.from_bytes(parts.get(1, b""), "big", signed=True)
    return rules.Verdict(_VERDICTS.get(code, rules.ACCEPT), text(parts.get(2)))


def stored(registers: Registers, at: int, data: seen_bytes.Bytes) -> Registers:
    """The kernel fills the last four bytes up, so that values that are put together can be compared."""
    filled = [*data, *bytes(-len(data) % 4)]
    return [*registers[:at], *filled, *registers[at + len(filled) :]]
