# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts answer, and what is not believed."""

from __future__ import annotations

import copy
import random

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._reach import answers
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.answers import End, Malformed, Port, Rules, Tried

FLOW = {
    "id": 0,
    "state": "open",
    "seconds": 0.1,
    "reason": "our responder answered",
    "address": "10.0.0.9",
    "source": {"address": "10.0.0.1", "port": 40000},
    "translated": False,
}
PORT = {"port": 80, "protocol": "tcp", "state": "bound", "reason": "it has it", "holder": None}
RULE = "-A ufw-user-input -j DROP"
WALL = {
    "port": 80,
    "protocol": "tcp",
    "destination": "10.0.0.9",
    "source": "10.0.0.1",
    "verdict": "blocked",
    "by": "ufw",
    "rule": RULE,
    "advice": "ufw allow 80/tcp",
    "sent_to": None,
}
STARTED = {"running": True, "witness": True, "ports": [PORT], "may_end_early": None}
VISIT = {
    "protocol": "tcp",
    "source": "10.0.0.1",
    "source_port": 40000,
    "destination": "10.0.0.9",
    "port": 80,
    "stage": "passed",
}
SEEN = {"running": True, "witness": True, "missed": 0, "visits": [VISIT], "firewall": [WALL]}
WRONG = (None, True, -1, 10**30, 0.5, float("nan"), "x", "x" * 100000, [], {}, [[]], {"a": 1})


def test_a_flow():
    assert answers.tried({"flows": [FLOW]}, [True]) == [
        Tried("open", 0.1, "our responder answered", "10.0.0.9", End("10.0.0.1", 40000), False)
    ]


def test_a_client_with_very_many_flows():
    many = 60_000  # more than a responder remembers of its visitors
    flows = [{"id": number, "state": "open", "seconds": 0} for number in range(many)]
    assert len(answers.tried({"flows": flows}, [True] * many)) == many


def test_a_brief_flow():
    assert answers.tried({"flows": [{"id": 0, "state": "open", "seconds": 1}]}, [True]) == [Tried("open", 1.0)]


def test_a_responder():
    assert answers.started(STARTED).ports == {("tcp", 80): Port("bound", "it has it", None)}
    seen = answers.seen(SEEN)
    assert (seen.ran, seen.witness, seen.missed) == (True, True, 0)
    assert seen.visits == {("tcp", 80): {End("10.0.0.1", 40000): 1}}


def test_what_rules_do():
    other = {**WALL, "source": "10.0.0.2", "verdict": "open", "by": None, "rule": None, "sent_to": "10.0.0.5:80"}
    found = answers.seen({**SEEN, "firewall": [WALL, {**WALL, "verdict": "open"}, other]}).rules
    assert found == {
        ("tcp", 80, "10.0.0.1"): Rules(False, "ufw", RULE, "ufw allow 80/tcp"),
        ("tcp", 80, "10.0.0.2"): Rules(True, advice="ufw allow 80/tcp", sent_to="10.0.0.5:80"),
    }


def test_of_two_addresses_the_one_that_is_taken_counts():
    taken = {**PORT, "state": "taken", "holder": "nginx"}
    for ports in ([PORT, taken], [taken, PORT]):
        assert answers.started({**STARTED, "ports": ports}).ports["tcp", 80].holder == "nginx"


def test_text_of_hosts_is_made_safe_and_short():
    (flow,) = answers.tried({"flows": [{**FLOW, "reason": "\x1b[2J" + "x" * 10000}]}, [True])
    assert flow.reason.startswith("\\x1b[2J")
    assert len(flow.reason) < 600


@pytest.mark.parametrize(
    "flows", [[], [FLOW, FLOW], [{**FLOW, "id": 1}], None, "x", [None], [{**FLOW, "state": "lost"}]]
)
def test_flows_that_nobody_asked_for(flows):
    with pytest.raises(Malformed):
        answers.tried({"flows": flows}, [True])


@pytest.mark.parametrize(
    ("read", "good"),
    [
        (lambda answer: answers.tried(answer, [True]), {"flows": [FLOW]}),
        (answers.started, STARTED),
        (answers.seen, SEEN),
    ],
    ids=["flows", "started", "seen"],
)
def test_whatever_a_host_answers_is_read_or_malformed(read, good):
    chance = random.Random(1)
    for _each in range(3000):
        answer = copy.deepcopy(good)
        place = answer
        for _depth in range(chance.randrange(4)):
            inner = [
                each
                for each in (place.values() if isinstance(place, dict) else place)
                if isinstance(each, (dict, list))
            ]
            if not inner:
                break
            place = chance.choice(inner)
        if isinstance(place, dict) and place:
            place[chance.choice(list(place))] = chance.choice(WRONG)
        elif isinstance(place, list):
            place.append(chance.choice(WRONG))
        try:
            read(answer)
        except Malformed as error:
            assert len(str(error)) < 300
    for wrong in WRONG:
        with pytest.raises(Malformed):
            read(wrong)


def read_flow(**changed):
    return answers.tried({"flows": [{**FLOW, **changed}]}, [True])[0]


@pytest.mark.parametrize(
    ("changed", "field", "expected"),
    [
        ({"reason": "x" * 501}, "reason", "x" * 500),
        ({"seconds": 0}, "seconds", 0.0),
        ({"seconds": 100000.0}, "seconds", 100000.0),
        ({"source": {"address": "::1", "port": 65535}}, "source", End("::1", 65535)),
        ({"source": None}, "source", None),
        ({"address": "fe80::1%" + "e" * 56}, "address", "fe80::1"),
        ({"address": None}, "address", None),
        ({"translated": True}, "translated", True),
        ({"translated": None}, "translated", None),
    ],
)
def test_what_is_read_of_a_flow(changed, field, expected):
    assert getattr(read_flow(**changed), field) == expected


@pytest.mark.parametrize(
    "changed",
    [
        {"seconds": -0.1},
        {"seconds": 100000.1},
        {"seconds": True},
        {"seconds": "1"},
        {"translated": 1},
        {"source": {"address": "::1", "port": 65536}},
        {"source": {"address": "::1", "port": -1}},
        {"source": {"address": "::1", "port": True}},
        {"source": {"address": "db1", "port": 1}},
        {"address": "fe80::1%" + "e" * 57},
        {"reason": 5},
        {"state": "dropped_by_host"},
        {"state": "reply_lost"},
    ],
)
def test_what_is_not_read_of_a_flow(changed):
    with pytest.raises(Malformed):
        read_flow(**changed)


def test_how_many_rules_are_read():
    assert len(answers.seen({**SEEN, "firewall": [WALL] * 500}).rules) == 1
    with pytest.raises(Malformed, match="a list that is too long"):
        answers.seen({**SEEN, "firewall": [WALL] * 501})


@pytest.mark.parametrize(("stage", "index"), [("arrived", 0), ("passed", 1), ("asked", 2), ("finished", 3)])
def test_stages(stage, index):
    visits = answers.seen({**SEEN, "visits": [{**VISIT, "stage": stage}]}).visits
    assert visits == {("tcp", 80): {End("10.0.0.1", 40000): index}}


@pytest.mark.parametrize("changed", [{"running": 1}, {"witness": None}, {"may_end_early": 5}, {"ports": "x"}])
def test_what_is_not_read_of_a_responder(changed):
    with pytest.raises(Malformed):
        answers.started({**STARTED, **changed})
    early = answers.started({**STARTED, "running": False, "may_end_early": "soon"})
    assert (early.running, early.witness, early.may_end_early) == (False, True, "soon")
