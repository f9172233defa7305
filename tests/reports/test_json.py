# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest


@pytest.fixture
def summary(written):
    return json.loads(written.json.read_text())


def host(summary, name):
    (found,) = (each for each in summary["hosts"] if each["host"] == name)
    return found


def test_figures(summary):
    assert summary["play"] == "Deploy the shop"
    figures = {"hosts": 8, "checked": 6, "unchecked": 2, "ports": 11, "met": 7, "conflicts": 4, "held": 1, "doubts": 1}
    assert summary["figures"] == figures


def test_hosts_that_were_not_checked_say_why(summary):
    assert (host(summary, "lost")["checked"], host(summary, "lost")["unreachable"]) == (False, True)
    assert host(summary, "app2")["msg"] == "ports: 65536 is no port"


def test_a_host_has_what_the_module_found(summary):
    web2 = host(summary, "web2")
    assert [port["met"] for port in web2["ports"]] == [True, False]
    assert web2["conflicts"][0]["holders"][0]["unit"] == "apache2.service"
    assert (web2["source"], web2["probed"], web2["met"]) == ("netlink", True, False)
    assert host(summary, "db1")["held"][0]["holders"][0]["process"] == "postgres"


def test_no_control_characters(written):
    assert "\\u001b" not in written.json.read_text()
    assert "\\\\x1b[31m" in written.json.read_text()
