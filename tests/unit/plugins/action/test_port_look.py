# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible_collections.preflight.ports.plugins.action import port_look
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.spool import Spool, Use

PLAY = {"profiles": [], "scope": "play", "enforce": True, "unreachable": "fail", "reports": []}
HOST = {**PLAY, "scope": "host"}
WATCH = {**PLAY, "enforce": False}


@pytest.fixture
def look(act, tmp_path):
    """The action's result, and what it kept of host a."""

    def run(answer, options=None, ports=(80,), **rest):
        result = act(port_look, answer=answer, ports=list(ports), **(options or PLAY), **rest)
        return result, kept(tmp_path)

    return run


def kept(folder):
    return Spool(str(folder), Use("block", "block")).take().own["a"]


def test_as_required(look, answers):
    result, entry = look(answers())
    assert (result["failed"], result["changed"], result["msg"]) == (False, False, "as required")
    assert (entry["answer"]["ports"][0]["port"], entry["stopped"], entry["lost"]) == (80, False, [])


@pytest.mark.parametrize(
    ("options", "fails"), [(PLAY, True), (HOST, False), (WATCH, False)], ids=["play", "host", "no"]
)
def test_not_as_required(options, fails, look, answers):
    result, entry = look(answers(taken=True), options)
    assert result["failed"] is entry["stopped"] is fails
    assert result["msg"] == "The required port is taken; the verdict names all of it"


@pytest.mark.parametrize("options", [HOST, WATCH, {**PLAY, "unreachable": "ignore"}], ids=["host", "no", "ignore"])
def test_unreachable_without_stopping_the_others(options, look):
    result, entry = look(AnsibleConnectionFailure("no route"), options)
    assert not result["failed"]
    assert (entry["problem"], entry["unreachable"]) == ("unreachable", True)


def test_a_user_that_it_cannot_become(look):
    result, entry = look(AnsibleError("Premature end of stream\nmore"))
    assert result["failed"] is entry["stopped"] is True
    assert (entry["problem"], "unreachable" in entry) == ("Premature end of stream", False)


def test_unreachable(look, tmp_path):
    with pytest.raises(AnsibleConnectionFailure):
        look(AnsibleConnectionFailure("no route"))
    assert (kept(tmp_path)["unreachable"], kept(tmp_path)["stopped"]) == (True, True)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        pytest.param({"failed": True, "msg": "bad\nTraceback"}, "bad", id="the module fails"),
        pytest.param({"failed": True}, "the module gave no reason", id="without a word"),
        pytest.param({"ports": []}, "its answer is malformed: it has no 'msg'", id="malformed"),
    ],
)
def test_what_a_target_does_wrong_stops_nobody_who_only_watches(answer, problem, look):
    assert [look(answer, options)[0]["failed"] for options in (PLAY, WATCH)] == [True, False]
    assert look(answer)[1]["problem"] == problem


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        pytest.param({"ports": [0]}, "port_preflight_ports[0] 0: port 0 does not exist", id="a port"),
        pytest.param(
            {"options": {**PLAY, "profiles": ["postgresql", "redis"]}, "ports": [80, 0]},
            "port_preflight_ports[1] 0: port 0 does not exist",
            id="a port behind those of profiles",
        ),
        pytest.param({"clients": ["x"]}, "port_preflight_clients: 'x' is neither", id="an option"),
        pytest.param(
            {"options": {**PLAY, "profiles": ["ngin"]}},
            "port_preflight_profiles: unknown profile 'ngin'; did you mean nginx?",
            id="a profile",
        ),
        pytest.param(
            {"variables": {"port_preflight_portz": []}}, "unknown variable port_preflight_portz", id="a variable"
        ),
        pytest.param(
            {"options": {**WATCH, "reports": ["x.pdf"]}}, "port_preflight_reports: ", id="a report"
        ),
    ],
)  # fmt: skip
def test_what_the_user_does_wrong_is_always_an_error(rest, problem, look):
    result, entry = look(AssertionError("asked"), **{"options": WATCH, **rest})
    assert result["failed"]
    assert entry["refused"]
    assert entry["problem"].startswith(problem)


def test_facts_are_no_options(look):
    result, entry = look(AssertionError("asked"), variables={"ansible_facts": {"port_preflight_enforce": False}})
    assert result["failed"]
    assert "named like an option" in entry["problem"]


def test_who_had_left_before(look, answers):
    assert look(answers(), hosts=["a", "c"])[1]["lost"] == ["b"]


def test_a_service_that_only_the_target_knows(look, answers):
    assert not look(answers(), ports=["http-of-ours"])[0]["failed"]
