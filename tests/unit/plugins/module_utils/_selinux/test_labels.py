# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ANY4, ANY6
from ansible_collections.preflight.ports.plugins.module_utils._selinux.labels import (
    Labels,
    NodeContext,
    PortContext,
    type_of,
)

HTTP, CACHE, HIGH, OTHER, NODE, LOCAL = (
    f"system_u:object_r:{each}_t:s0" for each in ("http", "cache", "high", "port", "node", "local")
)
LABELS = Labels(
    (
        PortContext("tcp", 80, 80, HTTP),
        PortContext("udp", 80, 80, CACHE),
        PortContext("tcp", 8080, 8090, CACHE),
        PortContext("tcp", 80, 65535, HIGH),
    ),
    (NodeContext(bytes([10, 0, 0, 0]), bytes([255, 0, 0, 0]), LOCAL), NodeContext(ANY6, bytes([255] * 16), LOCAL)),
    OTHER,
    NODE,
)


def test_the_first_that_fits_names_a_port():
    found = LABELS.of_ports("tcp")
    assert [found[port] for port in (1, 79, 80, 81, 8080, 8090, 8091, 65535)] == [
        *(OTHER, OTHER, HTTP, HIGH, CACHE, CACHE, HIGH, HIGH)
    ]
    assert (LABELS.of_ports("udp")[80], LABELS.of_ports("udp")[81]) == (CACHE, OTHER)


@pytest.mark.parametrize(
    ("address", "context"),
    [
        pytest.param(bytes([10, 1, 2, 3]), LOCAL, id="in a network"),
        pytest.param(bytes([11, 1, 2, 3]), NODE, id="in none"),
        pytest.param(ANY4, NODE, id="IPv4, as an address of IPv6 is"),
        pytest.param(ANY6, LOCAL, id="IPv6"),
    ],
)
def test_of_address(address, context):
    assert LABELS.of_address(address) == context


def test_only_exactly_these_ports_are_defined():
    asked = [("tcp", 8080, 8090), ("tcp", 8080, 8080), ("udp", 8080, 8090)]
    assert [LABELS.defines(*each) for each in asked] == [True, False, False]


def test_type_of():
    assert type_of("system_u:object_r:http_port_t:s0-s1:c0.c3") == type_of("u:r:http_port_t") == "http_port_t"
