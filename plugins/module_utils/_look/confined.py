# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements with a SELinux domain -> what SELinux denies it."""

from __future__ import annotations

import errno
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
    from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict, Verdicts


_INIT = "init_t"
_IF_THERE = "-"
_HIDDEN = OSError(errno.ENOENT, "selinuxfs is hidden here, as in containers")


class DomainError(RequirementError):
    """A domain that the policy has not; the text says which are like it."""


def find(requirements: t.Sequence[Requirement], verdicts: Verdicts) -> Denials:
    """Of the ports that nothing holds: whoever holds one could bind it. Raises DomainError."""
    wishes = {index: wish for index, each in enumerate(requirements) for wish in _wishes(index, each, verdicts)}
    try:
        found = _denials(wishes)
    except DomainError:
        raise
    except (ImportError, OSError, ValueError) as error:
        found = {index: _unknown(wish, error) for index, wish in wishes.items()}
    return {index: denied for index, denied in found.items() if denied}


def _wishes(index: int, requirement: Requirement, verdicts: Verdicts) -> t.Iterator[Wish]:
    """At most one."""
    domain, addresses = requirement.selinux_domain, tuple(each.address for each in requirement.endpoints)
    ports = [port for port in requirement.ports if _is_free(verdicts.get((index, port)))]
    if domain and ports:
        yield Wish(domain, requirement.protocol, addresses, ports)


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

    return _with_switches({index: of(wish) for index, wish in wishes.items()}, wishes, policy)


def _with_switches(found: Denials, wishes: t.Mapping[int, Wish], policy: bytes) -> Denials:
    """With the booleans that would open the ports, where libsepol tells them."""

    def asked(index: int, denial: Denial) -> Asked:
        return denial.domain, f"{wishes[index].protocol}_socket", denial.target

    each = [(index, denial) for index, denials in found.items() for denial in denials if denial.permission == NAME_BIND]
    if not each:
        return found
    # Only now: rules are read where something is denied.
    from ansible_collections.preflight.ports.plugins.module_utils._selinux import booleans, sepol

    questions = list(dict.fromkeys(asked(*one) for one in each))
    try:
        told = sepol.in_rules(policy, lambda cil: booleans.switches(cil, questions))
    except sepol.SepolError:
        return found
    answers = {question: tuple(Switch(*one) for one in switches) for question, switches in zip(questions, told)}
    return {
        index: [denial._replace(switches=answers.get(asked(index, denial), ())) for denial in denials]
        for index, denials in found.items()
    }


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
    problem = printable(getattr(error, "strerror", None) or str(error))
    return [Denial(*run, _name(wish.domain), None, target=problem) for run in runs(wish.ports)]


def _lacking(wish: Wish) -> list[Denial]:
    return [Denial(*run, _name(wish.domain), NO_DOMAIN) for run in runs(wish.ports)]
