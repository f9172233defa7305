# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who answers where NAT rules send the traffic of a port: a service of this host, or of a container on it."""

from __future__ import annotations

from ansible_collections.preflight.ports.plugins.module_utils._kernel import addresses
from ansible_collections.preflight.ports.plugins.module_utils._look.witnesses import table
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Destination, Redirect
from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import serves
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    LISTENERS,
    SERVING,
    Endpoint,
    Socket,
    SourceError,
    is_loopback,
)
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import Source


def find(question: Question, redirect: Redirect, source: Source) -> tuple[Socket, ...]:
    """The sockets that serve all destinations of the rules; none where one has nobody, or it is not known."""
    own = _own_addresses()
    served = [
        _here(question, destination, source)
        if destination.address is None or destination.address in own
        else _in_namespaces(question.protocol, destination)
        for destination in redirect.destinations
    ]
    return tuple(held for sockets in served for held in sockets) if all(served) else ()


def leads_away(redirect: Redirect) -> bool:
    """Whether somebody whom this host does not know may answer."""
    own = _own_addresses()
    known = [each.address is None or each.address in own for each in redirect.destinations]
    return not known or not all(known)


def _own_addresses() -> frozenset[bytes]:
    try:
        return frozenset(address for _device, address in addresses.read())
    except SourceError:
        return frozenset()


def _here(question: Question, destination: Destination, source: Source) -> list[Socket]:
    """The first address of the device that a packet comes in by is not known. Only a wildcard serves it for sure."""
    asked = question.endpoint
    if destination.address is not None:
        asked = Endpoint(destination.address, v6only=True if len(destination.address) == 16 else None)
    elif not asked.is_wildcard and not is_loopback(asked.address):
        asked = asked._replace(address=bytes(len(asked.address)))
    there = question._replace(endpoint=asked, port=destination.port)
    sockets = table([there], source, LISTENERS).get((there.protocol, there.port), [])
    return [held for held in sockets if held.state == SERVING[held.protocol] and serves(asked, held.endpoint)]


def _in_namespaces(protocol: str, destination: Destination) -> list[Socket]:
    # Only now: on a target, each import costs time in each task.
    from ansible_collections.preflight.ports.plugins.module_utils._table import namespaces

    return namespaces.servers_at(destination.address or b"", protocol, destination.port)
