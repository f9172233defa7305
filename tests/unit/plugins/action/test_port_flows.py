# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of the role, with answers of hosts made by hand."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible_collections.preflight.ports.plugins.action import port_flows
from ansible_collections.preflight.ports.plugins.module_utils._reach import wire

KEY = "a token for the unit tests"
HOSTS = ["web1", "web2", "db1"]
GROUPS = {"all": HOSTS, "web": ["web1", "web2"], "db": ["db1"], "ungrouped": []}
OPTIONS = {
    "flows": [{"from": "web", "to": "db", "ports": [5432]}],
    "timeout": 5.0,
    "seconds": 120,
    "responders": True,
    "witness": True,
    "host_firewall": "fail",
    "sample": 0,
    "enforce": True,
    "unreachable": "fail",
    "reports": [],
}
STARTED = {
    "id": wire.responder_id(KEY, "db1").hex(),
    "running": True,
    "witness": True,
    "may_end_early": None,
    "ports": [{"port": 5432, "protocol": "tcp", "state": "bound", "reason": "", "holder": None}],
}
STOPPED = {"id": STARTED["id"], "running": True, "witness": True, "missed": 0, "visits": [], "firewall": []}


def connected(state, key=KEY):
    return {"run": wire.run_id(key), "flows": [{"id": 0, "state": state, "seconds": 0.1}]}


class Play:
    """A play with three hosts, and what they answer."""

    def __init__(self, strategy="linear", check_mode=False):
        self.strategy, self.check_mode = strategy, check_mode
        self.hosts = {
            host: {"ansible_facts": {}, "__port_reach_address": f"10.0.0.{n}"} for n, host in enumerate(HOSTS)
        }
        self.extra = {}
        self.batch = list(HOSTS)

    def run(self, step, **arguments):
        task = SimpleNamespace(
            args={"step": step, **arguments},
            check_mode=self.check_mode,
            async_val=0,
            _parent=SimpleNamespace(_play=SimpleNamespace(strategy=self.strategy), _parent=None),
        )
        task_vars = {
            "groups": GROUPS,
            "hostvars": self.hosts,
            "ansible_play_batch": self.batch,
            "ansible_play_hosts": self.batch,
            "ansible_play_hosts_all": HOSTS,
            "ansible_play_name": "Flows",
            **self.extra,
        }
        action = port_flows.ActionModule.__new__(port_flows.ActionModule)
        action._task, action._loader = task, DataLoader()
        return action._step(task_vars)

    def answer(self, **answers):
        for host, several in answers.items():
            self.hosts[host].update({f"__port_reach_{name}": value for name, value in several.items()})

    def judge(self, **options):
        planned = json.loads(json.dumps(self.run("plan", **{**OPTIONS, **options})))
        handed = self.run("clients", token=KEY, plan=planned)
        return self.run("record", token=KEY, plan=planned, clients=handed)


@pytest.fixture
def play():
    made = Play()
    made.answer(
        web1={"connect": connected("open")},
        web2={"connect": connected("open")},
        db1={"start": STARTED, "stop": STOPPED},
    )
    return made


def states(verdict):
    return {(row["from"], row["to"]): row["state"] for row in verdict["flows"]}


def test_all_as_expected(play):
    verdict = play.judge()
    assert (verdict["stops"], verdict["msg"], verdict["flows"]) == (False, "2 flows as expected", [])
    assert verdict["ansible_stats"]["data"]["port_reach"]["flows"] == 2


def test_options_may_be_text(play):
    """As templates give them before ansible-core 2.19."""
    as_text = {name: str(value) for name, value in OPTIONS.items() if name not in ("flows", "reports")}
    options = play.run("plan", **{**OPTIONS, **as_text})["options"]
    assert options == {name: value for name, value in OPTIONS.items() if name != "flows"}


def test_plan_and_clients(play):
    planned = play.run("plan", **OPTIONS)
    assert planned["responders"] == {"db1": [{"port": 5432, "protocol": "tcp"}]}
    assert planned["clients"] == ["web1", "web2"]
    assert "token" not in planned
    entry = {"host": "10.0.0.2", "port": 5432, "protocol": "tcp", "expect": "open", "responder": "db1"}
    assert play.run("clients", token=KEY, plan=planned)["to"] == {"web1": [entry], "web2": [entry]}


def test_ports_that_are_taken_have_no_responder(play):
    play.hosts["db1"]["__port_reach_start"] = {**STARTED, "ports": [{**STARTED["ports"][0], "state": "taken"}]}
    handed = play.run("clients", token=KEY, plan=play.run("plan", **OPTIONS))
    assert "responder" not in handed["to"]["web1"][0]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "it was not asked"),
        ({"skipped": True}, "it was not asked"),
        ({"unreachable": True}, "it is unreachable"),
        ({"failed": True, "msg": "no Python\nmore"}, "its module failed: no Python"),
        ({"failed": True, "run": wire.run_id(KEY), "msg": "to is empty"}, "its module failed: to is empty"),
        (connected("open", "another token of a run"), "not of this run"),
        ({"run": wire.run_id(KEY), "flows": "x"}, "malformed"),
        (connected("lost"), "malformed"),
        ("x", "it was not asked"),
    ],
)
def test_answers_of_clients_that_are_not_believed(play, answer, said):
    play.answer(web1={"connect": answer})
    verdict = play.judge()
    assert states(verdict) == {("web1", "db1"): "not_tested"}
    assert said in verdict["msg"]
    assert verdict["stops"]


@pytest.mark.parametrize(
    "answer", [None, {"id": "x"}, {**STARTED, "ports": None}, {**STARTED, "failed": True, "msg": "no"}]
)
def test_answers_of_responders_that_are_not_believed(play, answer):
    play.answer(db1={"start": answer})
    assert "responder" not in play.run("clients", token=KEY, plan=play.run("plan", **OPTIONS))["to"]["web1"][0]
    verdict = play.judge()
    assert states(verdict) == {("web1", "db1"): "not_tested", ("web2", "db1"): "not_tested"}
    assert "nothing is known of the target" in verdict["msg"]


def test_a_responder_that_is_gone_says_nothing(play):
    play.answer(db1={"stop": {**STOPPED, "running": False}}, web1={"connect": connected("refused")})
    assert states(play.judge()) == {("web1", "db1"): "not_tested"}


def test_hosts_that_left_the_play(play):
    play.batch = ["web1", "db1"]
    verdict = play.judge()
    assert states(verdict) == {("web2", "db1"): "not_tested"}
    assert verdict["stops"]
    assert not play.judge(unreachable="ignore")["stops"]


def test_an_address_that_leads_every_client_to_itself(play):
    play.hosts["db1"]["__port_reach_address"] = "127.0.0.1"
    verdict = play.judge()
    assert set(states(verdict).values()) == {"not_tested"}
    assert "set port_reach_address" in verdict["msg"]


def test_it_may_go_on(play):
    play.answer(web1={"connect": connected("no_route")})
    assert play.judge()["stops"]
    assert not play.judge(enforce=False)["stops"]


def test_check_mode_has_no_responders(play):
    play.check_mode = True
    planned = play.run("plan", **OPTIONS)
    assert planned["options"]["responders"] is False
    assert "in check mode no port is opened" in play.judge()["msg"]


def test_translated_flows_are_noted(play):
    row = {**connected("open")["flows"][0], "translated": True}
    play.answer(web2={"connect": {**connected("open"), "flows": [row]}})
    verdict = play.judge()
    assert "(NAT): web2 to db1." in verdict["msg"]
    assert verdict["ansible_stats"]["data"]["port_reach"]["translated"] == 1


def test_who_did_not_watch_is_named(play):
    play.answer(db1={"stop": {**STOPPED, "witness": False}})
    assert "Not watched, for lack of root or of an answer: db1." in play.judge()["msg"]


@pytest.mark.parametrize("name", ["port_reach_enforce", "__port_reach_plan", "_port_reach_x"])
def test_facts_that_would_be_variables_of_the_role(play, name):
    play.hosts["web1"]["ansible_facts"] = {name: False}
    with pytest.raises(AnsibleActionFail, match="web1: this host returned a fact"):
        play.run("plan", **OPTIONS)


@pytest.mark.parametrize("strategy", ["free", "ansible.builtin.free", "host_pinned", "mitogen_free"])
def test_strategies_that_do_not_wait(strategy):
    with pytest.raises(AnsibleActionFail, match="does not work with strategy"):
        Play(strategy).run("plan", **OPTIONS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timeout": 0}, "port_reach_timeout 0.0"),
        ({"seconds": 99999}, "port_reach_seconds 99999"),
        ({"sample": -1}, "port_reach_sample -1"),
        ({"reports": ["/x/r.pdf"]}, "a report ends in"),
        ({"reports": "a.md,/x/r.pdf"}, "a report ends in"),
        ({"flows": []}, "a list of flows is needed"),
    ],
)
def test_options_that_cannot_be(play, options, said):
    with pytest.raises(AnsibleActionFail) as error:
        play.run("plan", **{**OPTIONS, **options})
    assert said in str(error.value)


def test_unknown_variables(play):
    play.extra = {"port_reach_timeuot": 1}
    with pytest.raises(AnsibleActionFail, match=r"did you mean port_reach_timeout\?"):
        play.run("plan", **OPTIONS)


@pytest.mark.parametrize(("stops", "said"), [(False, ["a", "b"]), (True, "a\nb")])
def test_the_verdict_is_always_shown(play, stops, said):
    shown = play.run("judge", message="a\nb", stops=stops)
    assert (shown["failed"], shown["msg"], shown["_ansible_verbose_always"]) == (stops, said, True)


def test_steps(play):
    with pytest.raises(AnsibleActionFail, match="step is plan"):
        play.run("dance")


def test_reports_are_written(play, tmp_path):
    path = tmp_path / "r.json"
    play.judge(reports=[str(path)])
    assert json.loads(path.read_text())["figures"]["met"] == 2
