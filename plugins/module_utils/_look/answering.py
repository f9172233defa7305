# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who answers where NAT rules send the traffic of a port: a service of this host, or of a container on it."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel import addresses
from ansible_collections.preflight.ports.plugins.module_utils._look.witnesses import table
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Destination, Redirect
from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import overlap, serves
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


class Answering(t.NamedTuple):
    """Who answers where rules lead."""

    sockets: tuple[Socket, ...]
    """Those that some clients meet."""
    in_part: bool
    """Whether others get no answer, as far as this host knows."""


def find(question: Question, redirect: Redirect, source: Source) -> Answering:
    """Those at all destinations of the rules. Raises SourceError."""
    own = _own_addresses()
    found = [
        _here(question, destination, source)
        if destination.address is None or destination.address in own
        else _in_namespaces(question.protocol, destination)
        for destination in redirect.destinations
    ]
    sockets = tuple(held for each in found for held in each.sockets)
    return Answering(sockets, not found or any(each.in_part or not each.sockets for each in found))


def leads_away(redirect: Redirect) -> bool:
    """Whether a service that this host does not know may answer."""
    own = _own_addresses()
    known = [each.address is None or each.address in own for each in redirect.destinations]
    return not known or not all(known)


def _own_addresses() -> frozenset[bytes]:
    try:
        return frozenset(address for _device, address in addresses.read())
    except SourceError:
        return frozenset()


def _here(question: Question, destination: Destination, source: Source) -> Answering:
    """The first address of the device that a packet comes in by is not known. Only a wildcard serves it for sure."""
    asked = question.endpoint
    if destination.address is not None:
        asked = Endpoint(destination.address, v6only=True if len(destination.address) == 16 else None)
    elif not asked.is_wildcard and not is_loopback(asked.address):
        asked = asked._replace(address=bytes(len(asked.address)))
    if destination.address and is_loopback(destination.address) and not _lets_in(question.endpoint, destination):
        return Answering((), True)
    there = question._replace(endpoint=asked, port=destination.port)
    sockets = table([there], source, LISTENERS).get((there.protocol, there.port), [])
    serving = [held for held in sockets if held.state == SERVING[held.protocol]]
    met = tuple(held for held in serving if overlap(asked, held.endpoint) is not False)
    return Answering(met, not any(serves(asked, held.endpoint) for held in met))


def _lets_in(asked: Endpoint, destination: Destination) -> bool:
    """Whether what is sent to another address of this host may be sent on to a loopback address.

    The kernel drops it as a martian, unless route_localnet is on: ip_route_input_slow() in net/ipv4/route.c. IPv6 has
    no such setting.
    """
    if not asked.is_wildcard and is_loopback(asked.ipv4 or asked.address):
        return True
    return len(destination.address or b"") == 4 and _setting("route_localnet") == "1"


def _setting(name: str) -> str:
    try:
        with open(f"/proc/sys/net/ipv4/conf/all/{name}", encoding="ascii") as file:
            return file.read(16).strip()
    except (OSError, ValueError):
        return ""


def _in_namespaces(protocol: str, destination: Destination) -> Answering:
    # Only now: on a target, each import costs time in each task.
    from ansible_collections.preflight.ports.plugins.module_utils._table import namespaces

    return Answering(tuple(namespaces.servers_at(destination.address or b"", protocol, destination.port)), False)
