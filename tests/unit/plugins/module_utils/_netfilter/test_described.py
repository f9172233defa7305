# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.passage import (
    BLOCKED,
    LIMITED,
    NOBODY,
    UNKNOWN,
    Access,
    Network,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.described import passage
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import between, either, without
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Arrival
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import FORWARD, INPUT
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Base
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.walk import Way
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.passages import Judged, Result
from support.nftables import WAN
from support.records import at

HERE, HERE6, CONTAINER = (at(address).address for address in ("192.0.2.1", "2001:db8::1", "172.17.0.2"))
ACCESS = Access("tcp", (at("0.0.0.0"), at("::", True)), 80, 80)
SOME = between(0x0A000000, 0x0AFFFFFF, 32)


def policy(family="ip", hook=INPUT):
    base = Base("iptables", f"{family} filter", {INPUT: "INPUT"}.get(hook, "FORWARD"), hook, 0, (4,), {}.__getitem__)
    return Way(base, (base.name,), ())


def result(address=HERE, way=None, passed=False, dropped=True, doubts=(), sent_to=()):
    return Result(Arrival(address, (WAN,)), True, passed, dropped, way or policy(), doubts, sent_to)


def advice(*results, verdict=BLOCKED, access=ACCESS):
    return passage(access, Judged(80, 80, verdict, results)).advice


def test_each_version_of_ip_is_opened():
    assert advice(result(), result(HERE6, policy("ip6"))) == (
        "Run: iptables -A INPUT -p tcp --dport 80 -j ACCEPT && ip6tables -A INPUT -p tcp --dport 80 -j ACCEPT"
    )


@pytest.mark.parametrize(
    ("way", "sent_to", "expected"),
    [
        pytest.param(policy(), ((HERE, 8000),), "-A INPUT -p tcp --dport 8080 -j ACCEPT", id="another port"),
        pytest.param(
            policy(hook=FORWARD), ((CONTAINER, -60),), "-A FORWARD -d 172.17.0.2 -p tcp --dport 20 -j ACCEPT", id="host"
        ),
        pytest.param(policy(), ((HERE, 1), (HERE, 2)), "-A INPUT -p tcp --dport 80 -j ACCEPT", id="who knows which"),
    ],
)
def test_behind_nat(way, sent_to, expected):
    assert advice(result(way=way, sent_to=sent_to)) == f"Run: iptables {expected}"


@pytest.mark.parametrize(("are_named", "source"), [(True, "-s 10.0.0.0/8 "), (False, "")])
def test_named_clients(are_named, source):
    clients = (Network(b"\x0a\0\0\0", 8), Network(bytes(16), 0))
    access = ACCESS._replace(clients=clients, are_named=are_named)
    assert advice(result(), access=access) == f"Run: iptables -A INPUT {source}-p tcp --dport 80 -j ACCEPT"


def test_whoever_is_let_in_on_purpose_is_to_be_named():
    said = advice(result(passed=SOME, dropped=without(True, SOME)), verdict=LIMITED)
    assert said.startswith("Name in clients those who are to get in, or let in all. Run: iptables")


def test_a_limit_is_left_alone():
    assert advice(result(passed=True, doubts=(Doubt("a rate limit"),)), verdict=LIMITED) is None


def test_where_no_client_can_come():
    found = passage(ACCESS, Judged(80, 80, UNKNOWN, ()))
    assert (found.verdict, found.depends_on, found.advice) == (UNKNOWN, (NOBODY,), None)


def some_networks(count):
    """So many addresses that are no neighbours, as one set."""
    found = False
    for number in range(count):
        found = either(found, between(0x0A000000 + 2 * number, 0x0A000000 + 2 * number, 32))
    return found


def depends_on(*results, access=ACCESS):
    return passage(access, Judged(80, 80, LIMITED, results)).depends_on


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        (SOME, "only from 10.0.0.0/8"),
        (some_networks(4), "only from 10.0.0.0, 10.0.0.2, 10.0.0.4, 10.0.0.6"),
        (some_networks(5), "some get in"),
        (without(True, SOME), "not from 10.0.0.0/8"),
        (without(True, some_networks(4)), "not from 10.0.0.0, 10.0.0.2, 10.0.0.4, 10.0.0.6"),
        (without(True, some_networks(5)), "some get in"),
    ],
)
def test_who_gets_in(passed, expected):
    assert depends_on(result(passed=passed, dropped=without(True, passed))) == (f"the source address: {expected}",)


def test_nobody_is_named_from_whom_nobody_sends():
    half = between(0, 0x7FFFFFFF, 32)
    clients = without(True, half)
    here = result(passed=SOME, dropped=without(clients, SOME))._replace(clients=either(clients, SOME))
    assert depends_on(here) == ("the source address: only from 0.0.0.0/1",)


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (
            [result(dropped=False, passed=True), result(HERE6)],
            "the version of IP: IPv4 is open, IPv6 is blocked",
        ),
        (
            [result(), result(HERE6, dropped=False, passed=True)],
            "the version of IP: IPv6 is open, IPv4 is blocked",
        ),
        (
            [result(), result(CONTAINER, dropped=False, passed=True)],
            "where it comes in: open for 172.17.0.2 on wan0; blocked for 192.0.2.1 on wan0",
        ),
        (
            [result(bytes((10, 0, 0, number))) for number in range(6)] + [result(HERE, dropped=False, passed=True)],
            "where it comes in: open for 192.0.2.1 on wan0; blocked for 10.0.0.0 on wan0, 10.0.0.1 on wan0, 10.0.0.2 on"
            " wan0, 10.0.0.3 on wan0 and 2 more",
        ),
        (
            [result(bytes((10, 0, 0, number))) for number in range(4)] + [result(HERE, dropped=False, passed=True)],
            "where it comes in: open for 192.0.2.1 on wan0; blocked for 10.0.0.0 on wan0, 10.0.0.1 on wan0, 10.0.0.2 on"
            " wan0 and 10.0.0.3 on wan0",
        ),
    ],
)
def test_where_it_is_open(results, expected):
    assert depends_on(*results) == (expected,)


def test_what_is_said_has_an_end():
    doubts = [Doubt(f"doubt {number}") for number in range(12)]
    assert depends_on(result(passed=True, doubts=doubts)) == tuple(f"doubt {number}" for number in range(8))
    for length, shown in ((300, 300), (301, 300)):
        (said,) = depends_on(result(passed=True, doubts=[Doubt("x" * length)]))
        assert (len(said), said.endswith("...")) == (shown, length > 300)


def test_what_is_blocked_depends_on_nothing():
    found = passage(ACCESS, Judged(80, 80, BLOCKED, (result(doubts=[Doubt("chance")]),)))
    assert (found.depends_on, found.chain, found.rule) == ((), "ip filter INPUT", "-P INPUT DROP")


def test_the_way_names_its_first_and_its_last_chain():
    long_way = policy()._replace(chains=("INPUT", "one", "two", "three"))
    found = passage(ACCESS, Judged(80, 80, BLOCKED, (result(way=long_way),)))
    assert (found.chain, found.rule) == ("ip filter INPUT > three", "-P three DROP")


def test_clients_of_one_version_of_ip_are_let_in_there():
    access = ACCESS._replace(clients=(Network(bytes(15) + b"\x07", 128), Network(b"\x0a\0\0\x07", 32)))
    assert advice(result(HERE6, policy("ip6")), access=access) == (
        "Run: ip6tables -A INPUT -s ::7 -p tcp --dport 80 -j ACCEPT"
    )
