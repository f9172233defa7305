# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.preflight.ports.plugins.filter.port_report import FilterModule, port_report

HOSTVARS = {"<a>": {"__port_preflight_result": {"failed": True, "msg": "1 < 2"}}, "b": {"__port_preflight_result": {}}}


def report(kind, **about):
    return port_report(HOSTVARS, HOSTVARS, [], kind, **about)


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


def test_each_page_has_a_nonce_of_its_own():
    first, second = (report("html").split("'nonce-")[1] for _unused in range(2))
    assert first[:43] != second[:43]


def test_ansible_finds_it():
    assert FilterModule().filters() == {"port_report": port_report}
