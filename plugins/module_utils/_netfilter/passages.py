# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether clients get past this host's firewall to the ports of servers. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.passage import (
    BLOCKED,
    LIMITED,
    OPEN,
    UNKNOWN,
    Access,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import PROTOCOL_NUMBERS, is_loopback
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.callers import callers
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import Clients, both, without
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Arrival, Flows
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.hosts import Host
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.journey import travel
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import (
    NOTHING,
    Region,
    join,
    region,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Base
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.walk import Way, deadline


class Result(t.NamedTuple):
    """What becomes of the packets of one arrival to a port."""

    arrival: Arrival
    clients: Clients
    """All that are asked about."""
    passed: Clients
    """Those whose packets may get past the rules."""
    dropped: Clients
    """Those whose packets may not."""
    way: Way | None
    """To where most of these are dropped."""
    doubts: tuple[Doubt, ...]
    """What it depends on for those that are in both."""
    sent_to: tuple[tuple[bytes, int], ...] = ()
    """The addresses that NAT sends them to, each with how much is added to the port."""


class Judged(t.NamedTuple):
    """The verdict about neighbouring ports that fare alike."""

    first: int
    last: int
    verdict: str
    results: tuple[Result, ...]


def judge(accesses: t.Sequence[Access], bases: t.Sequence[Base], host: Host) -> list[list[Judged]]:
    """Of each access the ports that are not open to all of its clients. Raises SourceError."""
    # Most entries of a request are alike in their clients.
    alike = {(access.endpoints, access.clients): access for access in accesses}
    known = {key: callers(access, host) for key, access in alike.items()}
    sent = [known[(access.endpoints, access.clients)] for access in accesses]
    kinds: dict[tuple[str, int], list[tuple[Access, Arrival, Clients]]] = {}
    for access, arrivals in zip(accesses, sent):
        for arrival, clients in arrivals.items():
            kinds.setdefault((access.protocol, len(arrival.address)), []).append((access, arrival, clients))
    end = deadline()
    trips = {kind: _Trip(kind[0], asked, bases, host, end) for kind, asked in kinds.items()}
    return [
        list(
            _judged(
                access, [(trips[access.protocol, len(each.address)], each, sent) for each, sent in arrivals.items()]
            )
        )
        for access, arrivals in zip(accesses, sent)
    ]


def _judged(access: Access, arrivals: t.Sequence[tuple[_Trip, Arrival, Clients]]) -> t.Iterator[Judged]:
    if not arrivals and access.clients and not all(is_loopback(each.ipv4 or each.address) for each in access.endpoints):
        yield Judged(access.first, access.last, UNKNOWN, ())
        return
    known: dict[tuple[t.Any, ...], Judged] = {}
    latest: Judged | None = None
    for port in range(access.first, access.last + 1):
        ends = [trip.ends(arrival, port) for trip, arrival, _clients in arrivals]
        key = tuple((id(passed), id(dropped), id(way), doubts, to) for passed, dropped, way, doubts, to in ends)
        if key not in known:
            results = tuple(
                Result(arrival, clients, both(passed, clients), both(dropped, clients), way, doubts, to)
                for (_trip, arrival, clients), (passed, dropped, way, doubts, to) in zip(arrivals, ends)
            )
            known[key] = Judged(port, port, verdict(results), results)
        found = known[key]
        if latest and latest.results is found.results:
            latest = latest._replace(last=port)
        else:
            if latest and latest.verdict != OPEN:
                yield latest
            latest = found._replace(first=port, last=port)
    if latest and latest.verdict != OPEN:
        yield latest


def verdict(results: t.Sequence[Result]) -> str:
    """Of one port."""
    if all(result.dropped is False for result in results):
        return OPEN
    if all(result.passed is False for result in results):
        return BLOCKED
    some_get_in = any(without(result.clients, result.dropped) is not False for result in results)
    some_do_not = any(without(result.clients, result.passed) is not False for result in results)
    are_understood = all(doubt.is_understood for result in results for doubt in result.doubts)
    return LIMITED if are_understood or (some_get_in and some_do_not) else UNKNOWN


_Ends = t.Tuple[Clients, Clients, t.Optional[Way], t.Tuple[Doubt, ...], t.Tuple[t.Tuple[bytes, int], ...]]


class _Trip:
    """The packets of all accesses that are of one protocol and one version of IP."""

    def __init__(
        self,
        protocol: str,
        asked: t.Sequence[tuple[Access, Arrival, Clients]],
        bases: t.Sequence[Base],
        host: Host,
        end: float,
    ) -> None:
        self._places = {arrival: place for place, arrival in enumerate(dict.fromkeys(each for _a, each, _c in asked))}
        ports = {port for access, _arrival, _clients in asked for port in range(access.first, access.last + 1)}
        self._flows = flows = Flows(PROTOCOL_NUMBERS[protocol], list(self._places), ports)
        sent: Region = NOTHING
        for access, arrival, clients in asked:
            its_flows = flows.arrival(self._places[arrival]) & flows.to_ports(access.first, access.last)
            sent = join(sent, region(its_flows, clients))
        fate = travel(flows, sent, bases, host, end)
        self._passed, self._dropped = self._by_flow(fate.passed), self._by_flow(fate.dropped)
        self._sent_to = fate.sent_to
        self._ways = {flow: way for mask, way in fate.ways for flow in flows.each(mask)}
        self._doubts: dict[tuple[int, int], tuple[Doubt, ...]] = {}
        for doubt, mask in fate.doubts.items():
            for flow in flows.each(mask):
                self._doubts[flow] = (*self._doubts.get(flow, ()), doubt)

    def _by_flow(self, parts: Region) -> dict[tuple[int, int], Clients]:
        return {flow: clients for mask, clients in parts for flow in self._flows.each(mask)}

    def ends(self, arrival: Arrival, port: int) -> _Ends:
        """Who gets in, who does not, by which way, on what that depends, and where NAT sends them."""
        flow = self._places[arrival], port
        passed, dropped = self._passed.get(flow, False), self._dropped.get(flow, False)
        return passed, dropped, self._ways.get(flow), self._doubts.get(flow, ()), self._sent_to.get(flow, ())
