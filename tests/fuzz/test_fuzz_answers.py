# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a target answers, the controller goes on: it is malformed, or fit for message, figures and reports."""

from __future__ import annotations

import copy
import time
from typing import Any

from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from ansible_collections.preflight.ports.plugins.plugin_utils._gate import reports, summary, words
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.answers import checked
from ansible_collections.preflight.ports.plugins.plugin_utils._play.shapes import Malformed
from ansible_collections.preflight.ports.plugins.plugin_utils._reach import answers as flows
from hypothesis import given
from hypothesis import strategies as st

MOST_SECONDS = 1.0  # of processor time
ASKED = [80, "8000-8009/udp"]
PLACE = {"protocol": "tcp", "address": None, "name": None}
HOLDER = {
    "addresses": ["0.0.0.0"],
    "protocol": "tcp",
    "state": "listening",
    "pid": 812,
    "pids": [812],
    "process": "nginx",
    "exe": "/usr/sbin/nginx",
    "program": None,
    "user": "root",
    "uid": 0,
    "unit": "nginx.service",
    "kernel": False,
    "container": {"id": "1", "name": "web", "runtime": "podman", "user": "alice"},
    "started": "2026-01-01T00:00:00Z",
    "interface": None,
    "peer": None,
    "hidden": False,
}
ANSWER = {
    "msg": "",
    "ports": [
        {**PLACE, "port": 80, "met": False, "state": "listening"},
        {**PLACE, "protocol": "udp", "port": "8000-8009", "met": True, "state": "free", "free": 10, "first_free": 8000},
    ],
    "conflicts": [
        {
            **PLACE,
            "port": 80,
            "count": 1,
            "state": "listening",
            "wanted": "free",
            "reason": "held",
            "advice": "Stop it.",
            "holders": [HOLDER],
        }
    ],
    "held": [],
    "doubts": [{**PLACE, "port": 80, "kind": "nat", "reason": "rules", "advice": None}],
    "ephemeral": [80, "8000-8009"],
    "source": "netlink",
    "probed": True,
    "redirects_checked": True,
    "firewall": [],
    "firewall_checked": True,
}
PORT = {"port": 80, "protocol": "tcp", "state": "bound", "reason": "", "holder": None}
WALL = {"port": 80, "protocol": "tcp", "by": "ufw", "rule": "drop", "advice": None}
STARTED = {"running": True, "witness": True, "ports": [PORT], "firewall": [WALL], "may_end_early": None}
VISIT = {"protocol": "tcp", "source": "10.0.0.1", "source_port": 1, "destination": "10.0.0.2", "port": 80}
SEEN = {"running": True, "witness": True, "missed": 0, "visits": [{**VISIT, "stage": "passed"}]}
TRIED = {"flows": [{"id": 0, "state": "open", "seconds": 0.1, "source": {"address": "10.0.0.1", "port": 1}}]}

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["1-99999999999999", "80-79", "-1", "free", "{{ 1 }}", "<b>", "x" * 100000, 10**30])
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something in a nested value can be exchanged."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for key, part in inner for each in places(part, (*path, key)))]


def spoilt(data: st.DataObject, good: Any) -> Any:
    """With one to three parts exchanged for anything."""
    found = copy.deepcopy(good)
    for _unused in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(found)))
        value = data.draw(anything)
        if not path:
            return value
        part = found
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value
    return found


@given(st.data())
def test_answers_about_ports(data: st.DataObject) -> None:
    found = spoilt(data, ANSWER)
    started = time.process_time()
    try:
        entry = {"answer": checked(found, parse(ASKED))}
    except Malformed as error:
        entry = {"problem": str(error)}
    whole = summary.summary({"web1": entry, "web2": {"answer": checked(ANSWER, parse(ASKED))}})
    assert words.verdict(whole["hosts"])
    for kind in ("html", "json", "xml", "md"):
        assert list(reports.render(kind, whole, "play"))
    assert time.process_time() - started < MOST_SECONDS


@given(st.data())
def test_answers_about_flows(data: st.DataObject) -> None:
    started = time.process_time()
    for read, good in (
        (flows.started, STARTED),
        (flows.seen, SEEN),
        (lambda answer: flows.tried(answer, [True]), TRIED),
    ):
        found = spoilt(data, good)
        try:
            read(found)
        except Malformed as error:
            assert str(error)
    assert time.process_time() - started < MOST_SECONDS
