# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements with a SELinux domain -> what SELinux denies it."""

from __future__ import annotations

import errno
import functools
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel import ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._kernel.rights import first_unprivileged
from ansible_collections.preflight.ports.plugins.module_utils._model.denial import (
    NAME_BIND,
    NET_BIND_SERVICE,
    NO_DOMAIN,
    Denial,
    Denials,
    Switch,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.ports import runs
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import (
    FREE,
    Requirement,
    RequirementError,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable
from ansible_collections.preflight.ports.plugins.module_utils._selinux import selinuxfs
from ansible_collections.preflight.ports.plugins.module_utils._selinux.binding import Rules, Wish, denials
from ansible_collections.preflight.ports.plugins.module_utils._selinux.labels import (
    Labels,
    NodeContext,
    PortContext,
    type_of,
)

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._selinux.booleans import Asked
    from ansible_collections.preflight.ports.plugins.module_utils._selinux.services import Service
    from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict, Verdicts

Entered = t.Mapping[str, t.Sequence[str]]
"""A domain -> those that its processes may enter."""

_INIT = "init_t"
_IF_THERE = "-"
_HIDDEN = OSError(errno.ENOENT, "selinuxfs is hidden here, as in containers")


class DomainError(RequirementError):
    """A domain that the policy has not; the text says which are like it."""


def find(requirements: t.Sequence[Requirement], verdicts: Verdicts) -> Denials:
    """Of the ports that nothing holds: whoever holds one could bind it. Raises DomainError."""
    service_of = functools.lru_cache(maxsize=None)(_service_of)
    wishes = {
        index: wish
        for index, each in enumerate(requirements)
        for wish in _wishes(each, [port for port in each.ports if _is_free(verdicts.get((index, port)))], service_of)
    }
    try:
        found = _denials(wishes)
    except DomainError:
        raise
    except (ImportError, OSError, ValueError) as error:
        found = {index: _unknown(wish, error) for index, wish in wishes.items()}
    return {index: denied for index, denied in found.items() if denied}


def _wishes(
    requirement: Requirement, ports: t.Sequence[int], service_of: t.Callable[[tuple[str, ...]], Service | None]
) -> t.Iterator[Wish]:
    """At most one. What a unit's domain is on this host counts more than what a profile's is elsewhere."""
    domain, addresses = requirement.selinux_domain, tuple(each.address for each in requirement.endpoints)
    is_open = domain is None or domain.startswith(_IF_THERE)
    service = service_of(requirement.units) if ports and is_open and requirement.units else None
    if service:
        yield Wish(f"{_IF_THERE}{service.domain}", requirement.protocol, addresses, ports, service.unit)
    elif domain and ports:
        yield Wish(domain, requirement.protocol, addresses, ports)


def _service_of(units: tuple[str, ...]) -> Service | None:
    from ansible_collections.preflight.ports.plugins.module_utils._selinux import services

    return services.service_of(units)


def _is_free(verdict: Verdict | None) -> bool:
    return verdict is None or verdict.state == FREE


def _denials(wishes: t.Mapping[int, Wish]) -> Denials:
    """Raises DomainError, ImportError, OSError, ValueError."""
    if not wishes:
        return {}
    container = _container()
    if selinuxfs.is_hidden():
        domain = type_of(container) if container else None
        return {index: _unknown(wish._replace(domain=domain or wish.domain), _HIDDEN) for index, wish in wishes.items()}
    sources = {domain: _source(domain, container) for domain in dict.fromkeys(wish.domain for wish in wishes.values())}
    if not any(sources.values()):
        return {index: _lacking(wish) for index, wish in wishes.items()}
    policy = selinuxfs.policy()
    labels, rules = _labels(policy), _rules()

    def of(wish: Wish) -> list[Denial]:
        source = sources[wish.domain]
        return _denied(wish._replace(domain=type_of(source)), source, labels, rules) if source else _lacking(wish)

    return _explained({index: of(wish) for index, wish in wishes.items()}, wishes, policy, labels)


def _explained(found: Denials, wishes: t.Mapping[int, Wish], policy: bytes, labels: Labels) -> Denials:
    """With the booleans that would open the ports, and without what is denied to a unit's domain but not to its server.

    Only a denied port costs the time to read all rules.
    """

    def question(index: int, denial: Denial) -> Asked:
        return denial.domain, f"{wishes[index].protocol}_socket", denial.target

    each = [(index, denial) for index, denials in found.items() for denial in denials if denial.permission == NAME_BIND]
    questions = list(dict.fromkeys(question(*one) for one in each))
    switches, entered = _in_rules(policy, questions) if questions else ({}, {})
    return {
        index: [
            denial._replace(switches=switches.get(question(index, denial), ()), unit=wishes[index].unit)
            for denial in denials
            if not wishes[index].unit or _is_servers(denial, wishes[index].protocol, entered, labels)
        ]
        for index, denials in found.items()
    }


def _in_rules(policy: bytes, questions: t.Sequence[Asked]) -> tuple[dict[Asked, tuple[Switch, ...]], Entered]:
    """What libsepol tells, if anything."""
    from ansible_collections.preflight.ports.plugins.module_utils._selinux import booleans, sepol, transitions

    domains = list(dict.fromkeys(domain for domain, _class, _type in questions))

    def answer(cil: str) -> t.Any:
        return booleans.switches(cil, questions), {each: transitions.entered(cil, each) for each in domains}

    try:
        switches, entered = sepol.in_rules(policy, answer)
    except sepol.SepolError:
        return {}, {}
    return {each: tuple(Switch(*one) for one in found) for each, found in zip(questions, switches)}, entered


def _is_servers(denial: Denial, protocol: str, entered: Entered, labels: Labels) -> bool:
    """Whether the domain of a unit's program is that of the server, not of something that starts it in another one.

    The latter binds no port that the policy knows, or enters a domain that may bind this one. Domains that may bind
    any port, those of administrators' scripts, do not count.
    """
    if denial.permission != NAME_BIND or denial.domain not in entered:
        return False
    asked = {each: selinuxfs.permission(f"{each}_socket", NAME_BIND) for each in ("tcp", "udp")}

    def may_bind(domain: str, of_protocol: str, port: str) -> bool:
        context = selinuxfs.service_context(domain)
        return bool(context) and selinuxfs.access(context or "", port, asked[of_protocol]).is_allowed

    port = labels.of_ports(protocol)[denial.first]
    return any(may_bind(denial.domain, each, port) for each in asked for port in labels.of_services(each)) and not any(
        may_bind(each, protocol, port) and not may_bind(each, protocol, labels.other_port)
        for each in entered[denial.domain]
    )


def _container() -> str | None:
    """The context of the container in which the task runs. All there have one domain, the first process, too."""
    own, first = selinuxfs.context_of("self"), selinuxfs.context_of("1")
    return own if type_of(own) == type_of(first) != _INIT else None


def _name(domain: str) -> str:
    return domain[1:] if domain.startswith(_IF_THERE) else domain


def _source(domain: str, container: str | None) -> str | None:
    """The context of the server: the container's, if nothing leads out of that. None: the policy lacks the domain."""
    context = selinuxfs.service_context(_name(domain))
    if context or domain.startswith(_IF_THERE):
        return container if container and not (context and _leads(container, context)) else context
    from ansible_collections.preflight.ports.plugins.module_utils._selinux.near import near

    alike = near(domain)
    raise DomainError(
        f"selinux_domain {domain!r} is no domain of services in this host's policy"
        + (f"; near it: {', '.join(alike)}" if alike else "")
    )


def _leads(source: str, target: str) -> bool:
    return selinuxfs.access(source, target, selinuxfs.permission("process", "transition")).is_allowed


def _denied(wish: Wish, source: str, labels: Labels, rules: Rules) -> list[Denial]:
    permissions: dict[tuple[str, str], selinuxfs.Permission] = {}

    def access(target: str | None, object_class: str, name: str) -> selinuxfs.Access:
        asked = permissions.get((object_class, name))
        if asked is None:
            asked = permissions[object_class, name] = selinuxfs.permission(object_class, name)
        return selinuxfs.access(source, target or source, asked)

    is_enforced = selinuxfs.is_enforcing() and access(None, "capability", NET_BIND_SERVICE).is_enforced
    return denials(wish, labels, rules, lambda *asked: access(*asked).is_allowed, is_enforced)


def _labels(policy: bytes) -> Labels:
    # Only now: some Pythons lack ctypes.
    from ansible_collections.preflight.ports.plugins.module_utils._selinux import sepol

    ports, nodes = sepol.read(policy)
    return Labels(
        tuple(PortContext(*each) for each in ports),
        tuple(NodeContext(bytes.fromhex(address), bytes.fromhex(mask), context) for address, mask, context in nodes),
        selinuxfs.initial_context("port"),
        selinuxfs.initial_context("node"),
    )


def _rules() -> Rules:
    settings = ephemeral.read()
    return Rules(first_unprivileged(), range(settings.first, settings.last + 1) if settings else range(0))


def _unknown(wish: Wish, error: Exception) -> list[Denial]:
    """See _lacking()."""
    if wish.unit:
        return []
    problem = printable(getattr(error, "strerror", None) or str(error))
    return [Denial(*run, _name(wish.domain), None, target=problem) for run in runs(wish.ports)]


def _lacking(wish: Wish) -> list[Denial]:
    """A unit's domain was not asked for, so what is not known of it is no doubt."""
    return [] if wish.unit else [Denial(*run, _name(wish.domain), NO_DOMAIN) for run in runs(wish.ports)]
