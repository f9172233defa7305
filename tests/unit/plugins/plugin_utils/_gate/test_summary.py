# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.summary import LOST, summary


def entry(port, state="free", met=True, **rest):
    return {"port": port, "protocol": "tcp", "address": None, "name": None, "met": met, "state": state, **rest}


def conflict(port, entry=0, count=1):
    known = {"protocol": "tcp", "address": None, "name": None, "state": "listening", "wanted": "free"}
    return {**known, "port": port, "count": count, "entry": entry, "reason": "x", "advice": None, "holders": []}


def answered(*ports, conflicts=(), held=(), doubts=()):
    found = {"ports": list(ports), "conflicts": list(conflicts), "held": list(held), "doubts": list(doubts)}
    rest = {
        "ephemeral": [],
        "source": "netlink",
        "probed": True,
        "redirects_checked": True,
        "firewall": [],
        "firewall_checked": True,
        "msg": "",
    }
    return {"answer": {**found, **rest}}


DOUBT = {
    "port": "90-91",
    "protocol": "tcp",
    "address": None,
    "name": None,
    "kind": "nat",
    "reason": "x",
    "advice": None,
}
TAKEN = answered(entry(80, "listening", met=False), conflicts=[conflict(80)])
LOST_HOST = {"problem": "unreachable", "unreachable": True}


def test_hosts_with_conflicts_come_first_and_then_those_that_were_not_checked():
    hosts = summary({"a": answered(), "b": LOST_HOST, "d": TAKEN, "c": TAKEN})["hosts"]
    assert [host["host"] for host in hosts] == ["c", "d", "b", "a"]


def test_figures_count_each_port_of_a_range():
    full = answered(
        entry("80-89", "listening", met=False),
        entry("90-91"),
        entry(95, "listening"),
        conflicts=[conflict("81-83", count=3)],
        held=[conflict(95, entry=2)],
        doubts=[DOUBT],
    )
    assert summary({"a": full, "b": answered(), "c": LOST_HOST})["figures"] == {
        "hosts": 3,
        "checked": 2,
        "unchecked": 1,
        "ports": 13,
        "met": 10,
        "conflicts": 3,
        "held": 1,
        "doubts": 2,
    }


@pytest.mark.parametrize(
    ("found", "unreachable", "msg"),
    [
        pytest.param(LOST_HOST, True, "unreachable", id="unreachable"),
        pytest.param({"problem": "bad\x1b"}, False, "bad\\x1b", id="refused"),
        pytest.param(LOST, True, "it failed, was unreachable or left the play before", id="left the play before"),
    ],
)
def test_what_is_not_known_is_not_met(found, unreachable, msg):
    (host,) = summary({"a": found})["hosts"]
    assert (host["checked"], host["met"], host["unreachable"], host["msg"]) == (False, False, unreachable, msg)
    assert host["ports"] == host["conflicts"] == host["doubts"] == []


def test_required_ports_in_order_with_their_names():
    one = answered(entry(443, name="web"), entry(80), entry(53, protocol="udp"), entry("8000-8010"), entry(53))
    two = answered(
        entry(443, "listening", met=False, name="api"),
        entry(443, address="::1"),
        entry(443, name="web"),
        conflicts=[conflict(443)],
    )
    assert [(port["label"], port["names"], port["met"]) for port in summary({"a": one, "b": two})["required"]] == [
        ("53/tcp", [], True),
        ("53/udp", [], True),
        ("80/tcp", [], True),
        ("443/tcp", ["web", "api"], False),
        ("[::1]:443/tcp", [], True),
        ("8000-8010/tcp", [], True),
    ]


def test_conflicts_have_the_label_of_their_entry():
    found = answered(entry(22), entry("80-90", met=False), conflicts=[conflict("81-82", entry=1, count=2)])
    (host,) = summary({"a": found})["hosts"]
    assert [(each["label"], each["entry"]) for each in host["conflicts"]] == [("81-82/tcp", "80-90/tcp")]
