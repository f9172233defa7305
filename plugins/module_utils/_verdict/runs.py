# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts on neighbouring ports of one requirement that say the same -> one. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict, Verdicts

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Redirect


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
    before: Verdict | None = None
    for (index, port), verdict in sorted(verdicts.items(), key=lambda item: item[0]):
        latest, comparable = found[-1] if found else None, _comparable(verdict)
        if latest and (latest.entry, latest.last + 1) == (index, port) and comparable == before:
            found[-1] = latest._replace(last=port, verdict=_both(latest.verdict, verdict))
        else:
            found.append(Run(index, port, port, verdict))
        before = comparable
    return found


def _comparable(verdict: Verdict) -> Verdict:
    """Without what differs from port to port: the other ends of connections, how long they last, the port of a rule."""
    holders = tuple(
        holder._replace(peer=None, seconds_left=None, redirect=_without_port(holder.redirect, verdict.port))
        for holder in verdict.holders
    )
    return verdict._replace(port=0, holders=holders)


def _without_port(redirect: Redirect | None, port: int) -> Redirect | None:
    """A rule that keeps the port sends each one to itself elsewhere."""
    if not redirect or not redirect.target.endswith(f":{port}"):
        return redirect
    destinations = tuple(each._replace(port=0) for each in redirect.destinations)
    return redirect._replace(target=redirect.target.rpartition(":")[0], destinations=destinations)


def _both(one: Verdict, other: Verdict) -> Verdict:
    if one.holders == other.holders:
        return one
    ports = f"{one.port}-{other.port}"
    holders = (
        mine.together_with(its)._replace(redirect=_of_both(mine.redirect, its.redirect, ports))
        for mine, its in zip(one.holders, other.holders)
    )
    return one._replace(holders=tuple(holders))


def _of_both(one: Redirect | None, other: Redirect | None, ports: str) -> Redirect | None:
    if not one or not other or one.target == other.target:
        return one
    return one._replace(target=f"{other.target.rpartition(':')[0]}:{ports}")
