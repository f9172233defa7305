# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts on neighbouring ports of one requirement that say the same -> one. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict, Verdicts


class Run(t.NamedTuple):
    """The ports, and the verdict on each of them."""

    entry: int
    """The index of the requirement."""
    first: int
    last: int
    verdict: Verdict


def runs(verdicts: Verdicts) -> list[Run]:
    """In the order of requirements and ports."""
    found: list[Run] = []
    for (index, port), verdict in sorted(verdicts.items(), key=lambda item: item[0]):
        latest = found[-1] if found else None
        if latest and (latest.entry, latest.last + 1) == (index, port) and _agree(latest.verdict, verdict):
            found[-1] = latest._replace(last=port, verdict=_both(latest.verdict, verdict))
        else:
            found.append(Run(index, port, port, verdict))
    return found


def _agree(one: Verdict, other: Verdict) -> bool:
    return _comparable(one) == _comparable(other)


def _comparable(verdict: Verdict) -> Verdict:
    """Without what differs from port to port: the other ends of connections, and how long they last."""
    holders = tuple(holder._replace(peer=None, seconds_left=None) for holder in verdict.holders)
    return verdict._replace(port=0, holders=holders)


def _both(one: Verdict, other: Verdict) -> Verdict:
    if one.holders == other.holders:
        return one
    return one._replace(holders=tuple(mine.together_with(its) for mine, its in zip(one.holders, other.holders)))
