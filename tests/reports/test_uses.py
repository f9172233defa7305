# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role more than once in a run of Ansible: what one use found is not what another one finds."""

from __future__ import annotations

import json
import textwrap

import pytest
from reports import fleet
from reports.fleet import HEAD, deployed

GONE = """\
- ansible.builtin.ping:
  vars: {ansible_remote_tmp: /dev/null/lost}
  when: inventory_hostname == 'b'
"""
BROKEN = """\
- ansible.builtin.fail:
  when: inventory_hostname == 'b'
"""
AFTER = """\
- ansible.builtin.debug:
    msg: "deployed on {{ inventory_hostname }}"
"""


def play(*tasks, name="Deploy", strategy="linear", serial=0):
    head = HEAD.format(name=name, strategy=strategy, serial=serial)
    return f"{head}  tasks:\n{textwrap.indent(''.join(tasks), '    ')}"


def use(how="include", when="true", **variables):
    return f"""\
- ansible.builtin.{how}_role:
    name: preflight.ports.port_preflight
  when: {when}
  vars: {json.dumps({f"port_preflight_{name}": value for name, value in variables.items()})}
"""


def run(folder, *plays, hosts="abc", **variables):
    done = fleet.run(folder, "".join(plays), {"all": {"hosts": {name: {} for name in hosts}}}, **variables)
    return done.stdout, deployed(done)


def report(path):
    """For each host the entries that are as required, or None."""
    hosts = json.loads(path.read_text())["hosts"]
    return {host["host"]: [port["name"] for port in host["ports"]] if host["met"] else None for host in hosts}


def named(name):
    return [{"port": 1, "name": name, "protocol": "udp"}]


@pytest.mark.parametrize("how", ["include", "import"])
@pytest.mark.parametrize("between", [GONE, BROKEN], ids=["unreachable", "failed"])
def test_a_host_that_left_in_between_is_not_checked(tmp_path, how, between):
    """In the second use of a play, and in that of a second play."""
    first = use(how, ports=named("one"), reports=["one.json"])
    second = use(how, ports=named("two"), reports=["two.json"], enforce=False)
    third = use(how, ports=named("three"), reports=["three.json"])
    said, deployed = run(tmp_path, play(first, between, second), play(third, AFTER))
    assert report(tmp_path / "one.json") == {"a": ["one"], "b": ["one"], "c": ["one"]}
    assert report(tmp_path / "two.json") == {"a": ["two"], "b": None, "c": ["two"]}
    assert report(tmp_path / "three.json") == {"a": ["three"], "b": None, "c": ["three"]}
    assert said.count("b: not checked, it failed, was unreachable or left the play before") > 1
    assert deployed == []


def test_a_conflict_stops_nobody_in_a_use_that_leaves_its_host_out(tmp_path):
    bad = use(when="inventory_hostname == 'a'", ports=[1], state="listening", enforce=False)
    good = use(when="inventory_hostname != 'a'", ports=named("two"), reports=["two.json"])
    assert run(tmp_path, play(bad, good, AFTER))[1] == ["a", "b", "c"]
    assert report(tmp_path / "two.json") == {"b": ["two"], "c": ["two"]}


@pytest.mark.parametrize("how", ["include", "import"])
@pytest.mark.parametrize("gate", ["Gate", "Deploy"])
def test_hosts_whose_turn_has_not_come_have_no_result_of_an_earlier_play(tmp_path, how, gate):
    deploy = use(how, ports=named("two"), reports=["{{ inventory_hostname }}.json"])
    plays = play(use(how, ports=named("one")), name=gate), play(deploy, AFTER, serial=1)
    assert run(tmp_path, *plays)[1] == ["a", "b", "c"]
    assert report(tmp_path / "a.json") == {"a": ["two"]}
    assert report(tmp_path / "c.json") == {"a": ["two"], "b": ["two"], "c": ["two"]}


@pytest.mark.parametrize("how", ["include", "import"])
def test_a_host_lost_after_a_gate_is_in_no_batch_free(tmp_path, how):
    deploy = use(how, ports=named("two"), reports=["{{ inventory_hostname }}.json"], unreachable="ignore")
    gate = play(use(how, ports=named("one")), GONE, name="Gate")
    assert run(tmp_path, gate, play(deploy, AFTER, serial=1))[1] == ["a", "c"]
    assert report(tmp_path / "a.json") == {"a": ["two"], "b": None}
    assert report(tmp_path / "c.json") == {"a": ["two"], "b": None, "c": ["two"]}


@pytest.mark.parametrize("how", ["include", "import"])
def test_a_host_of_an_earlier_batch_that_failed_later_was_looked_at(tmp_path, how):
    look = use(how, ports=named("one"), reports=["ports.json"])
    assert run(tmp_path, play(look, BROKEN, AFTER, serial=2), hosts="abcd")[1] == ["a", "c", "d"]
    assert report(tmp_path / "ports.json") == {name: ["one"] for name in "abcd"}


def test_with_strategy_free_so_was_a_host_that_failed_later(tmp_path):
    late = "- ansible.builtin.command: sleep 4\n  when: inventory_hostname != 'b'\n"
    look = use("import", ports=named("one"), reports=["ports.json"])
    assert run(tmp_path, play(late, look, BROKEN, AFTER, strategy="free"))[1] == ["a", "c"]
    assert report(tmp_path / "ports.json")["b"] == ["one"]


@pytest.mark.parametrize("how", ["include", "import"])
def test_the_first_host_may_be_left_out_each_time(tmp_path, how):
    others = "inventory_hostname != 'a'"
    first = use(how, others, ports=named("one"))
    second = use(how, others, ports=named("two"), reports=["ports.json"])
    said, _deployed = run(tmp_path, play(first, GONE), play(second))
    assert report(tmp_path / "ports.json") == {"b": None, "c": ["two"]}
    assert "b: not checked" in said
