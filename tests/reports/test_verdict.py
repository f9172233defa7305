# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The message that stops a play."""

from __future__ import annotations

from reports import fleet


def test_conflicts_come_before_hosts_that_were_not_checked(written):
    first, *lines = written.verdict
    assert first == "Ports are not as required on 4 of 8 hosts, and 2 could not be checked:"
    hosts = [line.split(":")[0] for line in lines if line[0] != " "]
    assert hosts == ["app1", "db2", "web2", "web3", "app2", "lost", "In doubt", "Reports"]
    assert "lost: not checked, unreachable" in lines
    assert lines[-2] == "  80/tcp (nginx: HTTP) on web1: NAT rules may send its traffic elsewhere"


def test_no_target_writes_lines_of_another():
    forged = "nobody\nb_good: 1 of 1 required port is taken:"
    asked = fleet.entry(80, state="listening", met=False)
    evil = fleet.look(
        [asked], [fleet.conflict(asked, fleet.holder(forged), reason=forged, advice=forged)], msg=f"x\n{forged}"
    )
    lines = "\n".join(fleet.report({"a_evil": evil, "b_good": fleet.look([fleet.entry(80)])})).split("\n")
    assert [line.split(":")[0] for line in lines if line[0] != " "] == [
        "Ports are not as required on 1 of 2 hosts",
        "a_evil",
    ]


def shown(lines):
    return [line for line in lines if line.startswith("  ")]


def test_as_many_lines_as_fit_are_all_shown():
    lines = fleet.report(fleet.grid(66, 1, every=1))
    assert len(shown(lines)) == 2 * 66  # the conflict and its advice
    assert lines[0] == "Ports are not as required on 66 of 66 hosts:"


def test_hosts_share_the_lines():
    """None disappears behind another one's many ports."""
    many, few = fleet.grid(1, 300, every=1), fleet.grid(2, 1, every=1)
    few.pop("host000.example.com")
    lines = fleet.report({**many, **few})
    assert any(line.startswith("host001.example.com: ") for line in lines)
    assert len(lines) <= 203
    assert lines[-1] == "Set port_preflight_reports to have it all."


def test_reports_are_named_where_not_all_is_shown(tmp_path):
    lines = fleet.report(fleet.grid(1, 300, every=1), tmp_path / "a.html", tmp_path / "a.json")
    assert lines[-1] == f"Reports: {tmp_path}/a.html, {tmp_path}/a.json"


def test_hosts_with_the_same_problem_are_one_line():
    looks = {f"host{number:03d}": fleet.UNREACHABLE for number in range(201)}
    assert fleet.report(looks) == ["201 of 201 hosts could not be checked:", "201 hosts: not checked, unreachable"]
    assert fleet.report({name: looks[name] for name in ("host000", "host001")})[1:] == [
        "host000 and host001: not checked, unreachable"
    ]


def test_hosts_that_were_checked_are_said_to_be_well():
    looks = {"lost": fleet.UNREACHABLE, **fleet.grid(2, 1)}
    assert fleet.report(looks) == [
        "1 of 3 hosts could not be checked:",
        "lost: not checked, unreachable",
        "The required port is free on 2 hosts.",
    ]


def test_one_host_needs_no_heading():
    assert fleet.report(fleet.grid(1, 1, every=1))[0] == "host000.example.com: The required port is taken:"


def test_all_is_well():
    assert fleet.report(fleet.grid(30, 3)) == ["All 3 required ports are free on 30 hosts."]
    assert fleet.report(fleet.grid(1, 1)) == ["The required port is free on host000.example.com."]


def test_what_was_not_asked():
    looks = fleet.grid(3, 2)
    for look in list(looks.values())[:2]:
        look["redirects_checked"] = False
    assert fleet.report(looks) == ["All 2 required ports are free on 3 hosts; NAT rules were not read on 2."]
