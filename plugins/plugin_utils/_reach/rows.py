# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flows and answers -> one row for each flow. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._reach import states
from ansible_collections.preflight.ports.plugins.plugin_utils._reach import judge, plan
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.answers import Tried
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.words import advice


class Row(t.NamedTuple):
    """One flow, from one client to one address and port."""

    client: str
    to: str
    address: str
    port: int
    protocol: str
    name: str | None
    expect: str
    met: bool
    state: str
    reason: str
    seconds: float
    translated: bool | None
    by: str | None
    rule: str | None
    advice: str | None
    tolerated: bool
    """Whether it is not as expected and stops nobody all the same."""
    flow: plan.Flow

    def as_dict(self) -> dict[str, t.Any]:
        row = self._asdict()
        row.pop("flow")
        return {"from": row.pop("client"), **row}


class Findings(t.NamedTuple):
    """What is known after all has been tried."""

    tried: t.Mapping[str, t.Sequence[Tried]]
    """Of each client, in the order of its cases."""
    clients: t.Mapping[str, str]
    """Client -> why it could not try."""
    targets: t.Mapping[str, judge.Target]
    outside: t.Mapping[str, str]
    """Host of the inventory -> why nothing can be tested to it."""
    names: t.AbstractSet[str]
    """Of hosts and groups, to suggest one for a name that does not resolve."""
    lost_hosts: t.AbstractSet[str]
    """Hosts that are unreachable."""


class Policy(t.NamedTuple):
    """What stops nobody."""

    host_firewall: bool
    """Whether the target's own firewall is a warning only."""
    unreachable: bool


def rows(flows: t.Sequence[plan.Flow], findings: Findings, policy: Policy) -> t.Iterator[Row]:
    places: dict[str, int] = {}
    for case in plan.cases(flows):
        asked = is_asked(case, findings.clients, findings.outside)
        place = places.get(case.client, 0)
        if asked:
            places[case.client] = place + 1
        yield _row(case, findings.tried[case.client][place] if asked else None, findings, policy)


def is_asked(case: plan.Case, clients: t.Mapping[str, str], outside: t.Mapping[str, str]) -> bool:
    """Whether the client was asked to try it and did."""
    return case.client not in clients and not (case.target.in_inventory and case.target.host in outside)


def _row(case: plan.Case, tried: Tried | None, findings: Findings, policy: Policy) -> Row:
    target, port = case.target, case.port
    if tried is None:
        why = findings.clients.get(case.client) or findings.outside[target.host]
        found, tried = judge.Judged(states.NOT_TESTED, why), Tried(states.NOT_TESTED, 0.0)
    elif target.in_inventory:
        found = judge.judge(port.protocol, port.port, tried, findings.targets[target.host])
    else:
        found = judge.Judged(tried.state, tried.reason)
        if tried.state == states.UNRESOLVED:
            found = found._replace(reason=tried.reason + plan.near_names(target.host, findings.names))
    met = judge.is_met(case.flow.expect, found.state, target.in_inventory)
    lost = found.state == states.NOT_TESTED and not {case.client, target.host}.isdisjoint(findings.lost_hosts)
    return Row(
        case.client,
        target.host,
        tried.address or target.address,
        port.port,
        port.protocol,
        port.name or case.flow.name,
        case.flow.expect,
        met,
        found.state,
        found.reason,
        tried.seconds,
        tried.translated,
        found.by,
        found.rule,
        None if met else found.advice or advice(found.state, case.flow.expect, found.at_target, target.in_inventory),
        not met and ((found.at_target and policy.host_firewall) or (lost and policy.unreachable)),
        case.flow,
    )
