# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import (
    REDIRECTED,
    UNAVAILABLE,
    UNKNOWN,
    Finding,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, CONNECTED, LISTENING, packed
from ansible_collections.preflight.ports.plugins.module_utils._verdict.served import judge_served
from support.records import APACHE, CURL, DOCKER_RULE, PERHAPS, WEB, census_of, row, want

FREE = "free"
KNOWN = census_of(APACHE, CURL)
NOTHING, ABSENT = Finding(FREE), Finding(UNAVAILABLE)


def by(process, state=LISTENING, address="0.0.0.0", **rest):
    return row(state, address, inode=process.pid, **rest)


def found(*sockets, state=LISTENING):
    return Finding(state, sockets)


def judged(entry, *findings, **rest):
    return judge_served(want(entry, state="listening", **rest), 80, findings, KNOWN)


def names(holders):
    return [holder.process and holder.process.name for holder in holders]


@pytest.mark.parametrize(
    ("entry", "findings", "held_by", "state", "met"),
    [
        pytest.param(80, [NOTHING, NOTHING], [], FREE, False, id="nobody"),
        pytest.param(80, [found(by(APACHE)), NOTHING], [], LISTENING, True, id="one of the families will do"),
        pytest.param(80, [found(by(APACHE)), ABSENT], [], LISTENING, True, id="the host lacks the other family"),
        pytest.param(80, [found(by(APACHE, address="127.0.0.1")), NOTHING], [], LISTENING, True, id="any address"),
        pytest.param(80, [ABSENT, ABSENT], [], UNAVAILABLE, False, id="no family at all"),
        pytest.param(80, [found(by(APACHE, BOUND), state=BOUND), NOTHING], [], BOUND, False, id="not yet"),
        pytest.param(
            80, [found(by(CURL, CONNECTED), state=CONNECTED), NOTHING], [], CONNECTED, False, id="a connection"
        ),
        pytest.param(80, [Finding(UNKNOWN), NOTHING], [], UNKNOWN, False, id="unknown"),
        pytest.param("10.0.0.5:80", [ABSENT], [], UNAVAILABLE, False, id="the address is not here"),
        pytest.param(
            "10.0.0.5:80",
            [found(by(APACHE), state=UNAVAILABLE)],
            [],
            UNAVAILABLE,
            False,
            id="nor is it with a wildcard",
        ),
        pytest.param(
            "0.0.0.0:80", [found(by(APACHE, address="127.0.0.1"))], [], LISTENING, False, id="one address is not all"
        ),
        pytest.param("127.0.0.1:80", [found(by(APACHE))], [], LISTENING, True, id="all are this one too"),
        pytest.param("[::1]:80", [found(by(APACHE, address="::", v6only=False))], [], LISTENING, True, id="dual-stack"),
        pytest.param(
            "[::]:80", [found(by(APACHE, address="::", v6only=True))], [], LISTENING, False, id=":: without IPv4"
        ),
        pytest.param("[::]:80", [found(by(APACHE, address="::", v6only=False))], [], LISTENING, True, id=":: with it"),
        pytest.param("[::]:80", [found(PERHAPS)], [], LISTENING, False, id=":: perhaps with it"),
        pytest.param(
            "[::]:80",
            [found(by(APACHE, address="::", v6only=True), by(APACHE))],
            [],
            LISTENING,
            True,
            id=":: with a socket for each version of IP",
        ),
        pytest.param(
            "[::]:80",
            [found(by(APACHE, address="::", v6only=True), by(APACHE, address="127.0.0.1"))],
            [],
            LISTENING,
            False,
            id=":: with one address of IPv4",
        ),
        pytest.param(
            "80/udp", [found(by(APACHE, BOUND, protocol="udp"), state=BOUND), NOTHING], [], BOUND, True, id="UDP"
        ),
        pytest.param(
            "80/udp",
            [found(by(APACHE, CONNECTED, protocol="udp"), state=CONNECTED), NOTHING],
            [],
            CONNECTED,
            False,
            id="UDP connected",
        ),
        pytest.param(80, [found(by(APACHE)), NOTHING], ["apache2"], LISTENING, True, id="the allowed one"),
        pytest.param(80, [found(by(APACHE)), NOTHING], ["nginx"], LISTENING, False, id="another one"),
        pytest.param(
            80, [found(by(CURL), by(APACHE)), NOTHING], ["apache2"], LISTENING, False, id="two share it: SO_REUSEPORT"
        ),
        pytest.param(
            80,
            [found(by(APACHE)), found(by(CURL, address="::", v6only=True))],
            ["apache2"],
            LISTENING,
            False,
            id="another one has the other family",
        ),
        pytest.param(
            80,
            [found(by(APACHE)), found(by(APACHE, address="::", v6only=True))],
            ["apache2"],
            LISTENING,
            True,
            id="it has both families",
        ),
        pytest.param(
            "0.0.0.0:80",
            [found(by(APACHE), by(CURL, address="127.0.0.1"))],
            ["apache2"],
            LISTENING,
            False,
            id="another one has one of the addresses",
        ),
        pytest.param(
            "10.0.0.5:80",
            [found(by(APACHE, address="10.0.0.5"))],
            ["apache2"],
            LISTENING,
            True,
            id="nobody else is met on this address",
        ),
        pytest.param(80, [found(row(LISTENING, inode=7)), NOTHING], ["*"], LISTENING, False, id="a hidden process"),
    ],
)
def test_judge_served(entry, findings, held_by, state, met):
    verdict = judged(entry, *findings, held_by=held_by)
    assert (verdict.state, verdict.met, verdict.is_held) == (state, met, False)


def test_judge_served_names_the_strangers():
    verdict = judged(80, found(by(CURL), by(APACHE)), NOTHING, held_by=["apache2"])
    assert names(verdict.strangers) == ["curl"]
    assert names(verdict.holders) == ["curl", "apache2"]


def test_judge_served_knows_no_strangers_where_nobody_is_asked_for():
    assert judged(80, found(by(CURL), by(APACHE)), NOTHING).strangers == ()


RULE = DOCKER_RULE._replace(container=WEB)
BACKEND = by(APACHE, address="172.17.0.2")
GONE = Finding(REDIRECTED, (), RULE)
ANSWERED = Finding(REDIRECTED, (), RULE, (BACKEND,))


@pytest.mark.parametrize(
    ("entry", "findings", "held_by", "state", "met"),
    [
        pytest.param(80, [ANSWERED, ANSWERED], [], LISTENING, True, id="somebody answers there"),
        pytest.param(80, [GONE, GONE], [], REDIRECTED, False, id="nobody is known to answer there"),
        pytest.param(80, [GONE, GONE], ["container:web"], LISTENING, True, id="its container is allowed"),
        pytest.param(80, [GONE, GONE], ["nat:DOCKER"], LISTENING, True, id="the rule is allowed"),
        pytest.param(80, [ANSWERED, NOTHING], ["apache2"], LISTENING, True, id="who answers is allowed"),
        pytest.param(80, [ANSWERED, NOTHING], ["nginx"], REDIRECTED, False, id="somebody else answers"),
        pytest.param(
            "10.0.0.5:80",
            [Finding(LISTENING, (by(CURL, address="10.0.0.5"),), RULE)],
            ["curl"],
            REDIRECTED,
            False,
            id="clients do not get the socket here",
        ),
        pytest.param(
            "10.0.0.5:80",
            [Finding(LISTENING, (by(CURL, address="10.0.0.5"),), RULE, (BACKEND,))],
            ["apache2"],
            LISTENING,
            True,
            id="clients get the allowed one, whoever listens here",
        ),
        pytest.param(
            80,
            [Finding(LISTENING, (by(CURL),), RULE, (BACKEND,)), NOTHING],
            ["apache2"],
            LISTENING,
            False,
            id="the rule may be about one of the addresses, and another one serves the rest",
        ),
        pytest.param(
            80,
            [Finding(LISTENING, (by(CURL),), RULE._replace(is_total=True), (BACKEND,)), NOTHING],
            ["apache2"],
            LISTENING,
            True,
            id="the rule is about all addresses, so that no client gets the socket here",
        ),
    ],
)
def test_judge_served_where_nat_rules_take_the_traffic(entry, findings, held_by, state, met):
    verdict = judged(entry, *findings, held_by=held_by)
    assert (verdict.state, verdict.met) == (state, met)


OTHER = "198.51.100.2"
TO_ONE = RULE._replace(spared=(packed(OTHER),), address="192.0.2.1")


@pytest.mark.parametrize(
    ("address", "met"),
    [
        pytest.param("0.0.0.0", True, id="a wildcard serves it"),
        pytest.param(OTHER, True, id="it is served alone"),
        pytest.param("192.0.2.1", False, id="only the other one is served"),
    ],
)
def test_judge_served_on_an_address_that_rules_leave_alone(address, met):
    here = Finding(LISTENING, (by(CURL, address=address),), TO_ONE)
    verdict = judged(80, here, NOTHING)
    assert (verdict.met, list(map(str, verdict.served))) == (met, [OTHER] if met else [])
    assert not judged("0.0.0.0:80", here).met, "it is to serve all addresses"


def test_judge_served_by_the_device_that_has_the_address():
    """Two DHCP servers, or the like, each on a device of its own."""
    servers = (by(APACHE, interface="eth0"), by(CURL, interface="eth1"))
    there = Finding(LISTENING, servers, device="eth0")
    assert judged("10.0.0.5:80", there, held_by=["apache2"]).met
    assert not judged("10.0.0.5:80", there, held_by=["curl"]).met
    assert not judged("10.0.0.5:80", Finding(LISTENING, servers[1:], device="eth0")).met
    assert judged(80, there, NOTHING).met


def test_judge_served_names_who_answers_instead():
    verdict = judged(80, ANSWERED, NOTHING, held_by=["nginx"])
    assert [holder.redirect for holder in verdict.holders] == [RULE]
    assert names(verdict.answering) == names(verdict.strangers) == ["apache2"]


@pytest.mark.parametrize(
    ("held_by", "state", "met"), [(["apache2"], REDIRECTED, False), ([], LISTENING, True)], ids=["by one", "by anybody"]
)
def test_a_family_that_strangers_answer(held_by, state, met):
    """Clients of IPv4 are sent to somebody whom this host does not know."""
    away = Finding(REDIRECTED, redirect=RULE, strangers_answer=True)
    here = Finding(LISTENING, (row(LISTENING, "::", v6only=True, inode=APACHE.pid),))
    verdict = judged(80, away, here, held_by=held_by)
    assert (verdict.state, verdict.met) == (state, met)


def test_who_answers_some_clients_must_be_allowed():
    """IPv4 is sent to a port of this host where only one address has a server."""
    sent = Finding(REDIRECTED, redirect=RULE, answering=(BACKEND,), answered_in_part=True)
    here = Finding(LISTENING, (row(LISTENING, "::", v6only=True, inode=CURL.pid),))
    assert not judged(80, sent, here, held_by=["curl"]).met
    assert judged(80, sent, here, held_by=["curl", "apache2"]).met
    assert not judged("0.0.0.0:80", sent, held_by=["apache2"]).met


@pytest.mark.parametrize(
    ("address", "expected"),
    [("0.0.0.0", ["0.0.0.0"]), ("10.0.0.5", ["10.0.0.5"]), ("::1", ["::1"])],
    ids=["all of IPv4", "one address", "one of IPv6"],
)
def test_judge_served_says_where(address, expected):
    here = Finding(LISTENING, (row(LISTENING, address, v6only=True if ":" in address else None, inode=APACHE.pid),))
    findings = (NOTHING, here) if ":" in address else (here, NOTHING)
    assert list(map(str, judged(80, *findings).served)) == expected
