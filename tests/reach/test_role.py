# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role, as people use it: on hosts that are network namespaces."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator
from xml.etree import ElementTree

import pytest
from reach.hosts import Hosts
from reach.network import output, wait_until
from support.firewalls import Firewalld, ufw
from support.sandbox import CLONE_NEWNET, libc

DROP = "table inet t { chain c { type filter hook input priority 0; tcp dport 5432 drop; } }"
FLOW = {"from": "web", "to": "db", "ports": [5432]}

Make = Callable[..., Hosts]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Hosts] = []

    def one(**groups: int) -> Hosts:
        hosts = Hosts(tmp_path, **groups)
        hosts.__enter__()
        made.append(hosts)
        return hosts

    yield one
    for hosts in made:
        left = [pid for pid in hosts.responders() if Path(f"/proc/{pid}/exe").exists()]
        hosts.__exit__()
        assert left == []


def flows(hosts: Hosts, variables: dict[str, Any], *options: str, **play: Any) -> tuple[int, str, dict[str, Any]]:
    """(status, output, content of the JSON report)"""
    report = hosts.folder / "flows.json"
    status, output = hosts.play(
        {"port_reach_timeout": 2, "port_reach_reports": [str(report)], **variables}, *options, **play
    )
    return status, output, json.loads(report.read_text()) if report.exists() else {}


def states(report: dict[str, Any]) -> dict[tuple[str, str, int], str]:
    return {(row["from"], row["to"], row["port"]): row["state"] for row in report["flows"]}


def test_all_open(make: Make):
    hosts = make(web=2, db=2)
    status, output, report = flows(hosts, {"port_reach_flows": [{**FLOW, "ports": [5432, "53/udp"]}]})
    assert (status, report["figures"]["met"], report["flows"]) == (0, 8, []), output
    assert "8 flows as expected" in output


def test_one_message_by_cause(make: Make):
    hosts = make(web=5, db=2)
    hosts.rules(hosts.namespace("db2"), DROP)
    status, output, report = flows(hosts, {"port_reach_flows": [FLOW]})
    assert status == 2
    assert "5432/tcp from 5 hosts of web to db2: dropped_by_host" in output
    assert set(states(report).values()) == {"dropped_by_host"}
    assert len(report["flows"]) == 5


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """This process is in another network namespace meanwhile."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        assert libc.setns(there, CLONE_NEWNET) == 0
        yield
    finally:
        assert libc.setns(home, CLONE_NEWNET) == 0
        os.close(there)
        os.close(home)


@contextlib.contextmanager
def firewalld(namespace: str) -> Iterator[None]:
    firewall = Firewalld()
    with inside(namespace):
        firewall.__enter__()
    try:
        yield
    finally:
        firewall.__exit__()
        assert wait_until(lambda: not output("ip", "netns", "pids", namespace))


@contextlib.contextmanager
def enabled_ufw(namespace: str) -> Iterator[None]:
    with inside(namespace):
        ufw()
    yield


@pytest.mark.parametrize(
    ("firewall", "state", "by", "advice"),
    [
        (
            firewalld,
            "rejected",
            "firewalld (zone public)",
            "firewall-cmd --zone=public --add-port=5432/tcp --permanent",
        ),
        (enabled_ufw, "dropped_by_host", "ufw", "ufw allow 5432/tcp"),
    ],
    ids=["firewalld", "ufw"],
)
def test_a_real_firewall_on_the_target(make: Make, firewall: Any, state: str, by: str, advice: str):
    hosts = make(web=2, db=1)
    with firewall(hosts.namespace("db1")):
        status, output, report = flows(hosts, {"port_reach_flows": [FLOW]})
    assert status == 2
    assert set(states(report).values()) == {state}, output
    for row in report["flows"]:
        assert (row["by"], bool(row["rule"])) == (by, True)
        assert advice in row["advice"]
    assert f"by {by} [" in output
    assert advice in output


def test_a_warning_of_the_host_firewall_stops_nobody(make: Make):
    hosts = make(web=1, db=1)
    hosts.rules(hosts.namespace("db1"), DROP)
    status, output, report = flows(hosts, {"port_reach_flows": [FLOW], "port_reach_host_firewall": "warn"})
    assert (status, report["figures"]["warnings"]) == (0, 1), output
    assert "warning, dropped_by_host" in output


def test_closed_flows(make: Make):
    hosts = make(web=1, db=1)
    hosts.rules(hosts.namespace("db1"), DROP)
    wanted = [{**FLOW, "expect": "closed"}, {**FLOW, "ports": [22], "expect": "closed"}]
    status, _output, report = flows(hosts, {"port_reach_flows": wanted})
    assert (status, states(report)) == (2, {("web1", "db1", 22): "open"})


def test_what_the_target_saw_counts_for_closed_flows(make: Make):
    """The question gets in, and only the answer is dropped."""
    hosts = make(web=1, db=1)
    drops = "meta l4proto { tcp, udp } th sport 5432 drop"
    hosts.rules(
        hosts.namespace("db1"), f"table inet t {{ chain c {{ type filter hook output priority 0; {drops}; }} }}"
    )
    wanted = {**FLOW, "ports": ["5432/tcp+udp"], "expect": "closed"}
    status, output, report = flows(hosts, {"port_reach_flows": [wanted]})
    assert (status, [row["state"] for row in report["flows"]]) == (2, ["reply_lost", "reply_lost"]), output


def test_hosts_left_out_by_limit_are_not_tested(make: Make):
    hosts = make(web=1, db=2)
    status, output, report = flows(hosts, {"port_reach_flows": [FLOW]}, "--limit", "web,db1")
    assert (status, states(report)) == (2, {("web1", "db2", 5432): "not_tested"})
    assert "--limit" in output


def test_unreachable_hosts_are_not_tested(make: Make):
    hosts = make(web=2, db=1)
    inventory = json.loads((hosts.folder / "hosts.json").read_text())
    inventory["all"]["children"]["web"]["hosts"]["web2"].update(
        ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port=1
    )
    (hosts.folder / "hosts.json").write_text(json.dumps(inventory))
    _status, output, report = flows(hosts, {"port_reach_flows": [FLOW]})
    assert states(report) == {("web2", "db1", 5432): "not_tested"}
    assert "failed=1" in output
    _status, output, report = flows(hosts, {"port_reach_flows": [FLOW], "port_reach_unreachable": "ignore"})
    assert states(report) == {("web2", "db1", 5432): "not_tested"}
    assert "failed=1" not in output


def test_batches_are_not_tested(make: Make):
    hosts = make(web=1, db=1)
    status, output, report = flows(hosts, {"port_reach_flows": [FLOW]}, serial=1)
    assert status == 2
    assert set(states(report).values()) == {"not_tested"}
    assert "serial" in output


def test_strategy_free_is_refused(make: Make):
    hosts = make(web=1, db=1)
    status, output, _report = flows(hosts, {"port_reach_flows": [FLOW]}, strategy="free")
    assert status == 2
    assert "does not work with strategy" in output


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"port_reach_flows": [{"from": "web1", "to": "web1", "ports": [1]}]}, "the same host"),
        ({"port_reach_flows": [{"from": "wbe", "to": "db", "ports": [1]}]}, "did you mean web"),
        ({"port_reach_flows": [{"from": "web", "to": "db", "ports": [1], "expect": "shut"}]}, "shut"),
        ({"port_reach_flows": [FLOW], "port_reach_flow": []}, "did you mean port_reach_flows?"),
        ({"port_reach_flows": [FLOW], "port_reach_reports": ["x.pdf"]}, "a report ends in"),
        ({"port_reach_flows": [{"from": "web", "to": "db"}]}, "ports, or profiles, are missing"),
    ],
)
def test_errors_say_what_would_be_right(make: Make, variables: dict[str, Any], said: str):
    hosts = make(web=1, db=1)
    status, output, _report = flows(hosts, variables)
    assert status == 2
    assert said in output


def test_names_outside_the_play_are_only_connected_to(make: Make):
    hosts = make(web=1, db=1)
    outside = [
        {"from": "web", "to": hosts.addresses["db1"], "ports": [5432]},
        {"from": "web", "to": "dbb.invalid", "ports": [1]},
    ]
    status, output, report = flows(hosts, {"port_reach_flows": outside})
    assert status == 2
    assert "with db1 in 'to', a responder answers there" in output
    assert states(report) == {
        ("web1", hosts.addresses["db1"], 5432): "answered",
        ("web1", "dbb.invalid", 1): "unresolved",
    }


def test_check_mode_opens_no_port(make: Make):
    hosts = make(web=1, db=1)
    status, output, report = flows(hosts, {"port_reach_flows": [FLOW]}, "--check")
    assert (status, report["pairs"][0]["states"]) == (0, {"answered": 1}), output
    assert "in check mode no port is opened" in output


def test_profiles(make: Make):
    hosts = make(web=1, db=1)
    status, _output, report = flows(
        hosts, {"port_reach_flows": [{"from": "web", "to": "db", "profiles": ["postgresql"]}]}
    )
    assert (status, report["figures"]["flows"]) == (0, 1)


def test_a_sample_of_the_clients(make: Make):
    hosts = make(web=4, db=2)
    _status, output, report = flows(hosts, {"port_reach_flows": [FLOW], "port_reach_sample": 2})
    assert report["figures"]["flows"] == 4
    assert "Not tried, because of port_reach_sample: 4 more flows." in output


def test_reports_agree(make: Make):
    hosts = make(web=3, db=2)
    hosts.rules(hosts.namespace("db2"), DROP)
    paths = {kind: hosts.folder / f"flows.{kind}" for kind in ("html", "json", "csv", "xml", "md")}
    hosts.play(
        {"port_reach_flows": [FLOW], "port_reach_timeout": 1, "port_reach_reports": list(map(str, paths.values()))}
    )
    rows = json.loads(paths["json"].read_text())["flows"]
    with paths["csv"].open(newline="") as file:
        assert [row["from"] for row in csv.DictReader(file)] == [row["from"] for row in rows]
    suites = ElementTree.parse(paths["xml"]).getroot()  # noqa: S314  our own file
    assert suites.get("failures") == "3" == str(len(suites.findall(".//failure")))
    assert int(suites.get("tests") or 0) == len(suites.findall(".//testcase"))
    assert "dropped_by_host" in paths["md"].read_text()
    assert paths["html"].read_text().count("<tr data-host") == 3


def test_the_token_is_in_no_output_and_no_process(make: Make):
    hosts = make(web=1, db=1)
    known = "Known0nlyToThisTestAndToTheRoleItself4711"
    (hosts.folder / "vars.json").write_text(json.dumps({"__port_reach_token": known}))
    log = hosts.folder / "log"
    process = start_play(hosts, "-vvv", "-e", f"@{hosts.folder / 'vars.json'}", ANSIBLE_LOG_PATH=str(log))
    processes: list[str] = []
    while process.poll() is None:
        for pid in hosts.responders():
            for name in ("cmdline", "environ"):
                try:
                    processes.append(Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace"))
                except OSError:
                    continue
        time.sleep(0.05)
    output = process.communicate()[0].decode() + log.read_text()
    assert "port_responder" in output
    assert any("port_responder" in text for text in processes)
    assert not [text for text in (output, *processes) if known in text]


def start_play(hosts: Hosts, *options: str, **environment: str) -> subprocess.Popen[bytes]:
    hosts.rules(hosts.namespace("db1"), DROP)
    playbook = hosts.folder / "play.yml"
    variables = {"port_reach_flows": [FLOW], "port_reach_seconds": 8, "port_reach_timeout": 5}
    role = {"role": "preflight.ports.port_reach", "vars": variables}
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": [role]}]))
    return subprocess.Popen(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            str(hosts.folder / "hosts.json"),
            str(playbook),
            *options,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=hosts.folder,
        env={**os.environ, "ANSIBLE_CONFIG": str(Path(__file__).parents[2] / "ansible.cfg"), **environment},
        start_new_session=True,
    )


def test_a_killed_controller_leaves_nothing_after_the_deadline(make: Make):
    hosts = make(web=1, db=1)
    process = start_play(hosts)
    listens = "ss -Hltnp sport = :5432"
    assert wait_until(lambda: '("port_responder"' in hosts.on(hosts.namespace("db1"), listens), 30)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert hosts.on(hosts.namespace("db1"), listens)
    assert wait_until(lambda: not hosts.responders(), 12)
    # The kernel takes a process out of its namespace before it closes its sockets.
    left = "ss -Htan; ss -Hx | grep preflight || true"
    assert wait_until(lambda: not hosts.on(hosts.namespace("db1"), left), 2), hosts.on(hosts.namespace("db1"), left)


def test_two_runs_at_once(make: Make):
    """The second one does not take the first one's responder for a service."""
    hosts = make(web=1, db=1)
    first = start_play(hosts)
    assert wait_until(lambda: hosts.on(hosts.namespace("db1"), "ss -Hltn sport = :5432"), 30)
    status, output, report = flows(hosts, {"port_reach_flows": [FLOW]})
    first.communicate()
    assert status == 2
    assert states(report) == {("web1", "db1", 5432): "not_tested"}, output
