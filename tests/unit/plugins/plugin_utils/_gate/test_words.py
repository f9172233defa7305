# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One message for many hosts."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.summary import summary
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.words import verdict

LOST = {"problem": "unreachable", "unreachable": True}


def port(number=80, met=True, **rest):
    state = "free" if met else "listening"
    return {"port": number, "protocol": "tcp", "address": None, "name": None, "met": met, "state": state, **rest}


def conflict(number=80, entry=0):
    known = {"protocol": "tcp", "address": None, "name": None, "state": "listening", "wanted": "free", "count": 1}
    return {**known, "port": number, "entry": entry, "reason": "held", "advice": None, "holders": []}


def doubt(number=80, reason="x", advice=None):
    known = {"protocol": "tcp", "address": None, "name": None, "kind": "nat"}
    return {**known, "port": number, "reason": reason, "advice": advice}


def answer(*ports, conflicts=(), doubts=(), **rest):
    known = {
        "held": [], "ephemeral": [], "source": "netlink", "probed": True, "redirects_checked": True, "firewall": [],
        "firewall_checked": True, "msg": "",
    }  # fmt: skip
    found = {"ports": list(ports), "conflicts": list(conflicts), "doubts": list(doubts)}
    return {"answer": {**known, **found, **rest}}


FREE = answer(port())
TAKEN = answer(port(met=False), conflicts=[conflict()])


def said(reports=(), **hosts):
    return verdict(summary(hosts)["hosts"], reports)


@pytest.mark.parametrize(
    ("hosts", "first"),
    [
        ({"a": TAKEN}, "a: The required port is taken:"),
        ({"a": TAKEN, "b": FREE}, "Ports are not as required on 1 of 2 hosts:"),
        ({"a": TAKEN, "b": TAKEN, "c": LOST}, "Ports are not as required on 2 of 3 hosts, and 1 could not be checked:"),
        ({"a": LOST, "b": LOST, "c": FREE}, "2 of 3 hosts could not be checked:"),
        ({"a": LOST}, "a: not checked, unreachable"),
        ({"a": FREE}, "The required port is free on a."),
        ({"a": FREE, "b": FREE}, "The required port is free on 2 hosts."),
    ],
)
def test_the_first_line(hosts, first):
    assert said(**hosts)[0] == first


def test_who_was_not_checked():
    few = {f"h{number:02}": LOST for number in range(10)}
    assert said(**few)[1:] == [f"{', '.join(list(few)[:9])} and h09: not checked, unreachable"]
    assert said(**few, x=LOST)[1:] == ["11 hosts: not checked, unreachable"]
    other = {"problem": "failed"}
    assert said(a=LOST, b=other, c=LOST)[1:] == ["a and c: not checked, unreachable", "b: not checked, failed"]


def test_all_is_well_elsewhere_is_said_where_nothing_is_known_to_be_taken():
    assert said(a=LOST, b=FREE)[-1] == "The required port is free on b."
    assert not any("is free" in line for line in said(a=TAKEN, b=FREE))


def test_where_the_rest_is():
    assert said(["/r.html", "/r.md"], a=FREE)[-1] == "Reports: /r.html, /r.md"
    assert said(["/r.html"], a=TAKEN)[-1] == "Reports: /r.html"


def test_doubts_of_all_hosts_come_together():
    unsure = answer(port(), doubts=[doubt(advice="Look.\nAgain.")])
    lines = said(a=unsure, b=unsure, c=answer(port(), doubts=[doubt(), doubt(81)]), d=FREE)
    assert lines[2:] == [
        "  80/tcp on 2 hosts: x", "    Look.", "    Again.", "  80/tcp on c: x", "  81/tcp on c: x",
    ]  # fmt: skip
    in_conflict = answer(port(met=False), port(81), conflicts=[conflict()], doubts=[doubt(81)])
    assert "  80/tcp on a: x" in said(a=unsure, b=TAKEN)
    assert [line for line in said(a=in_conflict) if "81/tcp" in line] == ["    81/tcp: x"]


@pytest.mark.parametrize(("count", "shown", "last"), [(50, 50, "  50/tcp on a: x"), (51, 51, "  and more")])
def test_doubts_have_an_end(count, shown, last):
    lines = said(a=answer(port("1-60"), doubts=[doubt(number) for number in range(1, count + 1)]))
    assert (len(lines) - 2, lines[-1]) == (shown, last)


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ({"redirects_checked": False}, "; NAT rules were not read"),
        ({"firewall_checked": False}, "; the firewall's rules were not read"),
        ({"probed": False}, "; bind(2) was not tried"),
        ({"probed": False, "redirects_checked": False}, "; NAT rules were not read and bind(2) was not tried"),
        ({}, ""),
    ],
)
def test_what_was_not_asked(missing, expected):
    lacking = answer(port(), **missing)
    (line,) = said(a=lacking)
    assert line == f"The required port is free on a{expected}."
    (line,) = said(a=lacking, b=FREE, c=lacking)
    several = " on 2 and ".join(expected.split(" and ")) + " on 2" if expected else ""
    assert line == f"The required port is free on 3 hosts{several}."
    (line,) = said(a=answer(**missing), b=FREE)
    assert "not" not in line


def many(count):
    ports = [port(number, met=False) for number in range(1, count + 1)]
    return answer(*ports, conflicts=[conflict(number, number - 1) for number in range(1, count + 1)])


def test_hosts_share_the_lines():
    lines = said(a=many(300), b=many(20), c=many(300))
    counts = {"a": 0, "b": 0, "c": 0}
    host = None
    for line in lines[1:]:
        host = line[0] if line[1:2] == ":" else host
        counts[host] += line.startswith("  ")
    assert counts["b"] == 20
    assert abs(counts["a"] - counts["c"]) <= 1
    assert 190 <= len(lines) <= 202
    assert lines[-1] == "Set port_preflight_reports to have it all."
    assert "Set port_preflight_reports to have it all." not in said(["/r.md"], a=many(300))
    assert "Set port_preflight_reports to have it all." not in said(a=many(20))
