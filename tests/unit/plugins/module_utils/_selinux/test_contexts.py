# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._selinux import contexts, near
from ansible_collections.preflight.ports.plugins.module_utils._selinux.contexts import DomainError
from ansible_collections.preflight.ports.plugins.module_utils._selinux.selinuxfs import Access


def of(name):
    return f"system_u:system_r:{name}:s0"


class Kernel:
    """It has httpd_t, and spc_t may start that."""

    def __init__(self, task, first):
        self._processes = {"self": of(task), "1": of(first)}

    def context_of(self, process):
        return self._processes[process]

    def service_context(self, domain):
        return of(domain) if domain == "httpd_t" else None

    def permission(self, object_class, name):
        return object_class, name

    def access(self, source, target, asked):
        assert asked == ("process", "transition")
        return Access((source, target) == (of("spc_t"), of("httpd_t")), True)


@pytest.fixture
def kernel(monkeypatch):
    def put(task="unconfined_t", first="init_t"):
        monkeypatch.setattr(contexts, "selinuxfs", Kernel(task, first))

    put()
    return put


@pytest.mark.parametrize(
    ("task", "first", "expected"),
    [
        pytest.param("container_t", "container_t", of("container_t"), id="a container"),
        pytest.param("unconfined_t", "init_t", None, id="a task"),
        pytest.param("init_t", "init_t", None, id="a task of init"),
        pytest.param("container_t", "init_t", None, id="another domain than the first process's"),
    ],
)
def test_container(kernel, task, first, expected):
    kernel(task, first)
    assert contexts.container() == expected


@pytest.mark.parametrize(
    ("domain", "container", "expected"),
    [
        pytest.param("httpd_t", None, "httpd_t", id="a domain"),
        pytest.param("-httpd_t", None, "httpd_t", id="one that may lack"),
        pytest.param("-redis_t", None, None, id="one that does"),
        pytest.param("httpd_t", "container_t", "container_t", id="the container's"),
        pytest.param("-redis_t", "container_t", "container_t", id="the container's for one that lacks"),
        pytest.param("httpd_t", "spc_t", "httpd_t", id="one that the container may start"),
    ],
)
def test_source(kernel, domain, container, expected):
    assert contexts.source(domain, container and of(container)) == (expected and of(expected))


@pytest.mark.parametrize(("names", "hint"), [(["httpd_t"], "; near it: httpd_t"), ([], "")])
def test_an_unknown_domain(kernel, monkeypatch, names, hint):
    monkeypatch.setattr(near, "near", lambda _domain: names)
    with pytest.raises(DomainError) as error:
        contexts.source("htpd_t", None)
    assert str(error.value) == f"selinux_domain 'htpd_t' is no domain of services in this host's policy{hint}"
