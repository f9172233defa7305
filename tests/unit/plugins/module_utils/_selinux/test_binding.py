# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.denial import (
    BIND,
    CREATE,
    LISTEN,
    NAME_BIND,
    NET_BIND_SERVICE,
    NODE_BIND,
    Denial,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ANY4
from ansible_collections.preflight.ports.plugins.module_utils._selinux.binding import Rules, Wish, denials
from ansible_collections.preflight.ports.plugins.module_utils._selinux.labels import Labels, NodeContext, PortContext

HOME = bytes([127, 0, 0, 1])
RULES = Rules(1024, range(32768, 61000))


def of(name):
    return f"system_u:object_r:{name}:s0"


LABELS = Labels(
    (
        PortContext("tcp", 80, 80, of("http_port_t")),
        PortContext("tcp", 5432, 5432, of("postgresql_port_t")),
        PortContext("tcp", 8080, 8081, of("http_cache_port_t")),
        PortContext("udp", 53, 53, of("dns_port_t")),
        PortContext("tcp", 1, 1023, of("reserved_port_t")),
        PortContext("tcp", 1024, 65535, of("unreserved_port_t")),
    ),
    (NodeContext(HOME, bytes([255] * 4), of("lo_node_t")),),
    of("port_t"),
    of("node_t"),
)


def denied(ports, allowed, protocol="tcp", addresses=(ANY4,), is_enforced=True, sockets=(CREATE, BIND, LISTEN)):
    """*allowed*: the types and classes of what the domain may do, and the capability."""

    def may(context, object_class, permission):
        if permission == NET_BIND_SERVICE:
            assert (context, object_class) == (None, "capability")
            return "capability" in allowed
        assert object_class == f"{protocol}_socket"
        if context is None:
            return permission in sockets
        assert permission in (NAME_BIND, NODE_BIND)
        return context.split(":")[2] in allowed

    return denials(Wish("httpd_t", protocol, addresses, ports), LABELS, RULES, may, is_enforced)


MAY = ("http_port_t", "http_cache_port_t", "node_t", "capability")
TYPES = ("http_port_t", "http_cache_port_t")


@pytest.mark.parametrize(
    "ports",
    [
        pytest.param([80, 8080, 8081], id="of its types"),
        pytest.param([32768, 60999], id="any outgoing connection may have them"),
    ],
)
def test_nothing_is_denied(ports):
    assert denied(ports, MAY) == []


def test_the_type_is_denied():
    assert denied([79, 80, 81, 82, 5432, 32767, 32768, 60999, 61000], MAY) == [
        Denial(79, 79, "httpd_t", NAME_BIND, True, "reserved_port_t", TYPES),
        Denial(81, 82, "httpd_t", NAME_BIND, True, "reserved_port_t", TYPES),
        Denial(5432, 5432, "httpd_t", NAME_BIND, True, "postgresql_port_t", TYPES, is_defined=True),
        Denial(32767, 32767, "httpd_t", NAME_BIND, True, "unreserved_port_t", TYPES),
        Denial(61000, 61000, "httpd_t", NAME_BIND, True, "unreserved_port_t", TYPES),
    ]


def test_a_low_port_has_its_type_in_a_range_for_connections_too(monkeypatch):
    monkeypatch.setitem(globals(), "RULES", Rules(1024, range(1, 65536)))
    assert [each.first for each in denied([79, 5432], MAY)] == [79]


def test_it_may_have_no_type_that_a_service_has():
    (denial,) = denied([5432], ("unreserved_port_t", "node_t"))
    assert denial.types == ()


def test_types_of_the_other_protocol_do_not_count():
    (denial,) = denied([54], ("dns_port_t", "http_port_t", "node_t"), protocol="udp")
    assert (denial.target, denial.types) == ("port_t", ("dns_port_t",))


def test_the_address_is_denied():
    assert denied([80], MAY, addresses=(ANY4, HOME)) == [Denial(80, 80, "httpd_t", NODE_BIND, True, "lo_node_t")]


def test_the_capability_is_denied():
    assert denied([80, 8080], MAY[:-1]) == [Denial(80, 80, "httpd_t", NET_BIND_SERVICE, True)]


@pytest.mark.parametrize(
    ("protocol", "sockets", "permission"),
    [
        pytest.param("tcp", (), CREATE, id="create"),
        pytest.param("tcp", (CREATE,), BIND, id="bind"),
        pytest.param("tcp", (CREATE, BIND), LISTEN, id="listen"),
        pytest.param("udp", (CREATE, BIND), None, id="UDP does not listen"),
    ],
)
def test_sockets_are_denied(protocol, sockets, permission):
    found = denied([80, 81, 40000], (*MAY, "port_t", "reserved_port_t"), protocol, sockets=sockets)
    expected = [Denial(80, 81, "httpd_t", permission, True), Denial(40000, 40000, "httpd_t", permission, True)]
    assert found == (expected if permission else [])


def test_what_is_not_enforced():
    assert [each.is_enforced for each in denied([81], MAY, is_enforced=False)] == [False]
