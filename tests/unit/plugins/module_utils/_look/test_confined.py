# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._look import confined
from ansible_collections.preflight.ports.plugins.module_utils._look.confined import DomainError, find
from ansible_collections.preflight.ports.plugins.module_utils._model.denial import NAME_BIND, NO_DOMAIN, Denial, Switch
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from ansible_collections.preflight.ports.plugins.module_utils._selinux import (
    booleans,
    contexts,
    near,
    sepol,
    servers,
    services,
    transitions,
)
from ansible_collections.preflight.ports.plugins.module_utils._selinux.selinuxfs import Access, Permission
from ansible_collections.preflight.ports.plugins.module_utils._selinux.sepol import SepolError
from ansible_collections.preflight.ports.plugins.module_utils._selinux.services import Service
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict

ODD = ("tcp", 81, 81, "system_u:object_r:odd_port_t:s0")


def of(name):
    return f"system_u:object_r:{name}:s0"


class Kernel:
    """What selinuxfs tells: httpd_t may bind http_port_t alone."""

    Access, Permission = Access, Permission
    _MAY_BIND = frozenset(
        (of(domain), of(port))
        for domain, ports in {
            "httpd_t": ["http_port_t"],
            "server_t": ["odd_port_t"],
            "script_t": ["odd_port_t", "port_t"],
        }.items()
        for port in ports
    )

    def __init__(self, enforces=True, permissive=(), task="unconfined_t", first="init_t", hidden=False):
        self._enforces, self._permissive = enforces, permissive
        self._processes, self._hidden = {"self": of(task), "1": of(first)}, hidden

    def is_hidden(self):
        return self._hidden

    def context_of(self, process):
        return self._processes[process]

    def is_enforcing(self):
        return self._enforces

    def policy(self):
        return b"policy"

    def initial_context(self, name):
        return of(f"{name}_t")

    def service_context(self, domain):
        return of(domain) if domain in ("httpd_t", "named_t", "server_t", "script_t") else None

    def permission(self, object_class, name):
        return Permission(hash(object_class), name)

    def access(self, source, target, asked):
        if asked.bit == "transition":
            return Access((source, target) == (of("spc_t"), of("httpd_t")), True)
        is_allowed = asked.bit != NAME_BIND or (source, target) in self._MAY_BIND
        return Access(is_allowed, source not in map(of, self._permissive))


def unreadable(*_arguments):
    raise SepolError("too old")


@pytest.fixture
def kernel(monkeypatch):
    def put(**options):
        kernel = Kernel(**options)
        for module in (confined, contexts, servers):
            monkeypatch.setattr(module, "selinuxfs", kernel)

    monkeypatch.setattr(sepol, "read", lambda _policy: ([("tcp", 80, 80, of("http_port_t"))], []))
    monkeypatch.setattr(sepol, "in_rules", unreadable)
    monkeypatch.setattr(confined.ephemeral, "read", lambda: None)
    put()
    return put


def denial(first, last, domain="httpd_t", is_enforced=True):
    types = ("http_port_t",) if domain == "httpd_t" else ()
    return Denial(first, last, domain, NAME_BIND, is_enforced, "port_t", types)


def test_find(kernel):
    requirements = parse(["80-82", 443, {"port": 80, "selinux_domain": ""}], selinux_domain="httpd_t")
    assert find(requirements, {}) == {0: [denial(81, 82)], 1: [denial(443, 443)]}


def test_booleans(kernel, monkeypatch):
    asked = []
    monkeypatch.setattr(transitions, "entered", lambda _cil, _domain: [])

    def find(cil, questions):
        asked.extend((cil, questions))
        return [[["open", True, 2]], []]

    monkeypatch.setattr(booleans, "switches", find)
    monkeypatch.setattr(sepol, "in_rules", lambda policy, ask: ask(policy.decode()))
    requirements = parse(["80-81", 443, {"port": 82, "selinux_domain": "named_t"}], selinux_domain="httpd_t")
    opened = (Switch("open", True, 2),)
    assert confined.find(requirements, {}) == {
        0: [denial(81, 81)._replace(switches=opened)],
        1: [denial(443, 443)._replace(switches=opened)],
        2: [denial(82, 82, "named_t")],
    }
    assert asked == ["policy", [("httpd_t", "tcp_socket", "port_t"), ("named_t", "tcp_socket", "port_t")]]


WEB = Service("web.service", "httpd_t")


@pytest.fixture
def service(kernel, monkeypatch):
    """What is known of units: the service, and the domains that httpd_t enters."""

    def put(found, entered=(), rules=True):
        monkeypatch.setattr(services, "service_of", lambda names: found if names == ("web",) else None)
        monkeypatch.setattr(transitions, "entered", lambda _cil, _domain: list(entered))
        monkeypatch.setattr(sepol, "in_rules", (lambda _policy, ask: ask("")) if rules else unreadable)

    put(WEB)
    return put


def held_by(*patterns, **more):
    return parse([{"port": 81, "held_by": list(patterns), **more}])


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        pytest.param(held_by("unit:web"), [denial(81, 81)._replace(unit="web.service")], id="a unit"),
        pytest.param(held_by("unit:web", selinux_domain=""), None, id="nobody wants it"),
        pytest.param(held_by("unit:web", selinux_domain="named_t"), [denial(81, 81, "named_t")], id="another domain"),
        pytest.param(
            held_by("unit:web", selinux_domain="-named_t"),
            [denial(81, 81)._replace(unit="web.service")],
            id="another one in a profile",
        ),
        pytest.param(held_by("unit:other", selinux_domain="-named_t"), [denial(81, 81, "named_t")], id="of a profile"),
        pytest.param(
            held_by("unit:web", protocol="udp"),
            [denial(81, 81)._replace(unit="web.service", types=())],
            id="whose ports are of the other protocol",
        ),
        pytest.param(held_by("unit:other"), None, id="an unknown unit"),
        pytest.param(held_by("unit:web*"), None, id="any such unit"),
        pytest.param(held_by("unit:web", "web"), None, id="something else, too"),
    ],
)
def test_the_domain_of_a_unit(service, requirements, expected):
    assert find(requirements, {}).get(0) == expected


@pytest.mark.parametrize(
    ("entered", "is_refused"),
    [
        pytest.param(["server_t"], False, id="a server that may bind it"),
        pytest.param(["script_t"], True, id="a script that may bind everything"),
        pytest.param(["gone_t"], True, id="a domain that no service has"),
        pytest.param(["named_t"], True, id="a domain that may not"),
    ],
)
def test_a_unit_whose_program_enters_other_domains(kernel, service, monkeypatch, entered, is_refused):
    monkeypatch.setattr(sepol, "read", lambda _policy: ([("tcp", 80, 80, of("http_port_t")), ODD], []))
    service(WEB, entered)
    assert bool(find(held_by("unit:web"), {})) is is_refused


def test_a_unit_whose_domain_binds_nothing(service):
    service(Service("web.service", "named_t"))
    assert find(held_by("unit:web"), {}) == {}


def test_a_unit_of_which_not_all_is_known(kernel, service, monkeypatch):
    service(Service("web.service", "gone_t"))
    assert find(held_by("unit:web"), {}) == {}
    service(WEB, rules=False)
    assert find(held_by("unit:web"), {}) == {}
    monkeypatch.setattr(sepol, "read", unreadable)
    assert find(held_by("unit:web"), {}) == {}
    kernel(hidden=True)
    assert find(held_by("unit:web"), {}) == {}


def test_rules_are_read_only_where_something_is_denied(kernel, monkeypatch):
    monkeypatch.setattr(sepol, "in_rules", lambda *_arguments: pytest.fail("nobody reads them"))
    assert find(parse([80], selinux_domain="httpd_t"), {}) == {}


def test_nothing_is_read_where_all_ports_are_held(kernel, monkeypatch):
    monkeypatch.setattr(confined, "selinuxfs", None)
    requirements = parse([81], selinux_domain="httpd_t")
    assert find(requirements, {(0, 81): Verdict(requirements[0], 81, "listening", met=True)}) == {}


def test_only_ports_that_nothing_holds_are_asked_about(kernel):
    requirements = parse(["81-83"], selinux_domain="httpd_t")
    verdicts = {
        (0, 81): Verdict(requirements[0], 81, "free", met=False),
        (0, 82): Verdict(requirements[0], 82, "listening", met=True),
    }
    assert find(requirements, verdicts) == {0: [denial(81, 81), denial(83, 83)]}


@pytest.mark.parametrize("off", [{"enforces": False}, {"permissive": ["httpd_t"]}], ids=["SELinux", "the domain"])
def test_what_is_permissive(kernel, off):
    kernel(**off)
    requirements = parse([81], selinux_domain="httpd_t")
    assert find(requirements, {}) == {0: [denial(81, 81, is_enforced=False)]}


def test_one_domain_is_permissive(kernel):
    kernel(permissive=["named_t"])
    requirements = parse([81, {"port": 82, "selinux_domain": "named_t"}], selinux_domain="httpd_t")
    assert find(requirements, {}) == {0: [denial(81, 81)], 1: [denial(82, 82, "named_t", is_enforced=False)]}


@pytest.mark.parametrize(("names", "hint"), [(["httpd_t"], "; near it: httpd_t"), ([], "")])
def test_an_unknown_domain(kernel, monkeypatch, names, hint):
    monkeypatch.setattr(near, "near", lambda _domain: names)
    with pytest.raises(DomainError) as error:
        find(parse([80], selinux_domain="htpd_t"), {})
    assert str(error.value) == f"selinux_domain 'htpd_t' is no domain of services in this host's policy{hint}"


def test_a_domain_that_need_not_be_there(kernel):
    ports = [81, {"port": "82-83", "selinux_domain": "-redis_t"}]
    requirements = parse(ports, selinux_domain="-httpd_t")
    assert find(requirements, {}) == {0: [denial(81, 81)], 1: [Denial(82, 83, "redis_t", NO_DOMAIN)]}


def test_the_policy_is_not_read_for_domains_that_it_lacks(kernel, monkeypatch):
    monkeypatch.setattr(sepol, "read", lambda _policy: pytest.fail("nobody reads it"))
    assert find(parse([80], selinux_domain="-redis_t"), {}) == {0: [Denial(80, 80, "redis_t", NO_DOMAIN)]}


@pytest.mark.parametrize(
    ("task", "first", "domain", "expected"),
    [
        pytest.param("container_t", "container_t", "httpd_t", "container_t", id="a container"),
        pytest.param("container_t", "container_t", "-redis_t", "container_t", id="whose policy lacks the domain"),
        pytest.param("spc_t", "spc_t", "httpd_t", "httpd_t", id="a container that may start the domain"),
        pytest.param("init_t", "init_t", "named_t", "named_t", id="a task of init"),
        pytest.param("container_t", "init_t", "named_t", "named_t", id="another domain than init's"),
    ],
)
def test_containers(kernel, task, first, domain, expected):
    kernel(task=task, first=first)
    assert find(parse([81], selinux_domain=domain), {}) == {0: [denial(81, 81, expected)]}


def test_selinuxfs_is_hidden(kernel):
    hidden = "selinuxfs is hidden here, as in containers"
    requirements = parse([81], selinux_domain="-httpd_t")
    kernel(hidden=True)
    assert find(requirements, {}) == {0: [Denial(81, 81, "httpd_t", None, target=hidden)]}
    kernel(task="container_t", first="container_t", hidden=True)
    assert find(requirements, {}) == {0: [Denial(81, 81, "container_t", None, target=hidden)]}


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (SepolError("the library libsepol is not installed"), "the library libsepol is not installed"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
    ],
)
def test_what_cannot_be_asked(kernel, monkeypatch, error, problem):
    def fail(_policy):
        raise error

    monkeypatch.setattr(sepol, "read", fail)
    requirements = parse(["80-81"], selinux_domain="httpd_t")
    assert find(requirements, {}) == {0: [Denial(80, 81, "httpd_t", None, target=problem)]}
