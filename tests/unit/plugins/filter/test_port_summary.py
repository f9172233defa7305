# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.filter.port_summary import FilterModule, port_summary


def entry(port, state="free", met=True, **rest):
    return {"port": port, "protocol": "tcp", "address": None, "name": None, "met": met, "state": state, **rest}


def conflict(port, **rest):
    return {
        "port": port,
        "count": 1,
        "protocol": "tcp",
        "address": None,
        "name": None,
        "state": "listening",
        "wanted": "free",
        "reason": "listening on 0.0.0.0",
        "advice": None,
        "holders": [],
        **rest,
    }


def look(*ports, conflicts=(), held=(), msg="", ephemeral=(), doubts=()):
    found = {"ports": ports, "conflicts": conflicts, "held": held, "ephemeral": ephemeral, "doubts": doubts}
    return {**found, "msg": msg, "source": "netlink", "probed": True}


def summary(in_play=(), **looks):
    hostvars = {host: {} if found is None else {"__port_preflight_result": found} for host, found in looks.items()}
    return port_summary({}, list(looks), hostvars, in_play)


def host(**looks):
    (found,) = summary(**looks)["hosts"]
    return found


def test_hosts_are_in_order():
    assert [each["host"] for each in summary(b=look(), c=look(), a=look())["hosts"]] == ["a", "b", "c"]


def test_figures():
    full = look(
        entry(80, "listening", met=False),
        entry("81-83"),
        entry(90, "listening"),
        conflicts=[conflict(80)],
        held=[conflict(90)],
    )
    assert summary(a=full, b=look(), c={"unreachable": True, "msg": "no route"})["figures"] == {
        "hosts": 3,
        "checked": 2,
        "unchecked": 1,
        "ports": 3,
        "met": 2,
        "conflicts": 1,
        "held": 1,
    }


@pytest.mark.parametrize(
    ("found", "unreachable", "msg"),
    [
        pytest.param({"unreachable": True, "msg": "no route"}, True, "unreachable", id="unreachable"),
        pytest.param({"failed": True, "msg": "bad\nworse"}, False, "bad", id="failed"),
        pytest.param({"failed": True}, False, "failed", id="failed without a word"),
        pytest.param({"failed": True, "msg": ""}, False, "failed", id="failed with an empty word"),
        pytest.param(None, True, "unreachable, or left the play before", id="left the play before"),
    ],
)
def test_what_is_not_known_is_not_met(found, unreachable, msg):
    result = host(a=found)
    assert (result["checked"], result["met"], result["unreachable"], result["msg"]) == (False, False, unreachable, msg)


@pytest.mark.parametrize(
    "looks", [pytest.param({"a": {"skipped": True}}, id="skipped"), pytest.param({"a": None}, id="not yet looked at")]
)
def test_who_is_left_out(looks):
    assert summary(in_play=["a"], **looks)["hosts"] == []


@pytest.mark.parametrize(
    ("use", "in_play", "checked"),
    [
        pytest.param("this", [], True, id="of this use"),
        pytest.param("batch", [], True, id="of an earlier batch"),
        pytest.param("old", ["b"], None, id="of an earlier use, this one leaves it out"),
        pytest.param("old", [], False, id="of an earlier use, and left since"),
        pytest.param(None, [], False, id="of nobody knows which"),
    ],
)
def test_what_an_earlier_use_found_does_not_count(use, in_play, checked):
    mark = {"id": "this", "counts": ["this", "batch"]}
    marks = {"a": {"__port_preflight_use": mark}, "b": {"__port_preflight_use": {"id": use}} if use else {}}
    hostvars = {name: {**each, "__port_preflight_result": look()} for name, each in marks.items()}
    found = {each["host"]: each["checked"] for each in port_summary(marks["a"], "ab", hostvars, in_play)["hosts"]}
    assert found == {"a": True, **({} if checked is None else {"b": checked})}


def test_a_host_that_took_part_in_no_use_sees_the_last_result_of_each():
    hostvars = {"a": {"__port_preflight_use": {"id": "old"}, "__port_preflight_result": look()}}
    assert [each["checked"] for each in port_summary({}, "a", hostvars, [])["hosts"]] == [True]


@pytest.mark.parametrize(("in_play", "checked"), [("a", []), ("", [False])])
def test_what_was_forgotten_is_no_result(in_play, checked):
    assert [each["checked"] for each in summary(in_play, a={})["hosts"]] == checked


def test_required_ports_in_order_with_their_names():
    a = look(entry(443, name="web"), entry(80), entry(53, protocol="udp"), entry("8000-8010"), entry(53))
    b = look(entry(443, "listening", met=False, name="api"), entry(443, address="::1"), entry(443, name="web"))
    assert [(port["label"], port["names"], port["met"]) for port in summary(a=a, b=b)["required"]] == [
        ("53/tcp", [], True),
        ("53/udp", [], True),
        ("80/tcp", [], True),
        ("443/tcp", ["web", "api"], False),
        ("[::1]:443/tcp", [], True),
        ("8000-8010/tcp", [], True),
    ]


def test_conflicts_know_who_asked():
    asked = [entry("80-90"), entry(85), entry(85, name="other"), entry(85, address="10.0.0.5")]
    asked = [{**each, "met": False} for each in asked]
    unmet = [conflict(85), conflict(85), conflict(85, name="other"), conflict(85, address="10.0.0.5")]
    found = host(a=look(*asked, conflicts=unmet))
    assert [each["entry"] for each in found["conflicts"]] == ["80-90/tcp", "85/tcp", "85/tcp", "10.0.0.5:85/tcp"]


def test_who_is_not_as_required_holds_nothing_rightly():
    alone, in_range = entry(81, "listening", met=False), entry("80-83", "listening", first_free=82)
    found = host(a=look(alone, in_range, conflicts=[conflict(81)], held=[conflict(80), conflict(81)]))
    assert [each["entry"] for each in found["conflicts"]] == ["81/tcp"]
    assert [each["entry"] for each in found["held"]] == ["80-83/tcp", "80-83/tcp"]


def test_a_range_may_have_both():
    found = host(a=look(entry("80-81", met=False, first_free=None), conflicts=[conflict(80)], held=[conflict(81)]))
    assert [each["entry"] for each in found["conflicts"] + found["held"]] == ["80-81/tcp"] * 2


def test_a_run_of_ports_belongs_to_its_entry():
    asked = [entry("80-90", met=False), entry(85, met=False)]
    found = summary(a=look(*asked, conflicts=[conflict("82-86", count=5), conflict(85)]))
    assert [each["entry"] for each in found["hosts"][0]["conflicts"]] == ["80-90/tcp", "85/tcp"]
    assert found["figures"]["conflicts"] == 6


def test_doubts_are_there():
    doubt = {key: value for key, value in conflict(40000).items() if key in ("port", "protocol", "address", "name")}
    found = host(a=look(entry(40000), doubts=[{**doubt, "kind": "ephemeral", "reason": "\x1b", "advice": None}]))
    assert found["met"]
    assert [(each["label"], each["kind"], each["reason"]) for each in found["doubts"]] == [
        ("40000/tcp", "ephemeral", "\\x1b")
    ]


def test_no_control_character_is_left_anywhere():
    evil = conflict(80, reason="\x1b[31m", holders=[{"process": "a\nb", "pids": [1], "container": {"name": "\u202e"}}])
    found = host(a=look(entry(80, met=False, name="\0"), conflicts=[{**evil, "name": "\0"}], msg="one\n\x1btwo"))
    assert found["msg"] == "one\n\\x1btwo"
    assert found["ports"][0]["name"] == "\\x00"
    assert found["conflicts"][0]["reason"] == "\\x1b[31m"
    assert found["conflicts"][0]["holders"] == [{"process": "a\\nb", "pids": [1], "container": {"name": "\\u202e"}}]


def test_ansible_finds_it():
    assert FilterModule().filters() == {"port_summary": port_summary}
