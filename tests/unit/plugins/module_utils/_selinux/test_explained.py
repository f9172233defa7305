# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.denial import NAME_BIND, NODE_BIND, Denial, Switch
from ansible_collections.preflight.ports.plugins.module_utils._selinux import booleans, explained, sepol, transitions
from ansible_collections.preflight.ports.plugins.module_utils._selinux.binding import Wish

DENIED = Denial(81, 81, "web_t", NAME_BIND, True, "odd_port_t")
WISH = Wish("web_t", "tcp", (), [81])


@pytest.fixture
def rules(monkeypatch):
    monkeypatch.setattr(sepol, "in_rules", lambda policy, ask: ask(policy.decode()))
    monkeypatch.setattr(booleans, "switches", lambda _cil, questions: [[["open", True, 2]] for _each in questions])
    monkeypatch.setattr(transitions, "entered", lambda _cil, domain: [f"{domain}_script"])
    monkeypatch.setattr(explained, "is_servers", lambda _denial, _protocol, entered, _labels: bool(entered))


def ask(found, wish=WISH):
    return explained.explained({0: found}, {0: wish}, b"policy", None)[0]


def test_a_boolean(rules):
    assert ask([DENIED]) == [DENIED._replace(switches=(Switch("open", True, 2),))]


def test_of_what_else_is_denied_no_rule_is_read(monkeypatch):
    monkeypatch.setattr(sepol, "in_rules", lambda *_arguments: pytest.fail("nobody reads them"))
    denied = DENIED._replace(permission=NODE_BIND)
    assert ask([denied]) == [denied]


def test_a_unit(rules, monkeypatch):
    (found,) = ask([DENIED], WISH._replace(unit="web.service"))
    assert found.unit == "web.service"
    monkeypatch.setattr(explained, "is_servers", lambda *_arguments: False)
    assert ask([DENIED], WISH._replace(unit="web.service")) == []


def test_a_socket_unit(rules, monkeypatch):
    monkeypatch.setattr(explained, "is_servers", lambda *_arguments: pytest.fail("init binds the port"))
    wish = WISH._replace(unit="web.socket", is_socket=True)
    assert [each.unit for each in ask([DENIED], wish)] == ["web.socket"]
    assert ask([DENIED._replace(permission=NODE_BIND)], wish) == []


def test_rules_that_cannot_be_read(rules, monkeypatch):
    def fail(*_arguments):
        raise sepol.SepolError("too old")

    monkeypatch.setattr(sepol, "in_rules", fail)
    assert ask([DENIED]) == [DENIED]
    assert ask([DENIED], WISH._replace(unit="web.service")) == []
