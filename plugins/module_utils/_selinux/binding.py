# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What SELinux denies a domain that binds ports: selinux_socket_bind() of the kernel's security/selinux/hooks.c.

Pure.
"""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.denial import (
    BIND,
    CREATE,
    LISTEN,
    NAME_BIND,
    NET_BIND_SERVICE,
    NODE_BIND,
    Denial,
)
from ansible_collections.preflight.ports.plugins.module_utils._selinux.labels import Labels, type_of

_OF_SOCKETS = {"tcp": (CREATE, BIND, LISTEN), "udp": (CREATE, BIND)}

May = t.Callable[[t.Optional[str], str, str], bool]
"""(context, or None for the domain's own, class, permission) -> whether the policy allows the domain that."""


class Rules(t.NamedTuple):
    """The kernel's settings that decide on what SELinux is asked."""

    first_unprivileged: int
    """The capability is asked for below it."""
    ephemeral: range
    """Ports whose type is not asked for, as an outgoing connection may have any of them."""


class Wish(t.NamedTuple):
    """A domain that is to bind each of the ports on each of the addresses."""

    domain: str
    protocol: str
    addresses: tuple[bytes, ...]
    ports: t.Sequence[int]
    """In order."""
    unit: str = ""
    """Whose domain it is, where nobody named that."""
    is_socket: bool = False
    """Whether the unit is a socket unit: init binds the ports, and the domain is the label of its sockets."""


def denials(wish: Wish, labels: Labels, rules: Rules, may: May, is_enforced: bool) -> list[Denial]:
    """Of each port the first thing that the kernel denies."""
    object_class = f"{wish.protocol}_socket"
    contexts = labels.of_ports(wish.protocol)
    node = next(
        (each for each in map(labels.of_address, wish.addresses) if not may(each, object_class, NODE_BIND)), None
    )
    barred = next((each for each in _OF_SOCKETS[wish.protocol] if not may(None, object_class, each)), None)
    asked: dict[str, bool] = {}

    def may_have(context: str) -> bool:
        if context not in asked:
            asked[context] = may(context, object_class, NAME_BIND)
        return asked[context]

    def denied(port: int) -> tuple[str, str] | None:
        if barred:
            return barred, ""
        is_low = port < rules.first_unprivileged
        if (is_low or port not in rules.ephemeral) and not may_have(contexts[port]):
            return NAME_BIND, type_of(contexts[port])
        if node is not None:
            return NODE_BIND, type_of(node)
        if is_low and not may(None, "capability", NET_BIND_SERVICE):
            return NET_BIND_SERVICE, ""
        return None

    found: list[Denial] = []
    for port in wish.ports:
        what = denied(port)
        if not what:
            continue
        latest = found[-1] if found else None
        if latest and (latest.last + 1, latest.permission, latest.target) == (port, *what):
            found[-1] = latest._replace(last=port)
        else:
            found.append(Denial(port, port, wish.domain, what[0], is_enforced, what[1]))
    if any(each.permission == NAME_BIND for each in found):
        types = _types(wish, labels, may_have)
        found = [_with_remedy(each, wish.protocol, labels, types) for each in found]
    return found


def _with_remedy(denial: Denial, protocol: str, labels: Labels, types: tuple[str, ...]) -> Denial:
    if denial.permission != NAME_BIND:
        return denial
    return denial._replace(types=types, is_defined=labels.defines(protocol, denial.first, denial.last))


def _types(wish: Wish, labels: Labels, may_have: t.Callable[[str], bool]) -> tuple[str, ...]:
    """Those of ports of some service that the domain may bind, the one most like its name first."""
    types = dict.fromkeys(type_of(each) for each in labels.of_services(wish.protocol) if may_have(each))
    return tuple(sorted(types, key=lambda each: (-_alike(each, wish.domain), len(each), each)))


def _alike(one: str, other: str) -> int:
    """How many characters they begin with in common."""
    return len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other))))
