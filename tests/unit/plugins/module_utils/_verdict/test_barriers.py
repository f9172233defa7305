# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.passage import (
    BLOCKED,
    LIMITED,
    UNKNOWN,
    Passage,
)
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from ansible_collections.preflight.ports.plugins.module_utils._verdict.barriers import barrier, items

KNOWN = {"by": "ufw", "chain": "ip filter INPUT", "rule": "-P INPUT DROP", "advice": "Run: ufw allow 80/tcp"}


@pytest.mark.parametrize(
    ("passage", "expected"),
    [
        (Passage(80, 80, BLOCKED, **KNOWN), "no client gets in: ufw, ip filter INPUT: -P INPUT DROP"),
        (Passage(80, 80, LIMITED, depends_on=("a rate limit", "the time"), **KNOWN),
         "not every client gets in: ufw, ip filter INPUT: -P INPUT DROP; it depends on a rate limit and the time"),
        (Passage(80, 80, LIMITED), "not every client gets in: this host's firewall"),
        (Passage(80, 80, UNKNOWN, depends_on=("an XDP program on eth0",)),
         "it is unknown whether the firewall lets clients in; it depends on an XDP program on eth0"),
    ],
)  # fmt: skip
def test_barrier(passage, expected):
    assert barrier(passage) == expected


def test_items():
    requirements = parse([80, {"port": "81-90", "name": "web"}])
    (found,) = items(requirements, {1: [Passage(82, 84, BLOCKED, **KNOWN)]})
    assert found == {
        **KNOWN, "port": "82-84", "protocol": "tcp", "address": None, "name": "web", "verdict": "blocked",
        "depends_on": [],
    }  # fmt: skip
