# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What speaks against ports that are as required: doubts, conflicts, or warnings."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FAIL, Requirement

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._kernel.ephemeral import Ephemeral
    from ansible_collections.preflight.ports.plugins.module_utils._look.look import Look
    from ansible_collections.preflight.ports.plugins.module_utils._model.claim import Claim
    from ansible_collections.preflight.ports.plugins.module_utils._model.doubt import Doubt
    from ansible_collections.preflight.ports.plugins.module_utils._model.passage import Barred


def found_doubts(
    requirements: t.Sequence[Requirement],
    seen: Look,
    settings: Ephemeral | None,
    barred: Barred,
    claims: t.Sequence[Claim],
) -> list[Doubt]:
    """All that speaks against ports that are as required."""
    if not (seen.diversions or seen.unprobed or settings or barred or claims):
        return []
    # Only now: on a target, each import costs time in each task.
    from ansible_collections.preflight.ports.plugins.module_utils._kernel.rights import first_unprivileged
    from ansible_collections.preflight.ports.plugins.module_utils._verdict import doubts

    return [
        *doubts.from_nat(requirements, seen.verdicts, seen.diversions),
        *doubts.from_connections(requirements, seen.verdicts, settings),
        *doubts.from_silence(requirements, seen.verdicts, seen.unprobed, first_unprivileged()),
        *doubts.from_firewall(requirements, barred),
        *doubts.from_claims(requirements, seen.verdicts, claims),
    ]


def is_conflict(
    doubt: Doubt, options: t.Mapping[str, t.Any], requirements: t.Sequence[Requirement], barred: Barred
) -> bool:
    """Whether the request wants that. Of the firewall, only what surely stops every client is one."""
    if doubt.kind != "firewall":
        return bool(options.get({"claim": "claims"}.get(doubt.kind, doubt.kind)) == FAIL)
    is_asked = requirements[doubt.entry].firewall == FAIL
    return is_asked and any(doubt.first == each.first and each.is_blocked for each in barred[doubt.entry])


def warnings(doubts: t.Sequence[dict[str, t.Any]]) -> t.Iterator[str]:
    """One for all ports that have the same against them. What was not asked is in the message."""
    if not doubts:
        return
    from ansible_collections.preflight.ports.plugins.module_utils._model.text import joined
    from ansible_collections.preflight.ports.plugins.module_utils._verdict.message import label

    ports: dict[tuple[str, str], list[str]] = {}
    for doubt in doubts:
        if doubt["kind"] != "not_probed":
            ports.setdefault((doubt["reason"], doubt["advice"] or ""), []).append(label(doubt))
    for (reason, advice), labels in ports.items():
        yield f"{joined(labels)}: {reason}. {advice}".rstrip()
