# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.denial import NAME_BIND, NODE_BIND, Denial
from ansible_collections.preflight.ports.plugins.module_utils._selinux import servers
from ansible_collections.preflight.ports.plugins.module_utils._selinux.labels import Labels, PortContext
from ansible_collections.preflight.ports.plugins.module_utils._selinux.selinuxfs import Access, Permission


def of(name):
    return f"system_u:object_r:{name}:s0"


MAY_BIND = {"web_t": ["http_port_t"], "odd_t": ["odd_port_t"], "script_t": ["odd_port_t", "port_t"]}


class Kernel:
    """starter_t binds nothing."""

    def service_context(self, domain):
        return of(domain) if domain in (*MAY_BIND, "starter_t") else None

    def permission(self, object_class, name):
        return Permission(object_class, name)

    def access(self, source, target, asked):
        return Access((source, target) in [(of(a), of(b)) for a, bs in MAY_BIND.items() for b in bs], True)


LABELS = Labels(
    (PortContext("tcp", 80, 80, of("http_port_t")), PortContext("tcp", 81, 81, of("odd_port_t"))),
    (),
    of("port_t"),
    of("node_t"),
)


@pytest.mark.parametrize(
    ("domain", "permission", "entered", "expected"),
    [
        pytest.param("web_t", NAME_BIND, {"web_t": []}, True, id="a server"),
        pytest.param("starter_t", NAME_BIND, {"starter_t": []}, False, id="it binds no port"),
        pytest.param("web_t", NAME_BIND, {"web_t": ["odd_t"]}, False, id="it starts one that may bind it"),
        pytest.param("web_t", NAME_BIND, {"web_t": ["script_t"]}, True, id="it starts scripts that may bind any"),
        pytest.param("web_t", NAME_BIND, {"web_t": ["gone_t"]}, True, id="it starts what no service has"),
        pytest.param("web_t", NAME_BIND, {}, False, id="nobody knows what it enters"),
        pytest.param("web_t", NODE_BIND, {"web_t": []}, False, id="something else is denied"),
    ],
)
def test_is_servers(monkeypatch, domain, permission, entered, expected):
    monkeypatch.setattr(servers, "selinuxfs", Kernel())
    denial = Denial(81, 81, domain, permission, True, "odd_port_t")
    assert servers.is_servers(denial, "tcp", entered, LABELS) is expected
