# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reports of flows."""

from __future__ import annotations

import csv
import io
import json
import re
from xml.etree import ElementTree

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._reach import reports, rows
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.summary import summary as summarized
from support.flows import flow, made, of_each_kind

HOSTILE = "<script>alert(1)</script>|`x`\x1b[31m[a](http://x)@user"


@pytest.fixture
def summary():
    flows = [flow(HOSTILE), flow("fine", ports=(80,))]
    return summarized(made(flows, lambda case: "no_answer" if case.port.port == 5432 else "open"))


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


def written(tmp_path, found, kind):
    path = tmp_path / f"r{kind}"
    reports.write(str(path), found, "t", "m")
    return path.read_text()


def test_junit_of_each_kind(tmp_path):
    root = ElementTree.fromstring(written(tmp_path, of_each_kind(), ".xml"))  # noqa: S314  our own text
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


def test_html_of_each_kind(tmp_path):
    text = written(tmp_path, of_each_kind(), ".html")
    kinds = re.findall(r'<h3>[^<]*</h3>\n<p><span class="(\w+)">([^<]*)</span>', text)
    assert sorted(set(kinds)) == [("bad", "lost"), ("lost", "not_tested"), ("lost", "warning, no_answer")]
    assert re.findall(r'<td class="(\w+)">1 (\w+)', text) == [
        ("bad", "lost"), ("bad", "lost"), ("lost", "no_answer"), ("lost", "no_answer"),
        ("lost", "not_tested"), ("lost", "not_tested"), *[("ok", "open")] * 4,
    ]  # fmt: skip
    assert 'data-host="web1" data-states="unmet lost"' in text
    assert 'data-host="web5" data-states="met open"' in text
    assert '<p class="verdict bad">6 of 10 flows are not as expected, 2 of them only a warning</p>' in text
    assert "<details><summary>6 flows not as expected</summary>" in text
    found = of_each_kind()
    tolerated = found._replace(unmet=[row for row in found.unmet if row.tolerated])
    assert '<p class="verdict ok">' in written(tmp_path, tolerated, ".html")
    fine = summarized(made([flow()], lambda case: "open"))
    plain = written(tmp_path, fine, ".html")
    assert "<p>None.</p>" in plain
    assert "<details>" not in plain
    assert plain.count('<col class="fine">') == 2


def test_pairs_that_are_not_required(tmp_path):
    found = made([flow(targets=("db1",))._replace(sources=("web1",)), flow(targets=("db2",))], lambda case: "open")
    assert written(tmp_path, summarized(found), ".html").count("<td>\u2013</td>") == 4


def test_markdown_of_each_kind(tmp_path):
    lines = written(tmp_path, of_each_kind(), ".md").splitlines()
    assert "| 10 | 4 | 6 | 2 |" in lines
    assert len([line for line in lines if line.startswith("| ")]) == 1 + 1 + 1 + 6
    fine = summarized(made([flow()], lambda case: "open"))
    assert "| Flows | State | Why | Advice |" not in written(tmp_path, fine, ".md")


def test_formulas_are_text_in_a_spreadsheet():
    assert [reports._cell(text) for text in ("+1", "-1", "@x", "", "a=1")] == ["'+1", "'-1", "'@x", "", "a=1"]
    assert reports._cell("=1+1") == "'=1+1"
    assert reports._cell(True) == "true"
    assert reports._cell(5) == 5


def test_tolerated_and_untested_flows_in_reports(tmp_path):
    found = made([flow()], lambda case: "open", rows.Policy(False, True), clients={"web1": "away"}, lost=["web1"])
    path = tmp_path / "r.html"
    reports.write(str(path), summarized(found), "t", "m")
    assert 'class="lost">1 not_tested' in path.read_text()
    reports.write(str(tmp_path / "r.xml"), summarized(found), "t", "m")
    root = ElementTree.parse(tmp_path / "r.xml").getroot()  # noqa: S314  our own file
    assert len(root.findall(".//skipped")) == 2
