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
    NET_BIND_SERVICE,
    NO_DOMAIN,
    Denial,
    Denials,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.ports import runs
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import (
    FREE,
    Requirement,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable
from ansible_collections.preflight.ports.plugins.module_utils._selinux import contexts, selinuxfs
from ansible_collections.preflight.ports.plugins.module_utils._selinux.binding import Rules, Wish, denials
from ansible_collections.preflight.ports.plugins.module_utils._selinux.contexts import IF_THERE, DomainError, name_of
from ansible_collections.preflight.ports.plugins.module_utils._selinux.explained import explained
from ansible_collections.preflight.ports.plugins.module_utils._selinux.labels import (
    Labels,
    NodeContext,
    PortContext,
    type_of,
)

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._selinux.services import Service
    from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict, Verdicts

_HIDDEN = OSError(errno.ENOENT, "selinuxfs is hidden here, as in containers")


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
    is_open = domain is None or domain.startswith(IF_THERE)
    service = service_of(requirement.units) if ports and is_open and requirement.units else None
    if service:
        yield Wish(
            f"{IF_THERE}{service.domain}", requirement.protocol, addresses, ports, service.unit, service.is_socket
        )
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
    container = contexts.container()
    if selinuxfs.is_hidden():
        domain = type_of(container) if container else None
        return {index: _unknown(wish._replace(domain=domain or wish.domain), _HIDDEN) for index, wish in wishes.items()}
    sources = {
        domain: contexts.source(domain, container) for domain in dict.fromkeys(wish.domain for wish in wishes.values())
    }
    if not any(sources.values()):
        return {index: _lacking(wish) for index, wish in wishes.items()}
    policy = selinuxfs.policy()
    labels, rules = _labels(policy), _rules()

    def of(wish: Wish) -> list[Denial]:
        source = sources[wish.domain]
        return _denied(wish._replace(domain=type_of(source)), source, labels, rules) if source else _lacking(wish)

    return explained({index: of(wish) for index, wish in wishes.items()}, wishes, policy, labels)


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
    return [Denial(*run, name_of(wish.domain), None, target=problem) for run in runs(wish.ports)]


def _lacking(wish: Wish) -> list[Denial]:
    """A unit's domain was not asked for, so what is not known of it is no doubt."""
    return [] if wish.unit else [Denial(*run, name_of(wish.domain), NO_DOMAIN) for run in runs(wish.ports)]
