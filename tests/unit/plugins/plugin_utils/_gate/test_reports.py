# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._gate import reports
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.summary import summary
from reports import fleet

FOUND = summary({"<a>": {"problem": "1 < 2"}, "b": {"problem": "No interpreter was found."}})


def rendered(kind, found, play):
    return "".join(reports.render(kind, found, play))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("html", "<h3>&lt;a&gt;</h3>"),
        ("xml", '<testsuite name="&lt;a&gt;"'),
        ("md", "## \\<a\\>"),
        ("md", "Not checked, No interpreter was found.\n"),
    ],
)
def test_each_kind_escapes_its_own_way(kind, text):
    assert text in rendered(kind, FOUND, "play")


def test_json():
    found = json.loads(rendered("json", FOUND, "\x1b"))
    assert found["play"] == "\\x1b"
    assert found["time"].endswith("+00:00")
    assert [host["host"] for host in found["hosts"]] == ["<a>", "b"]


def entry(port, name=None):
    return {"port": port, "protocol": "tcp", "address": None, "name": name, "met": False, "state": "listening"}


def conflict(port, *processes, name=None, reason="taken", place=0):
    holders = [{"pid": pid, "process": process, "uid": 0, "kernel": False} for pid, process in processes]
    return {**entry(port, name), "reason": reason, "advice": None, "count": 1, "entry": place, "holders": holders}


def of_one_host(kind, ports, conflicts):
    answer = {"ports": ports, "conflicts": conflicts, "held": [], "doubts": []}
    return rendered(kind, summary({"a": {"answer": answer}}), "play")


@pytest.mark.parametrize(
    ("holders", "shown"),
    [
        ([(1, "a"), (1, "a")], "<small>a</small>"),
        ([(1, "a"), (2, "b")], "<small>a and others</small>"),
        ([(1, "a"), (2, "a")], "<small>a and others</small>"),
    ],
)
def test_the_cell_of_a_range_names_the_first_holder(holders, shown):
    conflicts = [conflict(port, holder) for port, holder in enumerate(holders, 8000)]
    assert shown in of_one_host("html", [entry("8000-8001")], conflicts)


@pytest.mark.parametrize(
    ("kind", "shown"), [("html", "not listening"), ("xml", 'type="not listening"'), ("md", "| not listening |")]
)
def test_what_was_to_listen_is_in_no_report_free(kind, shown):
    silent = {"state": "free"}
    assert shown in of_one_host(kind, [{**entry(80), **silent}], [{**conflict(80), **silent}])


def test_in_junit_names_on_one_port_have_their_own_conflicts():
    names = ("mine", "yours")
    conflicts = [conflict(80, name=name, reason=f"{name} is taken", place=place) for place, name in enumerate(names)]
    found = of_one_host("xml", [entry(80, name) for name in names], conflicts)
    for name in names:
        assert f'name="80/tcp ({name})" time="0">\n      <failure type="taken" message="{name} is taken">' in found


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("a*b_c|d", "a\\*b\\_c\\|d"),
        ("www.evil.com", "www\\.evil.com"),
        ("WWW.evil.com", "WWW\\.evil.com"),
        ("http://evil.co", "http\\://evil.co"),
        ("thank @user", "thank \\@user"),
        ("$x$", "\\$x\\$"),
        ("listening on 0.0.0.0:80, held by a.service", "listening on 0.0.0.0:80, held by a.service"),
    ],
)
def test_markdown_has_no_markup_no_links_and_mentions_nobody(text, source):
    assert f"| {source} |" in of_one_host("md", [entry(80)], [conflict(80, reason=text)])


def test_each_page_has_a_nonce_of_its_own():
    first, second = (rendered("html", FOUND, "play").split("'nonce-")[1] for _unused in range(2))
    assert first[:43] != second[:43]


@pytest.mark.parametrize("kind", ["html", "json", "xml", "md"])
def test_the_time_does_not_grow_with_the_square_of_the_entries(kind):
    asked = [fleet.entry(port, f"service {port}", "listening", met=False) for port in range(1, 4001)]
    conflicts = [fleet.conflict(entry, fleet.holder("apache2")) for entry in asked]
    found = summary(fleet.entries({"a": fleet.look(asked, conflicts, msg="Ports are taken.")}))
    started = time.process_time()
    assert "service 4000" in rendered(kind, found, "Deploy")
    assert time.process_time() - started < 5
