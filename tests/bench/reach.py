# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows between many hosts: for real between network namespaces, and as answers that the controller judges."""

from __future__ import annotations

import json
import re
import resource
import time
from pathlib import Path
from typing import NamedTuple

from ansible_collections.preflight.ports.plugins.plugin_utils._reach import judge, plan, reports, rows, words
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.answers import Tried
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.summary import summary as summarized
from reach.hosts import Hosts

CLIENTS, TARGETS, PORTS = 50, 50, 5
FIRST = 2001
TIMEOUT = 5
SIDE = 500
"""As many clients and as many targets answer, for the controller's part."""
_DROP = f"table inet t {{ chain c {{ type filter hook input priority 0; tcp dport {FIRST} drop; }} }}"


class Many(NamedTuple):
    slowest: float
    """Client, in seconds."""
    play: float


class Judging(NamedTuple):
    seconds: float
    mebibytes: float
    """At most, of the whole process."""


def between_namespaces(scratch: Path) -> Many:
    """Half of the targets drop one of the ports, so that the clients wait as long as they may."""
    report = scratch / "flows.json"
    flows = [{"from": "web", "to": "db", "ports": [f"{FIRST}-{FIRST + PORTS - 1}"]}]
    variables = {"port_reach_flows": flows, "port_reach_timeout": TIMEOUT, "port_reach_seconds": 600}
    with Hosts(scratch, web=CLIENTS, db=TARGETS) as hosts:
        for host in hosts.groups["db"][: TARGETS // 2]:
            hosts.rules(hosts.namespace(host), _DROP)
        began = time.monotonic()
        _status, output = hosts.play({**variables, "port_reach_reports": [str(report)]}, "-v")
        took = time.monotonic() - began
    content = json.loads(report.read_text())
    dropped = CLIENTS * (TARGETS // 2)
    found = (content["figures"]["flows"], [row["state"] for row in content["flows"]])
    if found != (CLIENTS * TARGETS * PORTS, ["dropped_by_host"] * dropped):
        raise RuntimeError(f"{found[0]} flows, {len(found[1])} not as expected:\n{output[-2000:]}")
    return Many(max(map(float, re.findall(r'elapsed"?: ([0-9.]+)', output))), took)


def judged(scratch: Path, targets: int) -> Judging:
    """What the controller does once all have answered: rows, message and four reports."""
    sources = tuple(f"web{number}" for number in range(SIDE))
    several = tuple(plan.Target(f"db{number}", f"10.1.{number >> 8}.{number & 255}", True) for number in range(targets))
    flow = plan.Flow("sql", "web", sources, "db", several, (plan.Port("tcp", 5432, None),), "open", 0)
    tried: dict[str, list[Tried]] = {}
    for case in plan.cases([flow]):
        state = "no_answer" if case.target.host.endswith("7") else "open"
        tried.setdefault(case.client, []).append(Tried(state, 0.1))
    sides = {target.host: judge.Target(True) for target in several}
    findings = rows.Findings(tried, {}, sides, {}, frozenset(), frozenset())
    began = time.process_time()
    found = summarized(rows.rows([flow], findings, rows.Policy(False, False)))
    message = words.message(found.unmet, found.total, [], [])
    for kind in ("html", "json", "csv", "xml"):
        reports.write(str(scratch / f"flows.{kind}"), found, "many", message)
    return Judging(time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
