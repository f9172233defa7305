# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.denial import (
    LISTEN,
    NAME_BIND,
    NET_BIND_SERVICE,
    NO_DOMAIN,
    NODE_BIND,
    Denial,
    Switch,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.doubt import SELINUX
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from ansible_collections.preflight.ports.plugins.module_utils._verdict.denials import refusals, suspicions

NAME = Denial(8081, 8082, "httpd_t", NAME_BIND, True, "unreserved_port_t", ("http_port_t", "http_cache_port_t"))
SWITCHES = (Switch("ftp", True, 1), Switch("safe", False, 9), Switch("any", True, 99))
REFUSED = "bind(2) is refused to httpd_t: SELinux denies it"


@pytest.mark.parametrize(
    ("denial", "reason", "advice"),
    [
        pytest.param(
            NAME,
            f"{REFUSED} name_bind on the port's type, unreserved_port_t",
            "Choose a port that httpd_t may bind, or run semanage port -a -t http_port_t -p tcp 8081-8082."
            " It may also bind ports of type http_cache_port_t.",
            id="the type",
        ),
        pytest.param(
            NAME._replace(last=8081, target="proxy_port_t", is_defined=True, types=("http_port_t",)),
            f"{REFUSED} name_bind on the port's type, proxy_port_t",
            "Choose a port that httpd_t may bind, or run semanage port -m -t http_port_t -p tcp 8081,"
            " which takes it from the services that use proxy_port_t.",
            id="a type of its own",
        ),
        pytest.param(
            NAME._replace(unit="web.service", types=("http_port_t",)),
            "bind(2) is refused to web.service (in httpd_t): SELinux denies it name_bind on the port's type,"
            " unreserved_port_t",
            "Choose a port that httpd_t may bind, or run semanage port -a -t http_port_t -p tcp 8081-8082.",
            id="a unit's domain",
        ),
        pytest.param(
            NAME._replace(types=()),
            f"{REFUSED} name_bind on the port's type, unreserved_port_t",
            "httpd_t may bind no type of ports that could be given to this one: choose another port.",
            id="no type",
        ),
        pytest.param(
            NAME._replace(types=(), switches=SWITCHES),
            f"{REFUSED} name_bind on the port's type, unreserved_port_t",
            "httpd_t may bind no type of ports that could be given to this one: choose another port."
            " Or run setsebool -P ftp on. Or run setsebool -P safe off, which opens 9 types of ports to it.",
            id="booleans",
        ),
        pytest.param(
            NAME._replace(permission=NODE_BIND, target="lo_node_t"),
            f"{REFUSED} node_bind on the address's type, lo_node_t",
            "Choose another address, or give it another type (semanage node -l lists them).",
            id="the address",
        ),
        pytest.param(
            NAME._replace(permission=NET_BIND_SERVICE, target=""),
            f"{REFUSED} the capability net_bind_service, which it takes",
            "Choose a port that takes no right, or allow it in the policy.",
            id="the capability",
        ),
        pytest.param(
            NAME._replace(permission=LISTEN, target=""),
            f"{REFUSED} listen on any such socket",
            "Let the service run in another domain, or allow it in the policy.",
            id="all sockets",
        ),
    ],
)
def test_refusals(denial, reason, advice):
    requirements = parse(["8081-8082"])
    assert refusals(requirements, {0: [denial]}) == [(0, denial.first, denial.last, SELINUX, reason, advice)]
    assert suspicions(requirements, {0: [denial]}) == []


@pytest.mark.parametrize(
    ("denial", "reason"),
    [
        pytest.param(
            NAME._replace(is_enforced=False),
            "SELinux would deny httpd_t name_bind on the port's type, unreserved_port_t, but does not enforce that now",
            id="permissive",
        ),
        pytest.param(
            Denial(8081, 8082, "httpd_t", None, target="Permission denied"),
            "it is unknown whether SELinux lets httpd_t bind it: Permission denied",
            id="unknown",
        ),
        pytest.param(
            Denial(8081, 8082, "httpd_t", NO_DOMAIN),
            "SELinux was not asked: this host's policy has no domain httpd_t",
            id="no such domain",
        ),
    ],
)
def test_suspicions(denial, reason):
    requirements = parse(["8081-8082", {"port": "8081-8082", "state": "listening"}])
    found = {0: [denial], 1: [denial]}
    assert refusals(requirements, found) == []
    ((entry, first, last, kind, said, advice),) = suspicions(requirements, found)
    assert (entry, first, last, kind, said) == (0, 8081, 8082, SELINUX, reason)
    assert advice
