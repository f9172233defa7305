# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.labels import destination, label
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Arrival
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Target
from support.records import at

ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("chains", "comments", "expected"),
    [
        pytest.param((), (), (None, None), id="nothing"),
        pytest.param((), ["the web server"], ("the web server", None), id="a comment"),
        pytest.param((), ["one", "two"], ("two", None), id="the last comment"),
        pytest.param((), [f'dnat name: "podman" id: "{ID}"'], (None, ID), id="portmap"),
        pytest.param((), [f"dnat name: podman id: {ID}"], (None, ID), id="netavark"),
        pytest.param((), ["kubernetes service portals"], (None, None), id="kube-proxy's own words"),
        pytest.param(
            ("KUBE-SERVICES",),
            ["kubernetes service nodeports; NOTE: this must be the last rule in this chain", "default/web:http",
             "default/web:http -> 10.244.0.5:8080"],
            ("default/web:http", None),
            id="a service",
        ),
        pytest.param((), ["default/web -> 10.244.0.5:8080"], ("default/web", None), id="a service's endpoint"),
        pytest.param(
            ("services", "external-ULMVA6XW-default/web/tcp/http", "endpoint-1"), (), ("default/web:http", None),
            id="a service's chain",
        ),
        pytest.param(("service-ULMVA6XW-default/web/tcp/",), (), ("default/web", None), id="a port without a name"),
    ],
)  # fmt: skip
def test_label(chains, comments, expected):
    assert label(chains, comments) == expected


def addresses(*values, **rest):
    return Target(addresses=tuple(at(each).address for each in values), **rest)


@pytest.mark.parametrize(
    ("address", "target", "expected"),
    [
        ("192.0.2.1", None, "an unknown destination"),
        ("192.0.2.1", Target(ports=(81, 81)), "port 81 of this host"),
        ("192.0.2.1", Target(), "port 80 of this host"),
        ("192.0.2.1", Target(is_redirect=True), "port 80 of this host"),
        ("192.0.2.1", addresses("10.88.0.5", "10.88.0.5", ports=(81, 90)), "10.88.0.5:81-90"),
        ("2001:db8::1", addresses("fd00::5", "fd00::9"), "[fd00::5-fd00::9]:80"),
        ("192.0.2.1", Target(is_redirect=True, ports=(81, 90)), "port 81-90 of this host"),
        ("192.0.2.1", addresses("10.88.0.5", "10.88.0.5"), "10.88.0.5:80"),
        ("192.0.2.1", addresses("10.88.0.5", "10.88.0.9", ports=(81, 81)), "10.88.0.5-10.88.0.9:81"),
        ("2001:db8::1", addresses("fd00::5", "fd00::5", ports=(81, 81)), "[fd00::5]:81"),
    ],
)
def test_destination(address, target, expected):
    assert destination(Arrival(at(address).address), 80, target) == expected
