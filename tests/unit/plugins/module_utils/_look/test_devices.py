# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import addresses
from ansible_collections.preflight.ports.plugins.module_utils._look import devices
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import Finding
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from support.records import at

HAS = [(2, "10.0.0.5"), (3, "10.0.0.6"), (2, "10.0.0.7"), (3, "10.0.0.7"), (9, "10.0.0.9")]


def name(number):
    if number == 9:
        raise OSError
    return f"eth{number}"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("10.0.0.5", "eth2", id="one has it"),
        pytest.param("::ffff:10.0.0.6", "eth3", id="mapped"),
        pytest.param("10.0.0.7", None, id="two have it"),
        pytest.param("10.0.0.8", None, id="none has it"),
        pytest.param("10.0.0.9", None, id="it has gone"),
    ],
)
def test_noted(address, expected, monkeypatch):
    monkeypatch.setattr(addresses, "read", lambda: [(number, at(each).address) for number, each in HAS])
    monkeypatch.setattr(socket, "if_indextoname", name)
    question, unclear = Question("tcp", at(address), 80), Question("tcp", at("10.0.0.5"), 81)
    found = devices.noted({question: Finding("listening"), unclear: None})
    assert found == {question: Finding("listening", device=expected), unclear: None}


def test_noted_where_addresses_cannot_be_read(monkeypatch):
    def read():
        raise SourceError

    monkeypatch.setattr(addresses, "read", read)
    question = Question("tcp", at("10.0.0.5"), 80)
    assert devices.noted({question: Finding("listening")}) == {question: Finding("listening")}
