# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
import xmlschema
from junitparser import Error, Failure, JUnitXml


@pytest.fixture
def suites(written):
    return {suite.name: suite for suite in JUnitXml.fromfile(str(written.xml))}


def test_schema(written):
    xmlschema.XMLSchema(str(Path(__file__).with_name("junit.xsd"))).validate(str(written.xml))


def test_totals_are_what_they_count(written):
    report = JUnitXml.fromfile(str(written.xml))
    said = (report.tests, report.failures, report.errors)
    report.update_statistics()
    assert said == (report.tests, report.failures, report.errors) == (11, 4, 2)


def test_a_case_for_each_port(suites):
    good, bad = suites["web2"]
    assert (good.name, good.result) == ("80/tcp (nginx: HTTP)", [])
    assert (bad.name, bad.classname) == ("443/tcp (nginx: HTTPS)", "web2")
    (failure,) = bad.result
    assert isinstance(failure, Failure)
    assert (failure.type, failure.message) == (
        "taken",
        "listening on 0.0.0.0 and ::, held by apache2 (pid 812, user root)",
    )
    assert "443/tcp: listening" in failure.text
    assert "Stop apache2.service." in failure.text


def test_ranges_and_ephemeral_ports_fail_as_one_case(suites):
    ((in_range,), (_free, ephemeral)) = suites["db2"], suites["app1"]
    assert "8009/tcp: connected" in in_range.result[0].text
    assert ephemeral.result[0].message.startswith("it may go to any outgoing connection (net.ipv4")


def test_a_host_that_was_not_checked_is_an_error(suites):
    for name, message in (("lost", "not checked, unreachable"), ("app2", "not checked, ports: 65536 is no port")):
        (case,) = suites[name]
        assert isinstance(case.result[0], Error)
        assert case.result[0].message == message


def test_hostile_names_are_text(suites):
    (case,) = suites["web3"]
    assert case.result[0].message == "<script>alert(1)</script>'\"`|]&\\x1b[31m\\n\\u202e{{ 7 * 7 }}</script>"
