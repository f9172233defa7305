# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a firewall does to a port, in words, and as results have it. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.passage import BLOCKED, UNKNOWN, Barred, Passage
from ansible_collections.preflight.ports.plugins.module_utils._model.ports import shown
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import Requirement
from ansible_collections.preflight.ports.plugins.module_utils._model.text import joined


def barrier(passage: Passage) -> str:
    """It follows the port and a colon."""
    if passage.verdict == UNKNOWN:
        return f"it is unknown whether the firewall lets clients in{_depends(passage)}"
    who = f"{passage.by}, {passage.chain}: {passage.rule}" if passage.by else "this host's firewall"
    if passage.verdict == BLOCKED:
        return f"no client gets in: {who}"
    return f"not every client gets in: {who}{_depends(passage)}"


def _depends(passage: Passage) -> str:
    return f"; it depends on {joined(passage.depends_on)}" if passage.depends_on else ""


def items(requirements: t.Sequence[Requirement], barred: Barred) -> list[dict[str, t.Any]]:
    """``firewall`` of the result."""
    return [
        {
            "port": shown(passage.first, passage.last),
            "protocol": requirements[index].protocol,
            "address": requirements[index].address,
            "name": requirements[index].name,
            "verdict": passage.verdict,
            "by": passage.by,
            "chain": passage.chain,
            "rule": passage.rule,
            "depends_on": list(passage.depends_on),
            "advice": passage.advice,
        }
        for index, passages in barred.items()
        for passage in passages
    ]
