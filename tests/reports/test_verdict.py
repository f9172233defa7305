# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The message that stops a play."""

from __future__ import annotations

from ansible_collections.preflight.ports.plugins.filter.port_report import port_report
from reports import fleet


def verdict(looks, **about):
    found = {name: {"__port_preflight_result": look} for name, look in looks.items()}
    return port_report({}, list(found), found, [], "verdict", **about).splitlines()


def test_the_play_is_stopped_with_every_host_in_order(written):
    said = written.output[written.output.index("Ports are not as required on 6 of 8 hosts:") :]
    order = ["app1: 1 of 2", "app2: not checked, ports: 65536", "db2: 1 of 1", "lost: not checked, unreachable"]
    places = [said.index(text) for text in [*order, "web2: 1 of 2", "web3: 1 of 1"]]
    assert places == sorted(places)
    assert written.status == 2


def test_200_conflicts_are_all_shown():
    lines = verdict(fleet.grid(100, 2, every=1))
    assert len([line for line in lines if line.startswith("  ")]) == 200
    assert "more on" not in lines[-1]


def test_more_are_counted():
    lines = verdict(fleet.grid(103, 2, every=1))
    assert lines[0] == "Ports are not as required on 103 of 103 hosts:"
    assert len([line for line in lines if line.startswith("  ")]) == 200
    assert lines[-1] == "and 6 more on 3 hosts; set port_preflight_reports to have all of them in a file"


def test_a_host_may_be_cut_in_two():
    lines = verdict(fleet.grid(3, 150, every=1), reports=["/srv/a.html", "/srv/a.json"])
    assert len([line for line in lines if line.startswith("  ")]) == 200
    assert lines[-1] == "and 250 more on 2 hosts, see /srv/a.html and /srv/a.json"


def test_hosts_that_were_not_checked_count_too():
    lines = verdict({f"host{number:03d}": fleet.UNREACHABLE for number in range(201)})
    assert len(lines) == 202
    assert lines[-1].startswith("and 1 more on 1 host;")


def test_one_host_alone_needs_no_heading():
    assert verdict(fleet.grid(1, 1, every=1))[0].startswith("host000.example.com: 1 of 1 required")


def test_nothing_is_said_of_what_is_as_required():
    assert verdict(fleet.grid(2, 2)) == []
