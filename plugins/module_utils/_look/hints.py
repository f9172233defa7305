# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What helps whoever has to mend a conflict: other addresses, and other ports."""

from __future__ import annotations

from ansible_collections.preflight.ports.plugins.module_utils._holders import census
from ansible_collections.preflight.ports.plugins.module_utils._kernel import addresses, bind
from ansible_collections.preflight.ports.plugins.module_utils._look.witnesses import table
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import UNAVAILABLE
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import holder_of
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import LISTENING as TO_LISTEN
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    LAST_PORT,
    LISTENERS,
    LISTENING,
    SERVING,
    Endpoint,
    SourceError,
    bind_sets_v6only,
    is_link_local,
    is_loopback,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate
from ansible_collections.preflight.ports.plugins.module_utils._table.proc_net import host_has_ipv6
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import Source
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict, Verdicts, allows

_MOST_CONFLICTS = 20
"""Of more, nobody reads the advice on each."""
_MOST_LISTENERS = 2000
"""Whose holders are looked for at all."""
_MOST_PORTS = 3


def added(verdicts: Verdicts, source: Source) -> Verdicts:
    """The *verdicts* with hints. Raises SourceError."""
    unmet = {key: verdict for key, verdict in verdicts.items() if not verdict.met}
    found = {**unmet, **_elsewhere(unmet, source), **_without_ipv6(unmet)}
    some = {key: verdict for key, verdict in found.items() if not verdict.requirement.is_range}
    some = dict(list(some.items())[:_MOST_CONFLICTS])
    return {**verdicts, **found, **_free_on(some), **_instead(some, source)}


def _elsewhere(verdicts: Verdicts, source: Source) -> Verdicts:
    """Where nothing listens on the required address: on which others does something?"""
    missed = {
        key: Question(verdict.requirement.protocol, verdict.requirement.endpoints[0], verdict.port)
        for key, verdict in verdicts.items()
        if verdict.state == FREE and verdict.requirement.address is not None
    }
    sockets = table(missed.values(), source, LISTENERS)
    found = {}
    for key, question in missed.items():
        protocol, port = question.protocol, question.port
        servers = [held for held in sockets.get((protocol, port), ()) if held.state == SERVING[protocol]]
        found[key] = verdicts[key]._replace(elsewhere=tuple(dict.fromkeys(_place(held.endpoint) for held in servers)))
    return found


def _place(endpoint: Endpoint) -> str:
    return f"{endpoint} on {printable(endpoint.interface)}" if endpoint.interface else str(endpoint)


def _without_ipv6(verdicts: Verdicts) -> Verdicts:
    """Those whose address no IPv4 host has."""
    lost = {
        key: verdict
        for key, verdict in verdicts.items()
        if verdict.state == UNAVAILABLE and verdict.requirement.endpoints[0].is_ipv6
    }
    if not lost or host_has_ipv6():
        return {}
    return {key: verdict._replace(lacks_family=True) for key, verdict in lost.items()}


def _free_on(verdicts: Verdicts) -> Verdicts:
    """Where the port is taken on single addresses: on which of this host's addresses is it free?"""
    taken = {key: verdict for key, verdict in verdicts.items() if _is_taken_in_part(verdict)}
    own = _own_addresses() if taken else ()
    found = {}
    for key, verdict in taken.items():
        protocol, port = verdict.requirement.protocol, verdict.port
        free = next((each for each in own if _would_get(Question(protocol, each, port))), None)
        found[key] = verdict._replace(free_on=str(free) if free else None)
    return found


def _would_get(question: Question) -> bool:
    """Whether a server there would get the port, and what is sent to it."""
    return bind.probe(question) == bind.FREE and not gate.find([question])


def _is_taken_in_part(verdict: Verdict) -> bool:
    return (
        verdict.requirement.state == FREE
        and verdict.state in (LISTENING, BOUND)
        and all(endpoint.is_wildcard for endpoint in verdict.requirement.endpoints)
        and not any(address in ("0.0.0.0", "::") for holder in verdict.holders for address in holder.addresses)
    )


def _own_addresses() -> list[Endpoint]:
    """Those that other hosts reach."""
    try:
        found = [address for _device, address in addresses.read()]
    except SourceError:
        return []
    outer = [each for each in dict.fromkeys(found) if not is_loopback(each) and not is_link_local(each)]
    return [Endpoint(each, v6only=bind_sets_v6only(each) or None) for each in outer]


def _instead(verdicts: Verdicts, source: Source) -> Verdicts:
    """Where an allowed holder is missed: on which other ports does it listen?"""
    missed = {
        key: verdict
        for key, verdict in verdicts.items()
        if verdict.requirement.state == TO_LISTEN and verdict.requirement.held_by
    }
    found = {}
    for protocol in sorted({verdict.requirement.protocol for verdict in missed.values()}):
        servers = [
            held
            for held in source.read(protocol, 1, LAST_PORT, frozenset((SERVING[protocol],)))
            if held.state == SERVING[protocol]
        ]
        if len(servers) > _MOST_LISTENERS:
            continue
        known = census.take(servers)
        for key, verdict in missed.items():
            if verdict.requirement.protocol == protocol:
                allowed = [held for held in servers if allows(verdict.requirement, holder_of(held, known))]
                ports = sorted({held.port for held in allowed} - {verdict.port})
                found[key] = verdict._replace(instead=tuple(f"{port}/{protocol}" for port in ports[:_MOST_PORTS]))
    return found
