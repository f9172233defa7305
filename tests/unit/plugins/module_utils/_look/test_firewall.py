# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._look import firewall
from ansible_collections.preflight.ports.plugins.module_utils._model.passage import BLOCKED, UNKNOWN, Access, Passage
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict


@pytest.fixture
def gate(monkeypatch):
    """Says that no port is open, and keeps what it was asked."""
    asked = []

    def passages(accesses):
        asked.extend(accesses)
        return [[Passage(each.first, each.last, BLOCKED)] for each in accesses]

    monkeypatch.setattr(firewall.gate, "passages", passages)
    return asked


def test_find(gate):
    requirements = parse([{"port": 80, "firewall": "ignore"}, "81-83", "90"])
    verdicts = {
        (1, 82): Verdict(requirements[1], 82, "listening", met=False),
        (2, 90): Verdict(requirements[2], 90, "listening", met=True),
    }
    assert firewall.find(requirements, verdicts) == {
        1: [Passage(81, 81, BLOCKED), Passage(83, 83, BLOCKED)],
        2: [Passage(90, 90, BLOCKED)],
    }
    assert gate == [Access("tcp", each.endpoints, each.first, each.last) for each in requirements[1:]]


def test_find_where_a_port_is_served(gate):
    """Nobody comes by another family; of ports that are served alike, one question is enough."""
    (requirement,) = requirements = parse(["80-84"], state="listening")
    ipv4, ipv6 = requirement.endpoints
    served = {80: (ipv4,), 81: (ipv4,), 82: (ipv4, ipv6), 83: (), 84: (ipv4,)}
    verdicts = {
        (0, port): Verdict(requirement, port, "listening", bool(each), served=each) for port, each in served.items()
    }
    firewall.find(requirements, verdicts)
    assert gate == [
        Access("tcp", (ipv4,), 80, 81),
        Access("tcp", (ipv4, ipv6), 82, 82),
        Access("tcp", (ipv4,), 84, 84),
    ]


@pytest.mark.parametrize(
    ("port", "clients", "is_asked"),
    [
        ("10.0.0.5:80", "10.0.0.0/8", True),
        ("10.0.0.5:80", "10.0.0.0/8, fd00::/8", True),
        ("10.0.0.5:80", "fd00::/8", False),
        ("[fd00::5]:80", "10.0.0.0/8", False),
        ("[::]:80", "10.0.0.0/8", True),
        ("80", "fd00::/8", True),
        ("127.0.0.1:80", "fd00::/8", True),
    ],
)
def test_clients_of_another_version_of_ip_cannot_come(port, clients, is_asked, gate):
    (passage,) = firewall.find(parse([port, "[::1]:81"], clients=clients), {})[0]
    assert (passage.verdict, len(gate)) == ((BLOCKED, 2) if is_asked else (UNKNOWN, 1))


@pytest.mark.parametrize(("is_root", "says"), [(True, None), (False, "become: true")])
def test_unread(is_root, says):
    requirements = parse(["80-81", {"port": 82, "firewall": "warn"}, "127.0.0.1:83"], firewall="fail")
    verdicts = {(0, 81): Verdict(requirements[0], 81, "listening", met=False)}
    found = firewall.unread(requirements, verdicts, is_root)
    (passage,) = found[0]
    assert (passage.first, passage.last, passage.verdict) == (80, 80, UNKNOWN)
    assert says is None or says in passage.advice
    assert not found.get(1)
    assert not found.get(2)


def test_find_nothing(monkeypatch, gate):
    assert firewall.find(parse([{"port": 80, "firewall": "ignore"}]), {}) == {}
    assert gate == []
    monkeypatch.setattr(firewall.gate, "passages", lambda _accesses: None)
    assert firewall.find(parse([80]), {}) is None
