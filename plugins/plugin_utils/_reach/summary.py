# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows -> the one structure behind message, figures and reports. Pure.

Flows that are not as expected are there in full, the rest as counts.
"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._reach import states

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.plugin_utils._reach.rows import Row


class Pair(t.NamedTuple):
    """All flows of one client to one target."""

    flows: int
    unmet: int
    tolerated: int
    states: tuple[tuple[str, int], ...]
    """Of those that are not as expected, or of all if none is."""

    @property
    def shown(self) -> str:
        """``2 lost, 1 no_answer``."""
        return ", ".join(f"{count} {state}" for state, count in self.states)

    @property
    def is_wrong(self) -> bool:
        """Whether it has flows that are neither as expected, nor tolerated, nor merely not tested."""
        is_untested = all(state == states.NOT_TESTED for state, _count in self.states)
        return bool(self.unmet) and not is_untested and self.tolerated < self.unmet


class Summary(t.NamedTuple):
    total: int
    unmet: list[Row]
    pairs: dict[tuple[str, str], Pair]
    """(client, target) -> what came of them."""
    figures: dict[str, int]
    translated: list[tuple[str, str]]
    """The pairs between which addresses are translated."""
    unresolved: list[str]
    """The targets whose names do not resolve, which is as expected."""
    notes: t.Sequence[str] = ()
    """What holds for the whole run: what was not watched, for example."""


def summary(rows: t.Iterable[Row]) -> Summary:
    unmet: list[Row] = []
    by_state: collections.Counter[str] = collections.Counter()
    flows: collections.Counter[tuple[str, str]] = collections.Counter()
    wrong: collections.Counter[tuple[str, str]] = collections.Counter()
    tolerated: collections.Counter[tuple[str, str]] = collections.Counter()
    translated: collections.Counter[tuple[str, str]] = collections.Counter()
    unresolved: dict[str, None] = {}
    good: dict[tuple[str, str], collections.Counter[str]] = {}
    bad: dict[tuple[str, str], collections.Counter[str]] = {}
    for row in rows:
        pair = (row.client, row.to)
        flows[pair] += 1
        by_state[row.state] += 1
        if row.translated:
            translated[pair] += 1
        if row.met:
            if row.state == states.UNRESOLVED:
                unresolved[row.to] = None
            good.setdefault(pair, collections.Counter())[row.state] += 1
            continue
        unmet.append(row)
        wrong[pair] += 1
        tolerated[pair] += row.tolerated
        bad.setdefault(pair, collections.Counter())[row.state] += 1
    pairs = {
        pair: Pair(count, wrong[pair], tolerated[pair], tuple(sorted((bad.get(pair) or good[pair]).items())))
        for pair, count in flows.items()
    }
    total = sum(flows.values())
    figures = {"flows": total, "met": total - len(unmet), "unmet": len(unmet)}
    figures["warnings"] = sum(tolerated.values())
    figures["not_tested"] = by_state[states.NOT_TESTED]
    figures["translated"] = sum(translated.values())
    figures.update({"clients": len({pair[0] for pair in pairs}), "targets": len({pair[1] for pair in pairs})})
    return Summary(total, unmet, pairs, figures, list(translated), list(unresolved))
