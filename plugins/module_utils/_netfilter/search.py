# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports to be bound -> the packets that a server there waits for -> whether the NAT rules let them through."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import PROTOCOL_NUMBERS
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.arrivals import (
    Arrivals,
    literal,
    read_addresses,
    to_server,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import (
    Base,
    Interface,
    NeedsPortError,
    Packet,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.targets import Server
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.walk import Ends, walk

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Endpoint

Found = t.Tuple[Ends, Packet]


def search(questions: t.Iterable[Question], bases: t.Sequence[Base]) -> dict[Question, Found]:
    """Where some packet to a port may go elsewhere, if one does for sure that one. Raises SourceError, ChangedError."""
    host = read_addresses()
    ports: dict[tuple[str, Endpoint], list[int]] = {}
    for protocol, endpoint, port, *_rest in questions:
        ports.setdefault((protocol, endpoint), []).append(port)
    findings: dict[Question, Found] = {}
    for (protocol, endpoint), wanted in ports.items():
        server = Server(literal(endpoint), host)
        by_port: dict[int, Found] = {}
        for arrivals in to_server(PROTOCOL_NUMBERS[protocol], endpoint, host):
            for port in _named(arrivals.packet, bases, server, wanted):
                known = by_port.get(port)
                if known and not (known[0].arrives and arrivals.usual):
                    continue  # one address is enough
                found = _diverted(arrivals, port, bases, server)
                if found and not (known and found[0].arrives):
                    by_port[port] = found
        findings.update((Question(protocol, endpoint, port), found) for port, found in by_port.items())
    return findings


def _diverted(arrivals: Arrivals, port: int, bases: t.Sequence[Base], server: Server) -> Found | None:
    """The packet that goes elsewhere most surely."""
    packet, doubtful = arrivals.packet._replace(port=port), None
    # Rules that ask for a device are rare; hosts with hundreds of devices are not.
    ends = walk(bases, packet, server)
    if not ends.ways:
        return None
    if arrivals.usual and not ends.arrives and len(ends.ways) == 1:
        return ends, packet
    for found in _by_devices(packet, arrivals.usual, bases, server):
        if not found[0].arrives:
            return found
        doubtful = doubtful or found
    if doubtful:
        return doubtful
    for ends, sent in _by_devices(packet, arrivals.others, bases, server):
        ends.are_for_some(arrivals.who)
        return ends, sent
    return None


def _by_devices(
    packet: Packet, devices: t.Iterable[Interface], bases: t.Sequence[Base], server: Server
) -> t.Iterator[Found]:
    """Where it may go elsewhere."""
    for device in devices:
        sent = packet._replace(interface=device)
        ends = walk(bases, sent, server)
        if ends.ways:
            yield ends, sent


def _named(packet: Packet, bases: t.Sequence[Base], server: Server, wanted: t.Sequence[int]) -> t.Sequence[int]:
    """The ports that need a walk of their own: where the others go nowhere else, those that rules are filed under."""
    try:
        ends = walk(bases, packet, server)
    except NeedsPortError:
        return wanted
    return wanted if ends.ways else [port for port in wanted if port in ends.named_ports]
