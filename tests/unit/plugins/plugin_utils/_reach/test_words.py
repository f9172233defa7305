# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes, notes, and the message."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._reach import plan, words
from support.flows import flow, made


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


def test_names_that_do_not_resolve_are_noted():
    assert words.unresolved([]) == []
    assert words.unresolved(["dbb1"]) == ["Closed only because the name does not resolve: dbb1. Check the spelling."]
    assert words.unresolved(["a"] * 5)[0] == (
        "Closed only because the name does not resolve: a, a, a and 2 more names. Check the spelling."
    )
