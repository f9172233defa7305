# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.preflight.ports.plugins.action import port_look, port_verdict

PLAY = {"profiles": [], "scope": "play", "enforce": True, "unreachable": "fail", "reports": []}
HOST = {**PLAY, "scope": "host"}
WATCH = {**PLAY, "enforce": False}
IGNORE = {**PLAY, "unreachable": "ignore"}
GONE = AnsibleConnectionFailure("no route")


@pytest.fixture
def looked(act, answers):
    """What the looks found: whether the port is taken, or what they raise."""

    def run(options=None, **found):
        for host, each in found.items():
            answer = each if isinstance(each, Exception) else answers(taken=each)
            try:
                act(port_look, host, answer, ports=[80], **(options or PLAY))
            except AnsibleConnectionFailure:
                continue

    return run


def judged(act, host="a", options=None, **rest):
    return act(port_verdict, host, step="judge", **(options or PLAY), **rest)


def test_all_is_well(act, looked):
    looked(a=False, b=False, c=False)
    result = judged(act)
    assert (result["failed"], result["msg"]) == (False, ["The required port is free on 3 hosts."])
    assert result["_ansible_verbose_always"]


def test_a_look_that_failed_has_stopped_all_already(act, looked):
    looked(a=False, b=True, c=GONE)
    result = judged(act)
    assert not result["failed"]
    assert result["msg"][0] == "Ports are not as required on 1 of 3 hosts, and 1 could not be checked:"


@pytest.mark.parametrize(
    ("strategy", "fails"),
    [("ansible.builtin.free", True), ("mitogen_host_pinned", True), ("linear", False), ("mitogen_linear", False)],
)
def test_where_each_host_runs_on_a_verdict_stops_it(strategy, fails, act, looked):
    looked(a=False, b=True)
    assert judged(act, strategy=strategy)["failed"] is fails


@pytest.mark.parametrize(
    ("options", "fails"), [(PLAY, True), (WATCH, False), (IGNORE, False)], ids=["play", "no", "ign"]
)
def test_who_had_left_before_the_look(options, fails, act, looked):
    act_hosts = ["a", "c"]
    act(port_look, "a", {"failed": True, "msg": "x"}, hosts=act_hosts, ports=[80], **WATCH)
    looked(c=False)
    result = judged(act, "c", options, hosts=act_hosts)
    assert "b: not checked, it failed, was unreachable or left the play before" in result["msg"]


def test_those_who_were_lost_stop_the_play(act, answers):
    act(port_look, "a", answers(), hosts=["a", "c"], ports=[80], **PLAY)
    assert judged(act, hosts=["a", "c"])["failed"]


@pytest.mark.parametrize(("host", "fails"), [("a", False), ("b", True)])
def test_with_scope_host_each_has_its_own(host, fails, act, looked):
    looked(HOST, a=False, b=True)
    result = judged(act, host, HOST)
    assert result["failed"] is fails
    lines = result["msg"].splitlines() if fails else result["msg"]
    assert len([line for line in lines if line[0] != " "]) == 1


@pytest.mark.parametrize("options", [HOST, WATCH, IGNORE], ids=["host", "no", "ignore"])
def test_an_unreachable_host_leaves_without_stopping_the_others(options, act, looked):
    looked(options, a=False, b=GONE)
    assert judged(act, "b", options)["unreachable"]
    assert not judged(act, "a", options)["failed"]


def test_one_of_several_verdicts_says_it(act, looked):
    looked(WATCH, a=True, b=False)
    first, second = judged(act, "a", WATCH), judged(act, "b", WATCH)
    assert first["msg"][0] == "Ports are not as required on 1 of 2 hosts:"
    assert second["msg"] == "see the verdict"
    assert "_ansible_verbose_always" not in second


def test_a_later_batch_is_judged_by_itself(act, looked):
    looked(WATCH, a=True)
    judged(act, "a", WATCH)
    looked(WATCH, b=False)
    assert judged(act, "b", WATCH)["msg"] == ["The required port is free on b."]


@pytest.mark.parametrize(("hosts", "fails"), [(["a"], True), (["a", "b"], False)], ids=["the last", "one is to come"])
def test_no_port_is_required_anywhere(hosts, fails, act, answers):
    act(port_look, "a", answers(ports=()), ports=[], **PLAY)
    batch = {"ansible_play_hosts": hosts, "ansible_play_batch": ["a"]}
    result = judged(act, variables=batch)
    assert result["failed"] is fails


def test_facts_are_no_options(act, looked):
    looked(a=False)
    result = judged(act, variables={"ansible_facts": {"port_preflight_scope": "host"}})
    assert result["failed"]
    assert result["msg"].startswith("a: this host returned a fact")


def recorded(act, path):
    return act(port_verdict, step="record", reports=[str(path)])


def test_reports_and_figures(act, looked, tmp_path):
    looked(a=False, b=True)
    result = recorded(act, tmp_path / "ports.md")
    assert result["ansible_stats"]["data"]["port_preflight"]["hosts"] == 2
    assert (tmp_path / "ports.md").read_text().startswith("# Port preflight: Deploy")


def test_a_path_that_stopped_the_look_writes_nothing(act, looked, tmp_path):
    looked(a=False)
    assert "failed" not in act(port_verdict, step="record", reports=[f"{tmp_path}/a.md", "b.pdf"])
    assert not (tmp_path / "a.md").exists()


def test_a_report_that_cannot_be_written(act, looked, tmp_path, monkeypatch):
    def fail(*_arguments):
        raise OSError("disk full")

    monkeypatch.setattr(port_verdict.reports, "write", fail)
    looked(a=False)
    result = recorded(act, tmp_path / "a.md")
    assert (result["failed"], result["msg"]) == (True, "port_preflight_reports: disk full")
