# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What SELinux denies -> Doubt records. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.denial import (
    BIND,
    CREATE,
    LISTEN,
    NAME_BIND,
    NET_BIND_SERVICE,
    NO_DOMAIN,
    NODE_BIND,
    Denial,
    Denials,
    Switch,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.doubt import SELINUX, Doubt
from ansible_collections.preflight.ports.plugins.module_utils._model.ports import shown
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, Requirement

_MOST_TYPES, _MOST_SWITCHES = 5, 2


def refusals(requirements: t.Sequence[Requirement], denials: Denials) -> list[Doubt]:
    """Those that SELinux enforces: no server gets these ports."""
    return [_doubt(index, requirements[index], each) for index, each in _each(denials) if each.is_enforced]


def suspicions(requirements: t.Sequence[Requirement], denials: Denials) -> list[Doubt]:
    """The others, which speak against ports that count as free."""
    return [
        _doubt(index, requirements[index], each)
        for index, each in _each(denials)
        if not each.is_enforced and requirements[index].state == FREE
    ]


def _each(denials: Denials) -> t.Iterator[tuple[int, Denial]]:
    return ((index, each) for index, found in denials.items() for each in found)


def _doubt(index: int, requirement: Requirement, denial: Denial) -> Doubt:
    return Doubt(index, denial.first, denial.last, SELINUX, _reason(denial), _advice(denial, requirement.protocol))


def _reason(denial: Denial) -> str:
    if denial.permission is None:
        return f"it is unknown whether SELinux lets {denial.domain} bind it: {denial.target}"
    if denial.permission == NO_DOMAIN:
        return f"SELinux was not asked: this host's policy has no domain {denial.domain}"
    what = {
        NAME_BIND: f"name_bind on the port's type, {denial.target}",
        NODE_BIND: f"node_bind on the address's type, {denial.target}",
        NET_BIND_SERVICE: "the capability net_bind_service, which it takes",
    }.get(denial.permission, f"{denial.permission} on any such socket")
    if denial.is_enforced:
        return f"bind(2) is refused to {_whose(denial)}: SELinux denies it {what}"
    return f"SELinux would deny {_whose(denial)} {what}, but does not enforce that now"


def _whose(denial: Denial) -> str:
    return f"{denial.unit} (in {denial.domain})" if denial.unit else denial.domain


def _advice(denial: Denial, protocol: str) -> str | None:
    if denial.permission is None:
        return "Install libsepol (Debian: libsepol2), and run the task on the host itself with become: true."
    if denial.permission == NO_DOMAIN:
        return "Look for the domain in which the service runs (ps -eZ), and name it as selinux_domain."
    if denial.permission == NODE_BIND:
        return "Choose another address, or give it another type (semanage node -l lists them)."
    if denial.permission in (CREATE, BIND, LISTEN):
        return "Let the service run in another domain, or allow it in the policy."
    if denial.permission == NET_BIND_SERVICE:
        return "Choose a port that takes no right, or allow it in the policy."
    return f"{_labelled(denial, protocol)}{''.join(map(_switched, denial.switches[:_MOST_SWITCHES]))}"


def _switched(switch: Switch) -> str:
    wide = f", which opens {switch.opens} types of ports to it" if switch.opens > 1 else ""
    return f" Or run setsebool -P {switch.boolean} {'on' if switch.value else 'off'}{wide}."


def _labelled(denial: Denial, protocol: str) -> str:
    if not denial.types:
        return f"{denial.domain} may bind no type of ports that could be given to this one: choose another port."
    verb, best, *others = "-m" if denial.is_defined else "-a", *denial.types[: _MOST_TYPES + 1]
    command = f"semanage port {verb} -t {best} -p {protocol} {shown(denial.first, denial.last)}"
    taken = f", which takes it from the services that use {denial.target}" if denial.is_defined else ""
    also = f" It may also bind ports of type {', '.join(others)}." if others else ""
    return f"Choose a port that {denial.domain} may bind, or run {command}{taken}.{also}"
