# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of flows, in what reads them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import xmlschema
from ansible_collections.preflight.ports.plugins.plugin_utils._reach import judge, plan, reports, rows
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.answers import Tried
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.summary import summary as summarized
from markdown_it import MarkdownIt
from playwright.sync_api import expect

HOSTILE = "<script>alert(1)</script>'\"`|]&\x1b[31m\n\u202e{{ 7 * 7 }}</script>"


def summary(clients, targets, ports, state_of, name="sql"):
    several = tuple(plan.Target(f"db{number}", f"db{number}", True) for number in range(targets))
    sources = tuple(f"web{number}" for number in range(clients))
    wanted = tuple(plan.Port("tcp", 5000 + number, None) for number in range(ports))
    flow = plan.Flow(name, "web", sources, "db", several, wanted, "open", 0)
    tried = {}
    for case in plan.cases([flow]):
        tried.setdefault(case.client, []).append(Tried(state_of(case), 1.0, name))
    sides = {target.host: judge.Target(True) for target in several}
    findings = rows.Findings(tried, {}, sides, {}, frozenset(), frozenset())
    return summarized(rows.rows([flow], findings, rows.Policy(False, False)))


def state_of(case):
    return "no_answer" if case.client == "web1" and case.target.host == "db2" else "open"


@pytest.fixture
def page(browse, tmp_path):
    path = tmp_path / "flows.html"
    reports.write(str(path), summary(3, 4, 2, state_of, HOSTILE), HOSTILE, "message")
    return browse(path)


def test_the_matrix_and_the_causes(page):
    assert page.locator("#ports tbody tr[data-host=web1] td").all_inner_texts()[2].split() == [
        "2",
        "no_answer",
        "of",
        "2",
    ]
    assert page.locator("#ports tbody td.bad").count() == 1
    assert page.locator("section h3").count() == 1
    assert page.locator(".verdict").inner_text() == "2 of 24 flows are not as expected"
    assert page.locator("h2").all_inner_texts()[0] == "Causes"


def test_each_unexpected_flow_has_a_row(page):
    page.locator("details summary").click()
    rows = page.locator("#unexpected tbody tr")
    assert [row.split()[:5] for row in rows.all_inner_texts()] == [
        ["web1", "db2", "db2", f"{port}/tcp", "open"] for port in (5000, 5001)
    ]


def test_hostile_names_are_text(page):
    assert "<script>alert(1)</script>" in page.locator("section h3").inner_text()
    assert page.locator("script").count() == 1


def test_filters(page):
    page.fill("#host", "web2")
    expect(page.locator("#ports tbody tr:visible")).to_have_count(1)
    page.click("button[type=reset]")
    page.select_option("#state", "unmet")
    expect(page.locator("#ports tbody tr:visible th")).to_have_text(["web1"])
    page.check("#narrow")
    expect(page.locator("#ports thead th:visible")).to_have_text(["From", "db2"])


def test_two_hundred_by_two_hundred(browse, tmp_path):
    path = tmp_path / "flows.html"
    reports.write(str(path), summary(200, 200, 5, state_of), "many", "message")
    assert path.stat().st_size < 5_000_000
    page = browse(path)
    began = time.monotonic()
    page.fill("#host", "web19")
    expect(page.locator("#count")).to_have_text("11 of 200 hosts")
    assert time.monotonic() - began < 10


def test_junit_is_valid(tmp_path):
    path = tmp_path / "flows.xml"
    found = summary(3, 4, 2, state_of, HOSTILE)._replace(notes=[HOSTILE])
    reports.write(str(path), found, "t", "m")
    xmlschema.validate(str(path), str(Path(__file__).with_name("junit.xsd")))


def test_markdown_has_one_row_for_the_cause_and_no_markup_of_names(tmp_path):
    path = tmp_path / "flows.md"
    reports.write(str(path), summary(3, 4, 2, state_of, HOSTILE), HOSTILE, "m")
    html = MarkdownIt("gfm-like", {"linkify": False}).render(path.read_text())
    assert html.count("<table>") == 2
    assert "<script" not in html
    assert "&lt;script&gt;alert" in html
