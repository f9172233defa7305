# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packets on all of their way through the rules of this host: to its servers, or on to where NAT sends them. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import is_loopback
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import targets
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import (
    Clients,
    between,
    both,
    either,
    size,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Arrival, Device, Flows
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.hosts import Host
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import (
    BRIDGED,
    EGRESS,
    FORWARD,
    INGRESS,
    INPUT,
    POSTROUTING,
    PREROUTING,
    Packets,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import (
    NOTHING,
    Region,
    flows_of,
    gathered,
    join,
    meet,
    region,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Base
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.walk import (
    Sent,
    Streams,
    TooMuchError,
    Walk,
    Way,
)

_STEPS = 3_000_000
_MOST_FLOWS = 1 << 22
_MOST_ENDS = 16
_SOMEWHERE = Doubt("where a rule sends it to", is_understood=False)
_TO_ITSELF = Doubt("the way to its new address", is_understood=False)
_NO_FORWARDING = Doubt("whether this host sends packets on", is_understood=False)

_Flow = t.Tuple[int, int]
"""The place of its arrival, and its port."""


class Fate(t.NamedTuple):
    """What becomes of packets."""

    passed: Region
    """These may get past the rules,"""
    dropped: Region
    """and these may not; what is in both depends on something."""
    ways: t.Sequence[tuple[int, Way]]
    """The flows of which packets are dropped, with the way on which most of them are."""
    doubts: t.Mapping[Doubt, int]
    """What it depends on, and the flows where it does."""
    sent_to: t.Mapping[_Flow, tuple[tuple[bytes, int], ...]]
    """Of flows that NAT sends elsewhere: the addresses, each with how much is added to the port."""


class _Detour(t.NamedTuple):
    """Packets that NAT sends elsewhere, with their new ends."""

    flows: Flows
    streams: Streams
    origins: t.Mapping[_Flow, t.Sequence[tuple[_Flow, Clients]]]
    """What they were before."""


def travel(flows: Flows, sent: Region, bases: t.Sequence[Base], host: Host, end: float) -> Fate:
    """*end*: a deadline(). Raises SourceError, TooMuchError."""
    if flows.all.bit_length() > _MOST_FLOWS:
        raise TooMuchError("more ports and addresses than there is time for")
    walk = Walk((base for base in bases if flows.bits // 8 in base.address_bytes), _STEPS, end)
    start = Packets(flows, INGRESS)
    for place, arrival in enumerate(flows.arrivals):
        doubts = tuple(_before_netfilter(arrival.comes, bases, host))
        if doubts:
            walk.lost.append((start, meet(sent, region(flows.arrival(place))), doubts))
    streams = walk.past(PREROUTING, walk.past(INGRESS, {start: sent}))
    detours = _detours(walk, host)
    passed = list(walk.past(INPUT, streams).items())
    for detour in detours:
        onward = walk.past(PREROUTING, detour.streams, is_sent_on=True)
        for hook in (INPUT,) if detour.flows.is_local else (FORWARD, POSTROUTING, EGRESS):
            onward = walk.past(hook, onward)
        passed += onward.items()
    return _fate(flows, walk, passed, detours)


def _before_netfilter(devices: t.Iterable[Device], bases: t.Sequence[Base], host: Host) -> t.Iterator[Doubt]:
    """What may do anything with packets that come in by these devices, or by those below them."""
    for device in devices:
        below = _below(device, host)
        programs = [each for each in (device, *below) if each.program]
        yield from (Doubt(f"{each.program} on {each.name}", is_understood=False) for each in programs)
        names = {each.name for each in below}
        if any(base.hook == INGRESS and not names.isdisjoint(base.devices or ()) for base in bases):
            yield Doubt(f"the rules of the devices below {device.name}", is_understood=False)
        if device.is_bridge and any(base.hook == BRIDGED for base in bases):
            yield Doubt(f"the rules of the bridge {device.name}", is_understood=False)


def _below(device: Device, host: Host) -> list[Device]:
    """The ports of a bridge or the like, and what a VLAN or the like is built on."""
    found, devices = [], [device]
    while devices:
        upper = devices.pop()
        lower = [each for each in host.devices if each.master == upper.number or each.number == upper.lower]
        devices += [each for each in lower if each not in found]
        found += lower
    return found


def _detours(walk: Walk, host: Host) -> list[_Detour]:
    """What NAT has sent elsewhere: to this host, and to others."""
    here, there = [], []
    own = {each.address for each in host.addresses}
    devices: dict[bytes, tuple[Device, ...]] = {}
    for sent in walk.sent:
        somewhere: list[tuple[int, Clients]] = []
        nowhere: list[tuple[int, Clients]] = []
        for end in _ends(sent, host):
            walk.spend(1)
            if not isinstance(end, _End):
                somewhere += end
            elif end.arrival.address in own:
                here.append(end)
            elif not all(host.forwards(device, sent.packets.flows.is_ipv6) for device in end.arrival.comes):
                nowhere += end.region()
            else:
                address = end.arrival.address
                devices[address] = devices.get(address) or _leaving_for(address, host)
                there.append(end._replace(arrival=end.arrival._replace(goes=devices[address])))
        # In one piece: a region costs as much as it has parts.
        walk.lost.append((sent.packets, gathered(somewhere), (*sent.doubts, _SOMEWHERE)))
        walk.lost.append((sent.packets, gathered(nowhere), (_NO_FORWARDING,)))
    return [_detour(ends, is_local) for ends, is_local in ((here, True), (there, False)) if ends]


def _leaving_for(address: bytes, host: Host) -> tuple[Device, ...]:
    """The devices that lead to an address; where that is not known, all."""
    routes = host.routes(len(address) == 16)
    number, bits = int.from_bytes(address, "big"), 8 * len(address)
    found = routes.by_devices(between(number, number, bits)) if routes else {}
    numbers = next(iter(found), frozenset())
    return tuple(device for device in host.devices if device.number in numbers) or host.devices


class _End(t.NamedTuple):
    """Packets of one flow with a new destination."""

    packets: Packets
    flow: _Flow
    clients: Clients
    arrival: Arrival
    """With their new address."""
    port: int

    def first(self) -> tuple[bytes, int]:
        """The address and the port that they went to before."""
        place, port = self.flow
        return self.packets.flows.arrivals[place].address, port

    def region(self) -> Region:
        """What they were before."""
        place, port = self.flow
        return region(self.packets.flows.flow(place, (port,)), self.clients)


def _ends(sent: Sent, host: Host) -> t.Iterator[_End | Region]:
    """The destinations that the kernel may choose; or packets of which it is not known where they go to."""
    if not sent.target:
        yield sent.region
        return
    flows = sent.packets.flows
    for mask, clients in sent.region:
        for place, port in flows.each(mask):
            arrival = flows.arrivals[place]
            addresses = targets.addresses(arrival, sent.target, host.addresses) or ()
            ports = targets.ports(port, sent.target)
            if any(map(is_loopback, addresses)) or not 0 < len(addresses) * len(ports) <= _MOST_ENDS:
                yield region(flows.flow(place, (port,)), clients)
                continue
            for address in addresses:
                for to_port in ports:
                    is_changed = (address, to_port) != (arrival.address, port)
                    packets = sent.packets._replace(is_sent_on=is_changed)
                    yield _End(packets, (place, port), clients, arrival._replace(address=address), to_port)


def _detour(ends: t.Sequence[_End], is_local: bool) -> _Detour:
    arrivals = {arrival: place for place, arrival in enumerate(dict.fromkeys(end.arrival for end in ends))}
    ports = {end.port for end in ends}
    if len(arrivals) * len(ports) > _MOST_FLOWS:
        raise TooMuchError("more destinations of NAT rules than there is time for")
    flows = Flows(ends[0].packets.flows.protocol, list(arrivals), ports, is_local)
    found: dict[tuple[Packets, int], Clients] = {}
    origins: dict[_Flow, list[tuple[_Flow, Clients]]] = {}
    for end in ends:
        place = arrivals[end.arrival]
        origins.setdefault((place, end.port), []).append((end.flow, end.clients))
        flows.first_ends.setdefault((place, end.port), set()).add(end.first())
        key = end.packets._replace(flows=flows), flows.flow(place, (end.port,))
        found[key] = either(found.get(key, False), end.clients)
    parts: dict[Packets, list[tuple[int, Clients]]] = {}
    for (packets, flow), clients in found.items():
        parts.setdefault(packets, []).append((flow, clients))
    return _Detour(flows, {packets: gathered(each) for packets, each in parts.items()}, origins)


def _fate(flows: Flows, walk: Walk, passed: t.Iterable[tuple[Packets, Region]], detours: t.Sequence[_Detour]) -> Fate:
    def home(packets: Packets, parts: Region) -> Region:
        """The packets as they were sent."""
        detour = next((each for each in detours if each.flows is packets.flows), None)
        return _before(flows, parts, detour) if detour else parts

    through = NOTHING
    for packets, parts in passed:
        through = join(through, home(packets, parts))
    stopped, ways = NOTHING, []
    for packets, parts, way in walk.dropped:
        walk.spend(1)
        parts = home(packets, parts)
        stopped = join(stopped, parts)
        ways.append((parts, way))
    doubts = [*walk.doubts]
    for packets, parts, reasons in walk.lost:
        walk.spend(1)
        through, stopped = join(through, home(packets, parts)), join(stopped, home(packets, parts))
        doubts.append((packets, parts, reasons or (_SOMEWHERE,)))
    unsure = flows_of(meet(through, stopped))
    where: dict[Doubt, int] = {}
    for packets, parts, reasons in doubts:
        walk.spend(1)
        seen = flows_of(home(packets, parts)) & unsure
        for doubt in reasons if seen else ():
            where[doubt] = where.get(doubt, 0) | seen
    return Fate(through, stopped, _main_ways(ways), where, _sent_to(detours))


def _sent_to(detours: t.Iterable[_Detour]) -> dict[_Flow, tuple[tuple[bytes, int], ...]]:
    found: dict[_Flow, dict[tuple[bytes, int], None]] = {}
    for detour in detours:
        for (place, port), origins in detour.origins.items():
            address = detour.flows.arrivals[place].address
            for origin, _clients in origins:
                found.setdefault(origin, {})[address, port - origin[1]] = None
    return {flow: tuple(ends) for flow, ends in found.items()}


def _before(flows: Flows, parts: Region, detour: _Detour) -> Region:
    found: dict[_Flow, Clients] = {}
    for mask, clients in parts:
        for flow in detour.flows.each(mask):
            for origin, its_clients in detour.origins[flow]:
                found[origin] = either(found.get(origin, False), both(clients, its_clients))
    return gathered((flows.flow(place, (port,)), clients) for (place, port), clients in found.items())


def _main_ways(ways: t.Sequence[tuple[Region, Way]]) -> list[tuple[int, Way]]:
    """For each flow the way on which most of its clients are dropped; of several the first."""
    found, taken = [], 0
    parts = [(mask, clients, way) for its_region, way in ways for mask, clients in its_region]
    for mask, _clients, way in sorted(parts, key=lambda part: -size(part[1])) if len(parts) > 1 else parts:
        if mask & ~taken:
            found.append((mask & ~taken, way))
            taken |= mask
    return found
