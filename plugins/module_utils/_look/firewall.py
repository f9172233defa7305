# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements -> what this host's firewall does to their clients."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.passage import (
    NOBODY,
    UNKNOWN,
    Access,
    Barred,
    Passage,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FAIL, FREE, IGNORE, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Endpoint, is_loopback
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdicts


_UNREAD = {True: "rules that are too many, or cannot be read", False: "rules that this user may not read"}


def find(requirements: t.Sequence[Requirement], verdicts: Verdicts) -> Barred | None:
    """Only ports that are as required; None if the user may not read the rules, or they are too many."""
    asked = [
        (index, access)
        for index, each in enumerate(requirements)
        if each.firewall != IGNORE
        for access in _accesses(index, each, verdicts)
    ]
    reached = [access for _index, access in asked if _can_come(access)]
    found = gate.passages(reached) if reached else []
    if found is None:
        return None
    known = iter(found)
    barred: dict[int, list[Passage]] = {}
    for index, access in asked:
        nobody = Passage(access.first, access.last, UNKNOWN, depends_on=(NOBODY,))
        passages = next(known) if _can_come(access) else [nobody]
        barred.setdefault(index, []).extend(_of_met(passages, index, verdicts))
    return {index: passages for index, passages in barred.items() if passages}


def unread(requirements: t.Sequence[Requirement], verdicts: Verdicts, is_root: bool) -> Barred:
    """Of requirements that a firewall is to stop, all ports: nobody knows."""
    advice = None if is_root else "Run the task with become: true, which lets it read the rules."
    barred: dict[int, list[Passage]] = {}
    for index, each in enumerate(requirements):
        for access in _accesses(index, each, verdicts) if each.firewall == FAIL else ():
            nobody_knows = Passage(access.first, access.last, UNKNOWN, depends_on=(_UNREAD[is_root],), advice=advice)
            found = _of_met([nobody_knows], index, verdicts) if any(map(_versions, access.endpoints)) else []
            barred.setdefault(index, []).extend(found)
    return {index: passages for index, passages in barred.items() if passages}


def _can_come(access: Access) -> bool:
    """Whether some client has the version of IP of the server. Loopback addresses are not asked about."""
    versions = {len(client.address) for client in access.clients}
    served = {version for endpoint in access.endpoints for version in _versions(endpoint)}
    return not versions or not served or not versions.isdisjoint(served)


def _versions(endpoint: Endpoint) -> t.Sequence[int]:
    """How many bytes the addresses have that its clients use."""
    if is_loopback(endpoint.ipv4 or endpoint.address):
        return ()
    if endpoint.ipv4 is not None:
        return (4,)
    return (16,) if endpoint.v6only or not endpoint.is_wildcard else (4, 16)


def _accesses(index: int, requirement: Requirement, verdicts: Verdicts) -> t.Iterator[Access]:
    """To all that a server would bind; of a port that listens, to what is served: nobody comes by another family."""
    if requirement.state == FREE:
        endpoints, ports = requirement.endpoints, requirement.ports
        yield Access(requirement.protocol, endpoints, ports[0], ports[-1], requirement.clients)
        return
    served = ((port, verdicts[index, port].served if (index, port) in verdicts else ()) for port in requirement.ports)
    for endpoints, group in itertools.groupby(served, key=lambda each: each[1]):
        numbers = [port for port, _endpoints in group]
        if endpoints:
            yield Access(requirement.protocol, endpoints, numbers[0], numbers[-1], requirement.clients)


def _of_met(passages: t.Sequence[Passage], index: int, verdicts: Verdicts) -> list[Passage]:
    """Without the ports that are not as required anyway."""
    if not any(not verdict.met for (place, _port), verdict in verdicts.items() if place == index):
        return list(passages)
    from ansible_collections.preflight.ports.plugins.module_utils._model.ports import runs

    found = []
    for each in passages:
        met = [
            port
            for port in range(each.first, each.last + 1)
            if (index, port) not in verdicts or verdicts[index, port].met
        ]
        found += [each._replace(first=first, last=last) for first, last in runs(met)]
    return found
