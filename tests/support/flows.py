# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flows, and the rows that come of them, written short."""

from __future__ import annotations

from ansible_collections.preflight.ports.plugins.plugin_utils._reach import judge, plan, rows
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.answers import Tried
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.summary import summary as summarized

WEB = tuple(f"web{number}" for number in range(1, 6))


def flow(name="sql", expect="open", ports=(5432,), targets=("db1", "db2")):
    several = tuple(plan.Target(host, host, True) for host in targets)
    return plan.Flow(name, "web", WEB, "db", several, tuple(plan.Port("tcp", port, None) for port in ports), expect, 0)


def findings(flows, state_of, clients=None, outside=None, lost=()):
    tried = {}
    for case in plan.cases(flows):
        if not (clients and case.client in clients) and not (outside and case.target.host in outside):
            tried.setdefault(case.client, []).append(Tried(state_of(case), 1.0, "said so"))
    hosts = {target.host for each in flows for target in each.targets}
    sides = {host: judge.Target(True) for host in hosts}
    return rows.Findings(tried, clients or {}, sides, outside or {}, frozenset(["db1"]), frozenset(lost))


STRICT = rows.Policy(False, False)


def made(flows, state_of, policy=STRICT, **rest):
    return list(rows.rows(flows, findings(flows, state_of, **rest), policy))


def of_each_kind():
    """Flows that are met, unmet, tolerated and not tested."""
    names = {"web1": "lost", "web2": "no_answer", "web3": "not_tested"}
    found = made([flow(targets=("db1",)), flow(None, ports=(80,), targets=("db2",))],
                 lambda case: names.get(case.client, "open"))  # fmt: skip
    return summarized([row._replace(tolerated=row.state == "no_answer") for row in found])
