# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import bind
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, CONNECTED, LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._table.dual_stack import resolve
from support.records import at, row

UNCLEAR = row(LISTENING, "::")
DUAL_STACK, V6ONLY = row(LISTENING, "::", v6only=False), row(LISTENING, "::", v6only=True)
IPV4 = row(LISTENING, "127.0.0.1")
LAST_ADDRESS = "127.255.255.254"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(bind.IN_USE, DUAL_STACK, id="in the way"),
        pytest.param(bind.FREE, V6ONLY, id="not in the way"),
        pytest.param(bind.REUSABLE, V6ONLY, id="a listener would be in the way of SO_REUSEADDR, too"),
        pytest.param(bind.NO_ANSWER, UNCLEAR, id="no right to ask"),
        pytest.param(bind.UNAVAILABLE, UNCLEAR, id="no such loopback address"),
    ],
)
def test_resolve(answer, expected, monkeypatch):
    asked = []
    monkeypatch.setattr(bind, "probe", lambda question: asked.append(question) or answer)
    assert resolve([IPV4, UNCLEAR], all_seen=True) == [IPV4, expected]
    assert asked == [Question("tcp", at(LAST_ADDRESS), 80)]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(bind.IN_USE, UNCLEAR, id="it or another one is in the way"),
        pytest.param(bind.FREE, V6ONLY, id="nobody is in the way"),
        pytest.param(bind.REUSABLE, V6ONLY, id="no listener is in the way"),
    ],
)
def test_resolve_where_there_may_be_others(answer, expected, monkeypatch):
    monkeypatch.setattr(bind, "probe", lambda *_question: answer)
    assert resolve([IPV4, UNCLEAR], all_seen=False) == [IPV4, expected]


def test_resolve_on_an_address_that_nobody_has(monkeypatch):
    asked = []
    monkeypatch.setattr(bind, "probe", lambda question: asked.append(question) or bind.FREE)
    resolve([row(CONNECTED, LAST_ADDRESS), UNCLEAR], all_seen=True)
    assert asked == [Question("tcp", at("127.255.255.253"), 80)]


@pytest.mark.parametrize(
    "sockets",
    [
        pytest.param([IPV4, V6ONLY], id="all is clear"),
        pytest.param([row(LISTENING, "0.0.0.0"), UNCLEAR], id="somebody has every address"),
        pytest.param([row(BOUND, "::"), UNCLEAR], id="two that may be in the way"),
        pytest.param([IPV4, row(CONNECTED, "::1")], id="a connection"),
    ],
)
def test_resolve_asks_nobody(sockets, monkeypatch):
    monkeypatch.setattr(bind, "probe", None)
    assert resolve(sockets, all_seen=True) == sockets


@pytest.mark.parametrize(("v6only", "expected"), [(True, True), (False, False)])
def test_resolve_by_bind_itself(v6only, expected):
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=not v6only) as server:
        port = server.getsockname()[1]
        with socket.socket() as other:
            if v6only:
                other.bind(("127.0.0.1", port))
            (held,) = resolve([row(LISTENING, "::", port=port)], all_seen=True)
    assert held.endpoint.v6only is expected
