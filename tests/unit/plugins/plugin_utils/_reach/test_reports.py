# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows, causes, the message, and the reports."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from xml.etree import ElementTree

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._reach import judge, plan, reports, rows, words
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.answers import Tried

HOSTILE = "<script>alert(1)</script>|`x`\x1b[31m[a](http://x)@user"
WEB = tuple(f"web{number}" for number in range(1, 6))


def flow(name="sql", expect="open", ports=(5432,), targets=("db1", "db2")):
    several = tuple(plan.Target(host, host, True) for host in targets)
    return plan.Flow(name, "web", WEB, "db", several, tuple(plan.Port("tcp", port, None) for port in ports), expect, 0)


def findings(flows, state_of, clients=None, outside=None, lost=()):
    tried = {}
    for case in plan.cases(flows):
        if not (clients and case.client in clients) and not (outside and case.target.host in outside):
            tried.setdefault(case.client, []).append(Tried(state_of(case), 1.0, "said so"))
    hosts = {target.host for each in flows for target in each.targets}
    sides = {host: judge.Target(True) for host in hosts}
    return rows.Findings(tried, clients or {}, sides, outside or {}, frozenset(["db1"]), frozenset(lost))


STRICT = rows.Policy(False, False)


def made(flows, state_of, policy=STRICT, **rest):
    return list(rows.rows(flows, findings(flows, state_of, **rest), policy))


def test_each_answer_belongs_to_its_flow():
    flows = [flow(), flow("other", ports=(80, 443))]
    found = made(flows, lambda case: "no_answer" if (case.client, case.port.port) == ("web3", 443) else "open")
    assert [(row.client, row.port) for row in found if not row.met] == [("web3", 443)] * 2


def test_hosts_that_could_not_try_or_be_tried():
    found = made([flow()], lambda case: "open", clients={"web1": "web1 is away"}, outside={"db2": "db2 is away"})
    reasons = {(row.client, row.to): row.reason for row in found if row.state == "not_tested"}
    assert reasons["web1", "db1"] == reasons["web1", "db2"] == "web1 is away"
    assert reasons["web2", "db2"] == "db2 is away"
    assert len(reasons) == 6


def test_unreachable_hosts_may_be_tolerated():
    ignored = rows.Policy(False, True)
    found = made([flow()], lambda case: "open", ignored, clients={"web1": "away"}, lost=["web1"])
    assert [row.tolerated for row in found if not row.met] == [True, True]
    found = made([flow()], lambda case: "open", ignored, clients={"web1": "away"})
    assert [row.tolerated for row in found if not row.met] == [False, False]


def test_outside_names_that_do_not_resolve_get_a_suggestion():
    outside = flow()._replace(targets=(plan.Target("dbb1", "dbb1", False),))
    found = made([outside], lambda case: "unresolved")
    assert "did you mean db1" in found[0].reason


@pytest.mark.parametrize(("expect", "state"), [("open", "unresolved"), ("closed", "not_tested")])
def test_a_name_that_does_not_resolve_is_not_closed(expect, state):
    outside = flow()._replace(targets=(plan.Target("nowhere", "nowhere", False),), expect=expect)
    assert {(row.state, row.met) for row in made([outside], lambda case: "unresolved")} == {(state, False)}


def test_advice_on_a_name_outside_of_the_play():
    assert "port_reach_address" in words.advice("unresolved", "open", False)
    assert words.advice("unresolved", "open", False, in_inventory=False) == "Correct the name, or write an address."


def test_one_flow_is_one():
    unmet = [row for row in made([flow(ports=(80,))], lambda case: "lost") if not row.met][:1]
    assert words.message(unmet, 1, [], []).startswith("1 of 1 flow is not as expected:")


@pytest.mark.parametrize(
    ("unmet", "warnings", "expected"),
    [
        (0, 0, "3 flows as expected"),
        (1, 0, "1 of 3 flows is not as expected"),
        (2, 0, "2 of 3 flows are not as expected"),
        (1, 1, "1 of 3 flows is not as expected, only a warning"),
        (2, 2, "2 of 3 flows are not as expected, only warnings"),
        (3, 1, "3 of 3 flows are not as expected, 1 of them only a warning"),
        (3, 2, "3 of 3 flows are not as expected, 2 of them only a warning"),
    ],
)
def test_headline(unmet, warnings, expected):
    wrong = made([flow()], lambda case: "lost")[:unmet]
    assert words.headline([row._replace(tolerated=n < warnings) for n, row in enumerate(wrong)], 3) == expected


def test_the_message_says_what_a_sample_leaves_out():
    sampled = flow()._replace(sample=2)
    left = sampled.left_out()
    assert words.left_out([sampled]) == [f"Not tried, because of port_reach_sample: {left} more flows."]
    assert words.left_out([flow()]) == []


def test_one_line_for_each_cause():
    found = made([flow(ports=(80, 443))], lambda case: "lost" if case.target.host == "db1" else "open")
    (cause,) = words.causes(row for row in found if not row.met)
    assert cause.what == "80/tcp, 443/tcp (sql) from 5 hosts of web to db1"
    assert cause.flows == 10


def test_a_cause_names_the_address_of_a_target_that_has_several():
    targets = tuple(plan.Target("db1", address, True) for address in ("10.0.0.9", "fd00::9"))
    found = made([flow()._replace(targets=targets)], lambda case: "lost" if ":" in case.target.address else "open")
    (cause,) = words.causes(row for row in found if not row.met)
    assert cause.what.endswith("to db1 (fd00::9)")
    assert cause.flows == len([row for row in found if not row.met])


def test_causes_of_some_hosts_name_some():
    found = made(
        [flow()],
        lambda case: "open" if case.client == "web5" else "no_answer",
    )
    (cause,) = words.causes(row for row in found if not row.met)
    assert "from 4 hosts of web to db1, db2" in cause.what
    two = words._hosts(["a", "b", "c", "d"], "web", 9)
    assert two == "4 of 9 hosts of web (a, b, c, ...)"


def test_the_message():
    found = made([flow()], lambda case: "no_route" if case.client == "web1" else "open")
    said = words.message([row for row in found if not row.met], len(found), ["A note."], ["/r.html"])
    assert said.splitlines() == [
        "2 of 10 flows are not as expected:",
        "  5432/tcp (sql) from web1 to db1, db2: no_route: said so",
        "    Add a route, or correct the address (port_reach_address).",
        "A note.",
        "Reports: /r.html",
    ]
    assert words.message([], 10, [], ["/r.html"]) == "10 flows as expected\nReports: /r.html"


def test_an_address_of_a_host_of_the_play_is_noted():
    outside = flow()._replace(targets=(plan.Target("10.0.0.9", "10.0.0.9", False),))
    assert words.addresses_of_hosts([outside, flow()], {"10.0.0.1": "db1"}) == []
    assert words.addresses_of_hosts([outside], {"10.0.0.9": "db9"}) == [
        "10.0.0.9 is the address of db9: with db9 in 'to', a responder answers there."
    ]


def test_ports_that_no_responder_could_bind_are_noted():
    assert words.unbound([]) == []
    assert words.unbound([("db1", "tcp", 80, "Permission denied")]) == [
        "No responder could bind 80/tcp of db1 (Permission denied). A reset counts as an open way there, although a "
        "firewall may have sent it."
    ]
    assert "x), 80/tcp of db1 (x) and 2 more ports. " in words.unbound([("db1", "tcp", 80, "x")] * 5)[0]


def test_translations_are_noted():
    assert words.translations([]) == []
    assert words.translations([("web1", "db1")]) == ["Addresses are translated on the way (NAT): web1 to db1."]
    assert words.translations([("a", "b")] * 5)[0].endswith("a to b, a to b, a to b and 2 more pairs.")


def test_a_message_has_an_end():
    flows = [flow(f"flow {number}") for number in range(80)]
    found = made(flows, lambda case: "no_answer")
    said = words.message(found, len(found), [], [])
    assert "and 30 more causes" in said


def test_closed_flows_that_are_open():
    (row, *_rest) = made([flow(expect="closed")], lambda case: "open")
    assert row.advice == "Close it in the target's firewall, or in a security group."
    assert "expected closed" in words.causes([row])[0].state


@pytest.fixture
def summary():
    flows = [flow(HOSTILE), flow("fine", ports=(80,))]
    return reports.summary(made(flows, lambda case: "no_answer" if case.port.port == 5432 else "open"))


def test_figures(summary):
    assert summary.figures == {
        "flows": 20,
        "met": 10,
        "unmet": 10,
        "warnings": 0,
        "not_tested": 0,
        "translated": 0,
        "clients": 5,
        "targets": 2,
    }


@pytest.mark.parametrize("kind", reports.KINDS)
def test_hostile_names_are_harmless(tmp_path, summary, kind):
    path = tmp_path / f"new/r{kind}"
    reports.write(str(path), summary, HOSTILE, "message")
    text = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o644
    if kind != ".json":
        assert "\x1b" not in text
    if kind == ".html":
        assert "<script>alert" not in text
        assert text.count("<tr data-host") == 5
    elif kind == ".xml":
        root = ElementTree.fromstring(text)  # noqa: S314  our own text
        assert (root.get("failures"), len(root.findall(".//testcase"))) == ("10", 20)
    elif kind == ".csv":
        listed = list(csv.DictReader(io.StringIO(text)))
        assert len(listed) == 10
        assert listed[0]["from"] == "web1"
    elif kind == ".md":
        assert "\\<script\\>" in text
        assert "\\@user" in text
        assert "http\\:" in text
    else:
        content = json.loads(text)
        assert set(content["flows"][0]) == set(reports.COLUMNS)
        assert sum(pair["flows"] for pair in content["pairs"]) == 20


@pytest.mark.parametrize(
    "kind, shown",
    [
        (".html", "Not watched: &lt;db1&gt;"),
        (".json", "Not watched: <db1>"),
        (".md", "Not watched: \\<db1\\>"),
        (".xml", '<property name="note" value="Not watched: &lt;db1&gt;"/>'),
    ],
)
def test_what_holds_for_the_whole_run_is_told(tmp_path, summary, kind, shown):
    path = tmp_path / f"r{kind}"
    reports.write(str(path), summary._replace(notes=["Not watched: <db1>"]), "t", "m")
    assert shown in path.read_text()


@pytest.fixture
def of_each_kind():
    """Flows that are met, unmet, tolerated and not tested."""
    names = {"web1": "lost", "web2": "no_answer", "web3": "not_tested"}
    found = made([flow(targets=("db1",)), flow(None, ports=(80,), targets=("db2",))],
                 lambda case: names.get(case.client, "open"))  # fmt: skip
    return reports.summary([row._replace(tolerated=row.state == "no_answer") for row in found])


def written(tmp_path, found, kind):
    path = tmp_path / f"r{kind}"
    reports.write(str(path), found, "t", "m")
    return path.read_text()


def test_figures_of_each_kind(of_each_kind):
    assert of_each_kind.figures == {
        "flows": 10, "met": 4, "unmet": 6, "warnings": 2, "not_tested": 2, "translated": 0, "clients": 5, "targets": 2,
    }  # fmt: skip


def test_junit_of_each_kind(tmp_path, of_each_kind):
    root = ElementTree.fromstring(written(tmp_path, of_each_kind, ".xml"))  # noqa: S314  our own text
    assert [root.get(key) for key in ("tests", "failures", "errors")] == ["10", "2", "2"]
    suites = {suite.get("name"): suite for suite in root}
    counts = {name: [suite.get(key) for key in ("tests", "failures", "errors", "skipped")]
              for name, suite in suites.items()}  # fmt: skip
    assert counts == {
        "web1": ["2", "2", "0", "0"], "web2": ["2", "0", "0", "2"], "web3": ["2", "0", "2", "0"],
        "web4": ["2", "0", "0", "0"], "web5": ["2", "0", "0", "0"],
    }  # fmt: skip
    cases = [(case.get("name"), [(each.tag, each.get("type")) for each in case]) for case in suites["web1"]]
    assert cases == [
        ("to db1 5432/tcp sql (open)", [("failure", "lost")]), ("to db2 80/tcp (open)", [("failure", "lost")]),
    ]  # fmt: skip
    assert [[each.tag for each in case] for case in suites["web2"]] == [["skipped"]] * 2
    assert [case.get("name") for case in suites["web4"]] == ["to db1: 1 flow", "to db2: 1 flow"]


def test_html_of_each_kind(tmp_path, of_each_kind):
    text = written(tmp_path, of_each_kind, ".html")
    kinds = re.findall(r'<h3>[^<]*</h3><p><span class="(\w+)">([^<]*)</span>', text)
    assert sorted(set(kinds)) == [("bad", "lost"), ("lost", "not_tested"), ("lost", "warning, no_answer")]
    assert re.findall(r'<td class="(\w+)">1 (\w+)', text) == [
        ("bad", "lost"), ("bad", "lost"), ("lost", "no_answer"), ("lost", "no_answer"),
        ("lost", "not_tested"), ("lost", "not_tested"), *[("ok", "open")] * 4,
    ]  # fmt: skip
    assert 'data-host="web1" data-states="unmet lost"' in text
    assert 'data-host="web5" data-states="met open"' in text
    assert '<p class="verdict bad">6 of 10 flows are not as expected, 2 of them only a warning</p>' in text
    assert "<details><summary>6 flows not as expected</summary>" in text
    tolerated = of_each_kind._replace(unmet=[row for row in of_each_kind.unmet if row.tolerated])
    assert '<p class="verdict ok">' in written(tmp_path, tolerated, ".html")
    fine = reports.summary(made([flow()], lambda case: "open"))
    plain = written(tmp_path, fine, ".html")
    assert "<p>None.</p>" in plain
    assert "<details>" not in plain
    assert plain.count('<col class="fine">') == 2


def test_pairs_that_are_not_required(tmp_path):
    found = made([flow(targets=("db1",))._replace(sources=("web1",)), flow(targets=("db2",))], lambda case: "open")
    assert written(tmp_path, reports.summary(found), ".html").count("<td>\u2013</td>") == 4


def test_markdown_of_each_kind(tmp_path, of_each_kind):
    lines = written(tmp_path, of_each_kind, ".md").splitlines()
    assert "| 10 | 4 | 6 | 2 |" in lines
    assert len([line for line in lines if line.startswith("| ")]) == 1 + 1 + 1 + 6
    fine = reports.summary(made([flow()], lambda case: "open"))
    assert "| Flows | State | Why | Advice |" not in written(tmp_path, fine, ".md")


def test_formulas_are_text_in_a_spreadsheet():
    assert [reports._cell(text) for text in ("+1", "-1", "@x", "", "a=1")] == ["'+1", "'-1", "'@x", "", "a=1"]
    assert reports._cell("=1+1") == "'=1+1"
    assert reports._cell(True) == "true"
    assert reports._cell(5) == 5


def test_a_report_replaces_a_link_and_not_what_it_leads_to(tmp_path, summary):
    precious = tmp_path / "precious.json"
    precious.write_text("mine")
    link = tmp_path / "r.json"
    link.symlink_to(precious)
    reports.write(str(link), summary, "t", "m")
    assert precious.read_text() == "mine"
    assert not link.is_symlink()


def test_a_report_that_cannot_be_written_leaves_nothing(tmp_path, summary, monkeypatch):
    def refuse(*_arguments):
        raise OSError("no")

    monkeypatch.setattr(reports.os, "replace", refuse)
    with pytest.raises(OSError, match="no"):
        reports.write(str(tmp_path / "r.md"), summary, "t", "m")
    assert list(tmp_path.iterdir()) == []


def test_paths_of_reports(tmp_path):
    assert reports.problem_of(str(tmp_path / "a/b/r.html")) is None
    assert "a report ends in" in reports.problem_of("/x/r.pdf")
    (tmp_path / "d.md").mkdir()
    assert "is a directory" in reports.problem_of(str(tmp_path / "d.md"))
    (tmp_path / "f").touch()
    assert "may not write" in reports.problem_of(str(tmp_path / "f" / "r.md"))


def test_tolerated_and_untested_flows_in_reports(tmp_path):
    found = made([flow()], lambda case: "open", rows.Policy(False, True), clients={"web1": "away"}, lost=["web1"])
    path = tmp_path / "r.html"
    reports.write(str(path), reports.summary(found), "t", "m")
    assert 'class="lost">1 not_tested' in path.read_text()
    reports.write(str(tmp_path / "r.xml"), reports.summary(found), "t", "m")
    root = ElementTree.parse(tmp_path / "r.xml").getroot()  # noqa: S314  our own file
    assert len(root.findall(".//skipped")) == 2
    assert os.listdir(tmp_path)
