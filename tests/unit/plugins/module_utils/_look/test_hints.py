# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import census
from ansible_collections.preflight.ports.plugins.module_utils._kernel import addresses, bind
from ansible_collections.preflight.ports.plugins.module_utils._look import hints
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import UNAVAILABLE
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Holder
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import CONNECTED, LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import Source
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict
from support.records import APACHE, CURL, at, census_of, row, want

FREE = "free"


def by(process, state=LISTENING, address="0.0.0.0", port=80, **rest):
    return row(state, address, port, inode=process.pid, **rest)


@pytest.fixture
def hinted(monkeypatch):
    """The verdict with its hints, on a host with these sockets and addresses."""

    def added(
        verdict, *sockets, own=("127.0.0.1", "fe80::1", "10.0.0.5", "10.0.0.6"), taken=(), sent_away=(), has_ipv6=True
    ):
        def read(protocol, first, last, states):
            return [
                held for held in sockets if held.protocol == protocol and first <= held.port <= last
                and held.state in states
            ]  # fmt: skip

        def probe(question):
            return bind.IN_USE if str(question.endpoint) in taken else bind.FREE

        monkeypatch.setattr(addresses, "read", lambda: [(2, at(address).address) for address in own])
        monkeypatch.setattr(bind, "probe", probe)
        monkeypatch.setattr(
            hints.gate, "find", lambda asked: {each: True for each in asked if str(each.endpoint) in sent_away}
        )
        monkeypatch.setattr(census, "take", lambda _sockets: census_of(APACHE, CURL))
        monkeypatch.setattr(hints, "host_has_ipv6", lambda: has_ipv6)
        return hints.added({(0, verdict.port): verdict}, Source("fake", read, None, True))[0, verdict.port]

    return added


def missed(entry=80, state=FREE, **rest):
    return Verdict(want(entry, state="listening", **rest), 80, state, met=False)


@pytest.mark.parametrize(
    ("entry", "sockets", "expected"),
    [
        pytest.param("10.0.0.5:80", [by(APACHE, address="127.0.0.1")], ("127.0.0.1",), id="another address"),
        pytest.param("10.0.0.5:80", [by(APACHE, address="127.0.0.1", port=81)], (), id="another port"),
        pytest.param("0.0.0.0%eth1:80", [by(APACHE, interface="eth0")], ("0.0.0.0 on eth0",), id="another device"),
        pytest.param("10.0.0.5:80", [by(CURL, CONNECTED, "10.0.0.6")], (), id="a connection"),
        pytest.param(80, [by(APACHE, address="127.0.0.1")], (), id="no address was asked for"),
    ],
)
def test_where_it_listens_instead_of_the_address(entry, sockets, expected, hinted):
    assert hinted(missed(entry), *sockets).elsewhere == expected


def taken(address, entry=80):
    holder = Holder((address,), "tcp", LISTENING, APACHE, (APACHE,), 0, "root")
    return Verdict(want(entry), 80, LISTENING, met=False, holders=(holder,))


@pytest.mark.parametrize(
    ("verdict", "others", "expected"),
    [
        pytest.param(taken("127.0.0.53"), (), "10.0.0.5", id="the first of this host"),
        pytest.param(taken("10.0.0.5"), ("10.0.0.5",), "10.0.0.6", id="the next one"),
        pytest.param(taken("10.0.0.5"), ("10.0.0.5", "10.0.0.6"), None, id="taken on all"),
        pytest.param(taken("0.0.0.0"), (), None, id="the holder has every address"),
        pytest.param(taken("10.0.0.5", "10.0.0.5:80"), (), None, id="the address was asked for"),
    ],
)
def test_where_the_port_is_free(verdict, others, expected, hinted):
    assert hinted(verdict, taken=others).free_on == expected
    assert hinted(verdict, sent_away=others).free_on == expected, "NAT rules send elsewhere what comes for the others"


@pytest.mark.parametrize(
    ("held_by", "sockets", "expected"),
    [
        pytest.param(["apache2"], [by(APACHE, port=8080), by(CURL, port=81)], ("8080/tcp",), id="another port"),
        pytest.param(
            ["apache2"], [by(APACHE, port=port) for port in (84, 83, 82, 81)], ("81/tcp", "82/tcp", "83/tcp"), id="many"
        ),
        pytest.param(["apache2"], [by(APACHE)], (), id="the port itself"),
        pytest.param(["apache2"], [by(APACHE, CONNECTED, port=81)], (), id="a connection"),
        pytest.param([], [by(APACHE, port=81)], (), id="nobody is asked for"),
    ],
)
def test_which_port_the_allowed_one_has_instead(held_by, sockets, expected, hinted):
    assert hinted(missed(held_by=held_by), *sockets).instead == expected


@pytest.mark.parametrize(
    ("entry", "has_ipv6", "expected"),
    [
        pytest.param("[::1]:80", False, True, id="no IPv6"),
        pytest.param("[::1]:80", True, False, id="IPv6, without the address"),
        pytest.param("10.0.0.9:80", False, False, id="IPv4"),
    ],
)
def test_a_host_without_ipv6(entry, has_ipv6, expected, hinted):
    verdict = Verdict(want(entry), 80, UNAVAILABLE, met=False)
    assert hinted(verdict, has_ipv6=has_ipv6).lacks_family is expected


def test_what_is_as_required_needs_no_hints(hinted, monkeypatch):
    met = Verdict(want(80, state="listening"), 80, LISTENING, met=True)
    monkeypatch.setattr(hints, "table", lambda _questions, _source, _states: {})
    assert hinted(met) == met
