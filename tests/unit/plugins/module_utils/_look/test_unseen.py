# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import bind
from ansible_collections.preflight.ports.plugins.module_utils._look import unseen
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, CONNECTED
from support.records import at, row


@pytest.fixture
def bound():
    """A socket that is bound on all addresses, beside a connection from its port."""
    with socket.socket() as server, socket.socket() as one, socket.socket() as other:
        server.bind(("127.0.0.1", 0))
        server.listen()
        for each in (one, other):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("0.0.0.0", 0))
        other.bind(one.getsockname())
        one.connect(server.getsockname())
        yield other


def test_the_connection_hides_it_on_its_own_address_alone(bound):
    port = bound.getsockname()[1]
    assert bind.probe(Question("tcp", at("127.0.0.1"), port)) == bind.REUSABLE
    assert unseen.has_bound(port, [row(CONNECTED, "127.0.0.1", port)])
    bound.close()
    assert bind.probe(Question("tcp", at("127.0.0.1"), port)) == bind.REUSABLE
    assert not unseen.has_bound(port, [row(CONNECTED, "127.0.0.1", port)])


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        pytest.param([], "127.255.255.254", id="nobody"),
        pytest.param([row(CONNECTED, "127.255.255.254", 80)], "127.255.255.253", id="somebody there"),
        pytest.param([row(BOUND, "0.0.0.0", 80)], None, id="one that is listed"),
        pytest.param([row(CONNECTED, "::1", 80)], "127.255.255.254", id="one over IPv6"),
    ],
)
def test_where_none_of_those_that_are_listed_is(listed, asked, monkeypatch):
    questions = []
    monkeypatch.setattr(bind, "probe", lambda question: questions.append(str(question.endpoint)) or bind.IN_USE)
    assert unseen.has_bound(80, listed) is (asked is not None)
    assert questions == ([asked] if asked else [])


@pytest.mark.parametrize("answer", [bind.FREE, bind.UNAVAILABLE, bind.REFUSED, bind.NO_ANSWER])
def test_other_answers_tell_of_no_socket(answer, monkeypatch):
    monkeypatch.setattr(bind, "probe", lambda _question: answer)
    assert not unseen.has_bound(80, [])
