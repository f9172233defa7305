# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.doubt import EPHEMERAL, NAT, Doubt
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import DUPLICATE, Finding
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import CONNECTED, LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._verdict.advice import Circumstances
from ansible_collections.preflight.ports.plugins.module_utils._verdict.results import NOTHING, result
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdicts import judge
from support.records import APACHE, CURL, census_of, row, wanting

FREE = "free"
SERVER = row(LISTENING, inode=APACHE.pid)
CLIENT = row(CONNECTED, "10.0.0.5", 45000, inode=CURL.pid, peer="10.0.0.9:443")

ENTRY_KEYS = {"port", "protocol", "address", "name", "met", "state"}
CONFLICT_KEYS = {"port", "count", "protocol", "address", "name", "state", "wanted", "reason", "advice", "holders"}
DOUBT_KEYS = {"port", "protocol", "address", "name", "kind", "reason", "advice"}
HOLDER_KEYS = {
    "addresses", "protocol", "state", "pid", "pids", "process", "exe", "program", "user", "uid", "unit", "container",
    "started", "interface", "peer", "hidden", "kernel",
}  # fmt: skip


def found(entries, findings, circumstances=None, rivals=(), doubts=(), failing=(), **rest):
    """The result for *findings*, {(index, port): Finding}; doubts of the kinds *failing* are conflicts."""
    requirements = wanting(*entries, **rest)
    known = census_of(APACHE, CURL)
    verdicts = {
        (index, port): judge(requirements[index], port, [finding], known, rivals)
        for (index, port), finding in findings.items()
    }
    return result(requirements, verdicts, doubts, lambda doubt: doubt.kind in failing, circumstances)


TAKEN = Finding(LISTENING, (SERVER,))


def test_the_keys_are_those_of_the_contract():
    seen = found([80, "81-82", 443], {(0, 80): TAKEN}, held_by=["nginx"])
    assert set(seen) == {"ports", "conflicts", "held", "doubts"}
    single, spread, _other = seen["ports"]
    assert set(single) == ENTRY_KEYS
    assert set(spread) == ENTRY_KEYS | {"free", "first_free"}
    (conflict,) = seen["conflicts"]
    assert set(conflict) == CONFLICT_KEYS
    (holder,) = conflict["holders"]
    assert set(holder) == HOLDER_KEYS


def test_what_is_met_by_held_by_has_the_keys_of_a_conflict():
    seen = found([80], {(0, 80): TAKEN}, held_by=["apache2"])
    assert seen["conflicts"] == []
    (held,) = seen["held"]
    assert set(held) == CONFLICT_KEYS
    assert (held["state"], held["wanted"], held["advice"]) == (LISTENING, FREE, None)
    assert held["reason"].startswith("listening on 0.0.0.0, held by apache2")


def test_a_request_that_cannot_be_looked_at_has_the_same_keys():
    assert set(NOTHING) == set(found([], {})) | {
        "ephemeral",
        "source",
        "probed",
        "redirects_checked",
        "firewall",
        "firewall_checked",
    }


@pytest.mark.parametrize(
    ("entries", "findings", "expected"),
    [
        pytest.param([], {}, [], id="none"),
        pytest.param([80], {}, [(80, True, FREE)], id="free"),
        pytest.param([80], {(0, 80): TAKEN}, [(80, False, LISTENING)], id="taken"),
        pytest.param(
            [80, 443], {(1, 443): TAKEN}, [(80, True, FREE), (443, False, LISTENING)], id="the other is taken"
        ),
        pytest.param(
            ["80-82"],
            {(0, 80): Finding(CONNECTED, (CLIENT,)), (0, 81): TAKEN},
            [("80-82", False, LISTENING)],
            id="of a range the worst",
        ),
        pytest.param(["80-82"], {}, [("80-82", True, FREE)], id="a free range"),
        pytest.param([{"port": 80, "held_by": ["apache2"]}], {(0, 80): TAKEN}, [(80, True, LISTENING)], id="held"),
        pytest.param(
            [{"port": "80-81", "held_by": ["apache2"]}],
            {(0, 80): TAKEN, (0, 81): Finding(CONNECTED, (CLIENT,))},
            [("80-81", False, CONNECTED)],
            id="of what is not met the worst, although worse is held",
        ),
        pytest.param([{"port": 80, "state": "listening"}], {(0, 80): TAKEN}, [(80, True, LISTENING)], id="listening"),
        pytest.param(
            [{"port": 80, "state": "listening"}], {(0, 80): Finding(FREE)}, [(80, False, FREE)], id="not listening"
        ),
    ],
)
def test_ports(entries, findings, expected):
    seen = found(entries, findings)
    assert [(each["port"], each["met"], each["state"]) for each in seen["ports"]] == expected


def test_ports_are_as_they_were_asked_for():
    entry = {"port": 53, "protocol": ["udp", "tcp"], "address": "127.0.0.1", "name": "dns"}
    shared = {"port": 53, "address": "127.0.0.1", "name": "dns", "met": True, "state": FREE}
    assert found([entry], {})["ports"] == [{**shared, "protocol": "udp"}, {**shared, "protocol": "tcp"}]


@pytest.mark.parametrize(
    ("findings", "free", "first_free"),
    [
        pytest.param({}, 3, 80, id="all"),
        pytest.param({80: TAKEN}, 2, 81, id="not the first"),
        pytest.param({81: TAKEN, 82: TAKEN}, 1, 80, id="only the first"),
        pytest.param({80: TAKEN, 81: TAKEN, 82: TAKEN}, 0, None, id="none"),
    ],
)
@pytest.mark.parametrize("held_by", [[], ["apache2"]], ids=["taken", "held"])
def test_ports_that_are_free_in_a_range(findings, free, first_free, held_by):
    seen = found(["80-82"], {(0, port): finding for port, finding in findings.items()}, held_by=held_by)
    assert (seen["ports"][0]["free"], seen["ports"][0]["first_free"]) == (free, first_free)


def test_ports_that_are_free_where_they_should_listen():
    seen = found(["80-81"], {(0, 80): TAKEN, (0, 81): Finding(FREE)}, state="listening")
    assert (seen["ports"][0]["free"], seen["ports"][0]["first_free"]) == (1, 81)


def test_a_port_that_two_want_is_not_free():
    seen = found(["80-81"], {(0, 80): Finding(FREE)}, rivals=["web"])
    assert (seen["ports"][0]["free"], seen["ports"][0]["first_free"]) == (1, 81)
    assert [each["state"] for each in seen["conflicts"]] == [DUPLICATE]


def test_conflicts():
    entry = {"port": 80, "address": "0.0.0.0", "name": "nginx"}
    (conflict,) = found([entry], {(0, 80): TAKEN})["conflicts"]
    holders = conflict.pop("holders")
    assert conflict == {
        "port": 80,
        "count": 1,
        "protocol": "tcp",
        "address": "0.0.0.0",
        "name": "nginx",
        "state": LISTENING,
        "wanted": FREE,
        "reason": "listening on 0.0.0.0, held by apache2 (pid 812, apache2.service, user root)",
        "advice": "Stop it (systemctl stop apache2.service), or name it in held_by (unit:apache2.service) if it is to"
        " keep the port.",
    }
    assert [holder["pid"] for holder in holders] == [812]


def test_neighbours_with_one_holder_are_one_conflict():
    seen = found(["80-83", 443], {(0, 80): TAKEN, (0, 81): TAKEN, (0, 83): TAKEN, (1, 443): TAKEN})
    assert [(each["port"], each["count"]) for each in seen["conflicts"]] == [("80-81", 2), (83, 1), (443, 1)]


def test_ten_thousand_held_ports_are_a_small_result():
    findings = {(0, port): TAKEN for port in range(20000, 30000)}
    seen = found(["20000-29999", 443], {**findings, (1, 443): TAKEN}, held_by=["apache2"])
    assert [(each["port"], each["count"]) for each in seen["held"]] == [("20000-29999", 10000), (443, 1)]
    assert len(json.dumps(seen)) < 5000


def test_advice_depends_on_the_user_and_the_host():
    hidden = {(0, 80): Finding(LISTENING, (row(LISTENING, inode=7),))}
    as_user, as_root = (
        found([80], hidden, circumstances=Circumstances(is_root))["conflicts"][0]["advice"] for is_root in (False, True)
    )
    assert "become" in as_user
    assert "become" not in as_root


DOUBTS = [Doubt(0, 80, 81, EPHEMERAL, "any connection may", "Reserve it."), Doubt(1, 443, 443, NAT, "a rule may")]


def test_doubts():
    seen = found([{"port": "80-82", "name": "web"}, 443], {}, doubts=DOUBTS)
    assert seen["conflicts"] == []
    ports, single = seen["doubts"]
    assert set(ports) == set(single) == DOUBT_KEYS
    assert (ports["port"], ports["name"], ports["kind"], ports["advice"]) == (
        "80-81",
        "web",
        "ephemeral",
        "Reserve it.",
    )
    assert (single["port"], single["reason"], single["advice"]) == (443, "a rule may", None)


def test_doubts_that_are_conflicts():
    seen = found(["80-82", 443], {}, doubts=DOUBTS, failing=[EPHEMERAL])
    assert [doubt["kind"] for doubt in seen["doubts"]] == ["nat"]
    (conflict,) = seen["conflicts"]
    assert set(conflict) == CONFLICT_KEYS
    assert (conflict["port"], conflict["count"], conflict["state"]) == ("80-81", 2, "ephemeral")
    assert (conflict["reason"], conflict["advice"]) == ("any connection may", "Reserve it.")
    spread, single = seen["ports"]
    assert (spread["met"], spread["state"], spread["free"], spread["first_free"]) == (False, "ephemeral", 1, 82)
    assert single["met"]


@pytest.mark.parametrize("where", ["conflicts", "held"])
def test_the_keys_of_a_holder(where):
    finding = Finding(LISTENING, (row(LISTENING, port=45000, inode=CURL.pid),))
    seen = found([45000], {(0, 45000): finding}, held_by=["curl"] if where == "held" else [])
    (holder,) = seen[where][0]["holders"]
    assert set(holder) == HOLDER_KEYS
