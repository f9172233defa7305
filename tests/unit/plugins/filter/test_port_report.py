# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.preflight.ports.plugins.filter.port_report import FilterModule, port_report

HOSTVARS = {"<a>": {"__port_preflight_result": {"failed": True, "msg": "1 < 2"}}, "b": {"__port_preflight_result": {}}}


def report(kind, **about):
    return port_report({}, HOSTVARS, HOSTVARS, [], kind, **about)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("html", "<h3>&lt;a&gt;</h3>"),
        ("xml", '<testsuite name="&lt;a&gt;"'),
        ("md", "## \\<a\\>"),
        ("verdict", "<a>: not checked, 1 < 2"),
    ],
)
def test_each_kind_escapes_its_own_way(kind, text):
    assert text in report(kind)


def test_json():
    found = json.loads(report("json", play="\x1b"))
    assert found["play"] == "\\x1b"
    assert found["time"].endswith("+00:00")
    assert [host["host"] for host in found["hosts"]] == ["<a>", "b"]


def entry(port, name=None):
    return {"port": port, "protocol": "tcp", "address": None, "name": name, "met": False, "state": "listening"}


def conflict(port, *processes, name=None, reason="taken"):
    holders = [{"pid": pid, "process": process, "uid": 0, "kernel": False} for pid, process in processes]
    return {**entry(port, name), "reason": reason, "advice": None, "count": 1, "holders": holders}


def of_one_host(kind, ports, conflicts):
    return port_report({}, "a", {"a": {"__port_preflight_result": {"ports": ports, "conflicts": conflicts}}}, "a", kind)


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


def test_a_sentence_in_markdown_ends_once():
    hostvars = {"a": {"__port_preflight_result": {"failed": True, "msg": "No interpreter was found."}}}
    assert "Not checked, No interpreter was found.\n" in port_report({}, "a", hostvars, "a", "md")


def test_in_junit_names_on_one_port_have_their_own_conflicts():
    names = ("mine", "yours")
    conflicts = [conflict(80, name=name, reason=f"{name} is taken") for name in names]
    found = of_one_host("xml", [entry(80, name) for name in names], conflicts)
    for name in names:
        assert f'name="80/tcp ({name})" time="0">\n      <failure type="listening" message="{name} is taken">' in found


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("a*b_c|d", "a\\*b\\_c\\|d"),
        ("www.evil.com", "www\\.evil.com"),
        ("WWW.evil.com", "WWW\\.evil.com"),
        ("http://evil.co", "http\\://evil.co"),
        ("listening on 0.0.0.0:80, held by a.service", "listening on 0.0.0.0:80, held by a.service"),
    ],
)
def test_markdown_has_no_markup_and_no_links(text, source):
    assert f"| {source} |" in of_one_host("md", [entry(80)], [conflict(80, reason=text)])


def test_each_page_has_a_nonce_of_its_own():
    first, second = (report("html").split("'nonce-")[1] for _unused in range(2))
    assert first[:43] != second[:43]


def test_ansible_finds_it():
    assert FilterModule().filters() == {"port_report": port_report}
