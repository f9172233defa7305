# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client says and what the target saw, as one state."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._reach.visits import ARRIVED, ASKED, FINISHED, PASSED
from ansible_collections.preflight.ports.plugins.plugin_utils._reach import judge
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.answers import (
    End,
    Port,
    Rules,
    Seen,
    Started,
    Tried,
)

CLIENT, ROUTER = End("10.0.0.1", 40000), End("10.0.0.254", 40000)
BOUND, TAKEN = Port("bound", "", None), Port("taken", "", "nginx")


def target(port=BOUND, visits=None, witness=True, missed=0, ran=True, early=None, protocol="tcp"):
    started = Started(True, {(protocol, 80): port}, witness, early)
    seen = Seen(ran, witness, missed, {(protocol, 80): visits} if visits else {})
    return judge.Target(True, started, seen, None, frozenset([CLIENT]))


def state(tried, side, protocol="tcp"):
    found = judge.judge(protocol, 80, Tried(tried, 1.0, "said", "10.0.0.9", CLIENT), side)
    return found.state, found.at_target


@pytest.mark.parametrize(
    ("tried", "stage", "found"),
    [
        ("no_answer", None, ("lost", False)),
        ("no_answer", ARRIVED, ("dropped_by_host", True)),
        ("no_answer", PASSED, ("reply_lost", False)),
        ("no_answer", ASKED, ("reply_lost", False)),
        ("rejected", ARRIVED, ("rejected", True)),
        ("rejected", None, ("rejected", False)),
        ("refused", ARRIVED, ("refused", True)),
        ("refused", PASSED, ("refused", False)),
        ("wrong_peer", None, ("wrong_peer", False)),
        ("wrong_peer", PASSED, ("stalled", False)),
        ("wrong_peer", FINISHED, ("reply_lost", False)),
        ("stalled", ASKED, ("stalled", False)),
        ("open", FINISHED, ("open", False)),
        ("no_route", None, ("no_route", False)),
    ],
)
def test_with_a_witness(tried, stage, found):
    assert state(tried, target(visits=None if stage is None else {CLIENT: stage})) == found


SENT = Rules(True, sent_to="10.0.0.5:80")
WALL = Rules(False, "ufw", "-A ufw-user-input -j DROP", "ufw allow 80/tcp")


def explained(tried, stage, rules, source=CLIENT):
    side = target(visits={source: stage})
    side = side._replace(seen=side.seen._replace(rules={("tcp", 80, source.address): rules}))
    return judge.judge("tcp", 80, Tried(tried, 1.0, "said: guessed", "10.0.0.9", CLIENT), side)


@pytest.mark.parametrize(
    ("tried", "stage", "source", "is_named"),
    [
        ("no_answer", ARRIVED, CLIENT, True),
        ("no_answer", ARRIVED, ROUTER, True),
        ("rejected", ARRIVED, CLIENT, True),
        ("answered", ARRIVED, CLIENT, True),
        ("no_answer", PASSED, CLIENT, False),
    ],
)
def test_the_rule_is_named_where_the_targets_own_firewall_is_the_cause(tried, stage, source, is_named):
    found = explained(tried, stage, WALL, source)
    assert (found.by, found.rule, found.advice) == (WALL[1:4] if is_named else (None, None, None))


def test_a_firewall_behind_nat_is_the_cause():
    found = explained("no_answer", ARRIVED, WALL._replace(sent_to="10.0.0.5:80"))
    assert (found.state, found.at_target, found.rule) == ("dropped_by_host", True, WALL.rule)


def test_the_rule_of_another_client_is_not_named():
    side = target(visits={CLIENT: ARRIVED})
    side = side._replace(seen=side.seen._replace(rules={("tcp", 80, ROUTER.address): WALL}))
    found = judge.judge("tcp", 80, Tried("no_answer", 1.0, "said", "10.0.0.9", CLIENT), side)
    assert (found.state, found.rule) == ("dropped_by_host", None)


@pytest.mark.parametrize(
    ("tried", "rules", "state", "said"),
    [
        ("no_answer", Rules(True), "dropped_by_host", "it reached the target, and no rule of its firewall stops it"),
        ("refused", Rules(True), "refused", "said; it reached the target, and no rule of its firewall stops it"),
        (
            "refused",
            Rules(True, sent_to="10.0.0.5:80"),
            "refused",
            "said; NAT rules of the target send it to 10.0.0.5:80",
        ),
        (
            "no_answer",
            Rules(True, sent_to="10.0.0.5:80"),
            "no_answer",
            "said; NAT rules of the target send it to 10.0.0.5:80",
        ),
    ],
)
def test_where_no_rule_of_the_firewall_is_the_cause(tried, rules, state, said):
    found = explained(tried, ARRIVED, rules)
    assert (found.state, found.reason, found.at_target) == (state, said, False)


def test_without_a_witness():
    assert state("no_answer", target(witness=False)) == ("no_answer", False)
    assert state("no_answer", target(missed=3)) == ("no_answer", False)


def test_translated_by_a_router_that_keeps_the_port():
    assert state("no_answer", target(visits={ROUTER: ARRIVED})) == ("dropped_by_host", True)


def test_somebody_unknown_came_so_nothing_is_called_lost():
    assert state("no_answer", target(visits={End("10.0.0.254", 1): ARRIVED})) == ("no_answer", False)


def test_a_responder_that_ended_early_says_nothing():
    for tried in ("refused", "no_answer", "wrong_peer", "rejected"):
        assert state(tried, target(ran=False)) == ("not_tested", False)
    assert state("open", target(ran=False)) == ("open", False)


def test_why_it_ended_early():
    side = target(ran=False, early="the session ended")
    assert "the session ended" in judge.judge("tcp", 80, Tried("refused", 1.0), side).reason


@pytest.mark.parametrize(
    ("tried", "visits", "protocol", "found"),
    [
        ("served", {CLIENT: PASSED}, "tcp", ("served", False)),
        ("served", None, "tcp", ("wrong_peer", False)),
        ("answered", {CLIENT: PASSED}, "tcp", ("answered", False)),
        ("answered", {CLIENT: ARRIVED}, "tcp", ("refused", True)),
        ("answered", None, "tcp", ("refused", False)),
        ("no_answer", {CLIENT: PASSED}, "udp", ("not_tested", False)),
        ("no_answer", {CLIENT: PASSED}, "tcp", ("reply_lost", False)),
    ],
)
def test_where_the_port_is_taken(tried, visits, protocol, found):
    assert state(tried, target(TAKEN, visits, protocol=protocol), protocol) == found


def test_the_holder_is_named():
    side = target(TAKEN, {CLIENT: PASSED})
    assert "nginx" in judge.judge("tcp", 80, Tried("served", 1.0, "", None, CLIENT), side).reason


def test_the_responder_of_another_run():
    assert state("served", target(Port("taken", "", "port_responder"))) == ("not_tested", False)


def test_a_port_that_could_not_be_bound():
    side = target(Port("refused", "use become", None), witness=False)
    assert "use become" in judge.judge("tcp", 80, Tried("no_answer", 1.0, "no answer", None, CLIENT), side).reason


def test_of_ipv6_all_of_the_address_stays():
    tried = Tried("refused", 1.0, "fd00::9 answered: something rejects it", "fd00::9", CLIENT)
    found = judge.judge("udp", 80, tried, target(visits={CLIENT: ARRIVED}, protocol="udp"))
    assert found.reason.startswith("fd00::9 answered; it reached the target")


@pytest.mark.parametrize("tried", ["served", "refused", "no_answer", "open"])
def test_a_name_that_leads_the_client_to_itself(tried):
    itself = Tried(tried, 1.0, "said", "127.0.1.1", End("127.0.1.1", 40000))
    found = judge.judge("tcp", 80, itself, target())
    assert (found.state, "itself (127.0.1.1)" in found.reason) == ("not_tested", True)


@pytest.mark.parametrize(
    ("witness", "stage", "expected"),
    [
        (False, None, "not_tested"),
        (True, PASSED, "not_tested"),
        (True, None, "lost"),
        (True, ARRIVED, "dropped_by_host"),
    ],
)
def test_a_silent_service_over_udp(witness, stage, expected):
    visits = None if stage is None else {CLIENT: stage}
    assert state("no_answer", target(TAKEN, visits, witness, protocol="udp"), "udp")[0] == expected


@pytest.mark.parametrize(("witness", "expected"), [(False, "not_tested"), (True, "answered")])
def test_a_reset_of_a_port_that_is_taken(witness, expected):
    """Its service may have another address, or a firewall answers in its place."""
    assert state("answered", target(TAKEN, {CLIENT: PASSED} if witness else None, witness))[0] == expected


def test_a_responder_that_did_not_read():
    assert state("no_answer", target(visits={CLIENT: PASSED}, protocol="udp"), "udp")[0] == "not_tested"


def test_a_service_that_does_not_accept():
    found = judge.judge("tcp", 80, Tried("no_answer", 1.0, "x", "10.0.0.9", CLIENT), target(TAKEN, {CLIENT: PASSED}))
    assert (found.state, "does not accept" in found.reason, "Recv-Q" in found.advice) == ("reply_lost", True, True)


def test_outside_the_play_the_client_is_believed():
    assert state("no_answer", judge.Target()) == ("no_answer", False)


def test_answered_is_enough_to_a_host_of_the_play():
    assert judge.is_met("open", "answered", True)
    assert not judge.is_met("open", "answered", False)
    assert judge.is_met("closed", "answered", True)


@pytest.mark.parametrize(
    ("stage", "said"), [(ARRIVED, "whose own firewall rejects it"), (None, "before it rejects it")]
)
def test_a_reset_has_one_explanation(stage, said):
    reason = "the connection was reset although the responder is up: something on the way rejects it"
    visits = None if stage is None else {CLIENT: stage}
    found = judge.judge("tcp", 80, Tried("refused", 1.0, reason, "10.0.0.9", CLIENT), target(visits=visits))
    assert found.reason.count("rejects it") == 1
    assert said in found.reason


@pytest.mark.parametrize(
    ("tried", "port", "stage", "protocol", "reason"),
    [
        ("no_answer", BOUND, ARRIVED, "tcp", "it reached the target, which dropped it before any server"),
        ("no_answer", TAKEN, PASSED, "udp",
         "it was delivered to the service (nginx), which need not answer a stranger over UDP"),
        ("no_answer", TAKEN, PASSED, "tcp", "it got through to the target; the service (nginx) does not accept it, or "
         "its answer did not come back"),
        ("no_answer", BOUND, PASSED, "udp", "it got through to the target, but nothing is known to have read it"),
        ("no_answer", BOUND, ASKED, "udp", "it got through to the target, the answer did not come back"),
        ("no_answer", BOUND, None, "tcp", "said: why; nothing of it reached the target"),
        ("refused", BOUND, ARRIVED, "tcp", "said; it reached the target, whose own firewall rejects it"),
        ("refused", BOUND, None, "tcp",
         "said; nothing of it reached the target, so something before it rejects it"),
        ("rejected", BOUND, ARRIVED, "tcp", "said: why; it reached the target, whose own firewall rejects it"),
        ("rejected", BOUND, None, "tcp", "said: why; nothing of it reached the target"),
        ("refused", BOUND, PASSED, "tcp", "said: why"),
        ("served", TAKEN, PASSED, "tcp", "the service on the target (nginx) answered"),
        ("served", TAKEN, None, "tcp", "a connection was accepted, but nothing of it reached the target"),
        ("served", BOUND, PASSED, "tcp", "said: why"),
        ("wrong_peer", BOUND, ASKED, "tcp", "the responder read the question, its answer did not come back"),
        ("wrong_peer", BOUND, None, "tcp", "said: why"),
    ],
)  # fmt: skip
def test_reasons(tried, port, stage, protocol, reason):
    side = target(port, None if stage is None else {CLIENT: stage}, protocol=protocol)
    assert judge.judge(protocol, 80, Tried(tried, 1.0, "said: why", "10.0.0.9", CLIENT), side).reason == reason


def test_a_taken_port_that_nothing_watches():
    found = judge.judge(
        "udp", 80, Tried("no_answer", 1.0, "said", "10.0.0.9", CLIENT), target(TAKEN, witness=False, protocol="udp")
    )
    assert found.reason == (
        "nothing watches, and the port has the service (nginx), which need not answer a stranger over UDP"
    )
    found = judge.judge(
        "tcp", 80, Tried("answered", 1.0, "a reset: why", "10.0.0.9", CLIENT), target(TAKEN, witness=False)
    )
    assert found.reason == "a reset although a service (nginx) has the port; nothing watches"


def test_of_several_visits_by_a_router_the_one_that_came_farthest_counts():
    other = End("10.0.0.253", 40000)
    assert state("no_answer", target(visits={ROUTER: ARRIVED, other: PASSED})) == ("reply_lost", False)
    side = target(visits={ROUTER: PASSED})._replace(clients=frozenset([CLIENT, ROUTER]))
    assert state("no_answer", side) == ("lost", False)


def test_nothing_is_known_of_the_target():
    side = judge.Target(True, problem="it could not be asked")
    found = judge.judge("tcp", 80, Tried("refused", 1.0, "said", "10.0.0.9", CLIENT), side)
    assert (found.state, found.reason) == ("not_tested", "nothing is known of the target: it could not be asked")
    side = target(ran=False)._replace(problem="it was killed")
    found = judge.judge("tcp", 80, Tried("refused", 1.0, "said", "10.0.0.9", CLIENT), side)
    assert found.reason == "the responder did not run to the end: it was killed"
    found = judge.judge("tcp", 80, Tried("refused", 1.0, "said", "10.0.0.9", CLIENT), target(ran=False))
    assert found.reason.endswith("its time was over (port_reach_seconds), or somebody ended it")
    for told in ("unresolved", "no_host", "no_route", "not_tested"):
        found = judge.judge("tcp", 80, Tried(told, 1.0, "said"), judge.Target(True, problem="gone"))
        assert (found.state, found.reason) == (told, "said")
