# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports to be bound -> the packets that a server there waits for -> whether the NAT rules let them through."""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._nat.packets import literal, read_addresses, to_server
from ansible_collections.preflight.ports.plugins.module_utils._nat.rules import Base, NeedsPortError, Packet
from ansible_collections.preflight.ports.plugins.module_utils._nat.targets import Server
from ansible_collections.preflight.ports.plugins.module_utils._nat.walk import Ends, walk
from ansible_collections.preflight.ports.plugins.module_utils._witnesses import Question

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._nat import entries, nftables
    from ansible_collections.preflight.ports.plugins.module_utils._sockets import Endpoint

_NUMBERS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}


def search(
    questions: t.Iterable[Question], tables: t.Sequence[nftables.Table], legacy: t.Sequence[entries.Table]
) -> dict[Question, tuple[Ends, Packet]]:
    """Where some packet to a port may go elsewhere, if one does for sure that one. Raises SourceError, ChangedError."""
    bases = [*_nft_bases(tables), *_legacy_bases(legacy)]
    host = read_addresses()
    ports: dict[tuple[str, Endpoint], list[int]] = {}
    for protocol, endpoint, port in questions:
        ports.setdefault((protocol, endpoint), []).append(port)
    findings: dict[Question, tuple[Ends, Packet]] = {}
    for (protocol, endpoint), wanted in ports.items():
        server = Server(literal(endpoint), host)
        for packet in to_server(_NUMBERS[protocol], endpoint, host):
            for port in _named(packet, bases, server, wanted):
                question = Question(protocol, endpoint, port)
                known = findings.get(question)
                if known and not known[0].arrives:
                    continue  # one address is enough
                sent = packet._replace(port=port)
                ends = walk(bases, sent, server)
                if ends.ways and not (known and ends.arrives):
                    findings[question] = ends, sent
    return findings


# Each module only where there are such rules, because importing costs time.


def _nft_bases(tables: t.Sequence[nftables.Table]) -> list[Base]:
    if not tables:
        return []
    from ansible_collections.preflight.ports.plugins.module_utils._nat import programs

    return [base for table in tables for base in programs.bases(table)]


def _legacy_bases(tables: t.Sequence[entries.Table]) -> list[Base]:
    if not tables:
        return []
    from ansible_collections.preflight.ports.plugins.module_utils._nat import iptables

    return [base for table in tables for base in iptables.bases(table)]


def _named(packet: Packet, bases: t.Sequence[Base], server: Server, wanted: t.Sequence[int]) -> t.Sequence[int]:
    """The ports that need a walk of their own: where the others go nowhere else, those that rules are filed under."""
    try:
        ends = walk(bases, packet, server)
    except NeedsPortError:
        return wanted
    return wanted if ends.ways else [port for port in wanted if port in ends.named_ports]
