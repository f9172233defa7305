# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports to be bound -> the packets that a server there waits for -> whether the NAT rules let them through. Pure."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    PROTOCOL_NUMBERS,
    Endpoint,
    is_link_local,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.arrivals import (
    Arrivals,
    literal,
    to_server,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import Clients, both, either
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Arrival, Flows
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.hosts import HostAddress
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import (
    INGRESS,
    OUTPUT,
    PREROUTING,
    Packets,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import Region, region
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Base, Target
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.targets import is_served
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.walk import (
    Sent,
    Streams,
    Walk,
    deadline,
)

_STEPS = 2_000_000
_MOST_DOUBTS = 5
_SOURCE = "the source address"


class Found(t.NamedTuple):
    """Where packets go to that a server waits for."""

    sent: tuple[Sent, ...]
    """By which rules, the first of them first."""
    arrival: Arrival
    port: int
    depends_on: tuple[str, ...]
    """Empty if all of them go there."""
    is_total: bool = False
    """Whether all that is sent to any of a server's addresses goes the same way."""
    spared: tuple[bytes, ...] = ()
    """Those of a server's addresses whose packets from other hosts stay here, by whatever device they come."""


def search(
    questions: t.Iterable[Question], bases: t.Sequence[Base], host: t.Sequence[HostAddress]
) -> dict[Question, Found]:
    """Where some packet to a port may go elsewhere, if one does for sure that one. Raises SourceError."""
    asked: dict[tuple[str, Endpoint], list[int]] = {}
    for protocol, endpoint, port, *_rest in questions:
        asked.setdefault((protocol, endpoint), []).append(port)
    groups = {endpoint: list(to_server(endpoint, host)) for _protocol, endpoint in asked}
    sent: dict[_Kind, dict[Arrival, set[int]]] = {}
    for (protocol, endpoint), ports in asked.items():
        for arrival in (arrival for group in groups[endpoint] for arrival in (*group.usual, *group.others)):
            sent.setdefault(_kind(protocol, arrival), {}).setdefault(arrival, set()).update(ports)
    end = deadline()
    trips = {kind: _Trip(kind, arrivals, bases, end) for kind, arrivals in sent.items()}
    findings = {}
    for (protocol, endpoint), ports in asked.items():
        for port in ports:
            find = functools.partial(_elsewhere, trips, protocol, port, literal(endpoint), host)
            found = _surest(groups[endpoint], find)
            if found:
                findings[Question(protocol, endpoint, port)] = found
    return findings


_Kind = t.Tuple[str, int, bool]


def _kind(protocol: str, arrival: Arrival) -> _Kind:
    """What flows that are led past rules together have in common."""
    return protocol, len(arrival.address), arrival.source is None


def _elsewhere(
    trips: t.Mapping[_Kind, _Trip],
    protocol: str,
    port: int,
    server: bytes | None,
    host: t.Sequence[HostAddress],
    arrival: Arrival,
) -> Found | None:
    return trips[_kind(protocol, arrival)].elsewhere(arrival, port, server, host)


def _surest(groups: t.Sequence[Arrivals], find: t.Callable[[Arrival], Found | None]) -> Found | None:
    """One address is enough, if all that is sent to it by one of its usual devices goes elsewhere."""
    best = None
    for group in groups:
        if best and not (best.depends_on and group.usual):
            continue
        found = [each for each in map(find, group.usual) if each]
        found = [each for each in found if not each.depends_on] or found
        if not found:
            others = (each for each in map(find, group.others) if each)
            found = [each._replace(depends_on=tuple(dict.fromkeys((group.who, *each.depends_on)))) for each in others]
        if found and not (best and found[0].depends_on):
            best = found[0]
    if not best or best.depends_on:
        return best
    return best._replace(is_total=_is_total(best, groups, find), spared=tuple(_spared(groups, find)))


def _spared(groups: t.Sequence[Arrivals], find: t.Callable[[Arrival], Found | None]) -> t.Iterator[bytes]:
    for group in groups:
        address = group.usual[0].address if group.usual else None
        if address and not is_link_local(address) and not any(map(find, (*group.usual, *group.others))):
            yield address


def _is_total(best: Found, groups: t.Sequence[Arrivals], find: t.Callable[[Arrival], Found | None]) -> bool:
    """Rules mostly spare what comes from this host itself, so the last groups are asked first."""
    if any(target is None or not (target.is_redirect or target.addresses) for target in _targets(best)):
        return False  # each packet keeps its own address
    arrivals = (arrival for group in reversed(groups) for arrival in (*group.usual, *group.others))
    return all(found and not found.depends_on and _targets(found) == _targets(best) for found in map(find, arrivals))


def _targets(found: Found) -> set[Target | None]:
    return {sent.target for sent in found.sent}


class _Trip:
    """Past all rules that may send packets elsewhere."""

    def __init__(self, kind: _Kind, asked: dict[Arrival, set[int]], bases: t.Iterable[Base], end: float) -> None:
        protocol, size, is_from_others = kind
        self._flows = Flows(PROTOCOL_NUMBERS[protocol], list(asked), set().union(*asked.values()))
        self._places = {arrival: place for place, arrival in enumerate(asked)}
        self._walk = Walk((base for base in bases if size in base.address_bytes), _STEPS, end)
        wanted = sum(self._flows.flow(self._places[arrival], ports) for arrival, ports in asked.items())
        hooks = (INGRESS, PREROUTING) if is_from_others else (OUTPUT,)
        streams: Streams = {Packets(self._flows, hooks[0]): region(wanted)}
        for hook in hooks:
            streams = self._walk.past(hook, streams)
        self._arrived = self._by_flow([*streams.values(), *(lost for _packets, lost, _doubts in self._walk.lost)])
        self._sent: dict[tuple[int, int], list[tuple[Sent, Clients]]] = {}
        for sent in self._walk.sent:
            for flow, clients in self._by_flow([sent.region]).items():
                self._sent.setdefault(flow, []).append((sent, clients))

    def _by_flow(self, regions: t.Iterable[Region]) -> dict[tuple[int, int], Clients]:
        found: dict[tuple[int, int], Clients] = {}
        for parts in regions:
            for flows, clients in parts:
                for flow in self._flows.each(flows):
                    self._walk.spend(1)
                    found[flow] = either(found.get(flow, False), clients)
        return found

    def elsewhere(
        self, arrival: Arrival, port: int, server: bytes | None, host: t.Sequence[HostAddress]
    ) -> Found | None:
        """Where packets go to; None if all of them get to the *server*, or nowhere. Raises TooMuchError."""
        flow = self._places[arrival], port
        arrives, leaves = self._arrived.get(flow, False), t.cast(Clients, False)
        ways, doubts = [], []
        for sent, clients in self._sent.get(flow, ()):
            self._walk.spend(1)
            served = is_served(server, arrival, port, sent.target, host)
            arrives = either(arrives, clients) if served else arrives
            if served is not True:
                leaves = either(leaves, clients)
                ways.append(sent)
            doubts += [] if isinstance(served, bool) else [served.what]
        if not ways:
            return None
        if arrives is False:
            return Found(tuple(ways), arrival, port, ())
        if both(arrives, leaves) is not False:
            doubts += self._doubts(flow)
        if not doubts or (arrives, leaves) != (True, True):
            doubts.append(_SOURCE)
        return Found(tuple(ways), arrival, port, tuple(dict.fromkeys(doubts)))

    def _doubts(self, flow: tuple[int, int]) -> list[str]:
        bit = self._flows.flow(flow[0], (flow[1],))
        found: dict[str, None] = {}
        for _packets, parts, doubts in self._walk.doubts:
            if any(flows & bit for flows, _clients in parts):
                found.update(dict.fromkeys(doubt.what for doubt in doubts))
                if len(found) >= _MOST_DOUBTS:
                    break
        return list(found)
