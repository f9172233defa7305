# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packets that are asked about, all at once. Pure.

They open a connection, or are the first of several datagrams. A flow is what such packets have in common: how they
arrive, and the port that they go to. Each has a number, so that a set of flows is a number of as many bits: first those
of the first arrival, one for each port, then those of the second.
"""

from __future__ import annotations

import bisect
import itertools
import socket
import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import clients
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import (
    Answer,
    Doubt,
    Where,
    doubt_of,
    inverted,
    narrow,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import (
    Region,
    region,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import (
    Field,
    Unknown,
    Value,
    joined,
    size_of,
)

SOURCE, SOURCE_PORT, ADDRESS, PORT = "source", "source port", "address", "port"
IIF, IIFNAME, IIFGROUP, IIFTYPE = "iif", "iifname", "iifgroup", "iiftype"
OIF, OIFNAME = "oif", "oifname"
_SIZES = {IIF: 4, IIFNAME: 16, IIFGROUP: 4, IIFTYPE: 2, OIF: 4, OIFNAME: 16}

ITS_DEVICE = Doubt("the device that it comes in by")
SOURCE_ADDRESS, _SOURCE_PORT = Doubt("the source address"), Doubt("the source port")
_HEADER = Doubt("the header")
_FIRST_END = Doubt("where it was sent at first", is_understood=False)
_LIFE = Doubt("the time to live")
_DF = Doubt("the flag DF of its header")
_FIRST_UNPRIVILEGED = 1024


class Device(t.NamedTuple):
    """A network device."""

    number: int
    name: str
    group: int = 0
    kind: int = 1
    """As ARPHRD_* of linux/if_arp.h numbers it; 1 is Ethernet."""
    master: int = 0
    """The number of the bridge or the like that it belongs to."""
    lower: int = 0
    """The number of the device that it is built on."""
    is_bridge: bool = False
    program: str = ""
    """What looks at its packets before netfilter does."""


class Arrival(t.NamedTuple):
    """Packets that differ in their client and their port alone."""

    address: bytes
    """Where they go."""
    comes: tuple[Device, ...] = ()
    """The device that they come in by, or those of which it is one; none for packets that this host sends itself."""
    goes: tuple[Device, ...] = ()
    """Likewise the device that they leave by."""
    source: bytes | None = None
    """Where all of them come from; None where the clients differ."""
    is_routed: bool = True
    """Whether this host answers by the device that they come in by."""


class Flows:
    """Packets of one protocol and one version of IP."""

    def __init__(
        self, protocol: int, arrivals: t.Sequence[Arrival], ports: t.Iterable[int], is_local: bool = True
    ) -> None:
        """*is_local*: whether they go to addresses of this host."""
        self.protocol = protocol
        self.is_local = is_local
        self.arrivals = tuple(arrivals)
        self.ports = sorted(set(ports))
        self.is_ipv6 = len(arrivals[0].address) == 16
        self.bits = 128 if self.is_ipv6 else 32
        count = len(self.ports)
        self._firsts = sum(1 << place * count for place in range(len(arrivals)))
        self.all = (self._firsts << count) - self._firsts
        self._values: dict[str, list[tuple[bytes, ...]]] = {}
        self._indexes: dict[Field, dict[int, tuple[int, int]]] = {}
        self._headers: dict[bool, Value] = {}
        self.first_ends: dict[tuple[int, int], set[tuple[bytes, int]]] = {}
        """Of packets that NAT sent here, by the place of their arrival and their port: where they went at first."""

    def arrival(self, place: int) -> int:
        """The flows of one arrival."""
        count = len(self.ports)
        return ((1 << count) - 1) << place * count

    def by_devices(self, names: t.Collection[str]) -> tuple[Region, Region]:
        """What surely comes in by these devices, and what may."""
        sure = may = 0
        for place, arrival in enumerate(self.arrivals):
            are_among = [device.name in names for device in arrival.comes]
            sure |= self.arrival(place) if are_among and all(are_among) else 0
            may |= self.arrival(place) if any(are_among) else 0
        return region(sure), region(may)

    def to_ports(self, first: int, last: int) -> int:
        """The flows to the ports from *first* to *last*."""
        begin, end = bisect.bisect_left(self.ports, first), bisect.bisect_right(self.ports, last)
        return (self._firsts << end) - (self._firsts << begin)

    def each(self, flows: int) -> t.Iterator[tuple[int, int]]:
        """(place of the arrival, port) of each of some flows."""
        count = len(self.ports)
        digits = bin(flows)[:1:-1]
        at = digits.find("1")
        while at >= 0:
            yield at // count, self.ports[at % count]
            at = digits.find("1", at + 1)

    def flow(self, place: int, ports: t.Collection[int]) -> int:
        """The flows of one arrival to some ports."""
        if len(ports) == len(self.ports):
            return self.arrival(place)
        return sum(1 << bisect.bisect_left(self.ports, port) for port in ports) << place * len(self.ports)

    def load(self, name: str) -> Value:
        """A field."""
        size = self._size(name)
        if name not in (PORT, SOURCE_PORT) and not self._is_of_clients(name):
            first, *others = self._field(name)
            if len(first) == 1 and all(other == first for other in others):
                return first[0]
        return Field(name, 0, size, (1 << 8 * size) - 1)

    def _field(self, name: str) -> list[tuple[bytes, ...]]:
        """Of each arrival the values that it can have."""
        if name not in self._values:
            self._values[name] = [_choices(arrival, name) for arrival in self.arrivals]
        return self._values[name]

    def header(self, is_network: bool) -> Value:
        """That of IP, or else that of the protocol above it."""
        if is_network not in self._headers:
            self._headers[is_network] = joined(self._network() if is_network else self._transport())
        return self._headers[is_network]

    def _network(self) -> list[Value]:
        """An IP header without options, of a packet that is no fragment."""
        protocol, ends = bytes((self.protocol,)), [self.load(SOURCE), self.load(ADDRESS)]
        if self.is_ipv6:
            return [Unknown(_HEADER, 1, 0xF0, 0x60), Unknown(_HEADER, 5), protocol, Unknown(_LIFE, 1), *ends]
        fragment = Unknown(_DF, 2, 0xBFFF)  # all but DF
        return [b"\x45", Unknown(_HEADER, 5), fragment, Unknown(_LIFE, 1), protocol, Unknown(_HEADER, 2), *ends]

    def _transport(self) -> list[Value]:
        ports = [self.load(SOURCE_PORT), self.load(PORT)]
        if self.protocol != socket.IPPROTO_TCP:
            return ports
        # SYN, and with some clients ECE and CWR.
        flags = Unknown(Doubt("the client's use of ECN"), 1, 0x3F, 0x02)
        return [*ports, Unknown(_HEADER, 9), flags]

    def went_first(self, has: t.Callable[[bytes, int], bool]) -> Answer:
        """Which packets went to such an address and port, before NAT sent them elsewhere."""
        if not self.first_ends:
            return _FIRST_END
        sure = may = 0
        for (place, port), ends in self.first_ends.items():
            among = [has(*end) for end in ends]
            flow = self.flow(place, (port,)) if any(among) else 0
            may, sure = may | flow, sure | (flow if all(among) else 0)
        return _some(may, sure, _FIRST_END)

    def every(self, answers: t.Iterable[Answer]) -> Answer:
        """The packets that have all of them."""
        sure: Region = region(self.all)
        may, doubt = sure, None
        for answer in answers:
            sure, may = narrow(answer, sure, may)
            doubt = doubt_of(answer) or doubt
            if not may:
                return False
        return Where(sure, may, doubt if sure != may else None)

    def some(self, answers: t.Iterable[Answer]) -> Answer:
        """The packets that have one of them."""
        return inverted(self.every(inverted(answer) for answer in answers))

    def equal(self, value: Value, wanted: bytes) -> Answer:
        """Which packets have *wanted* there."""
        if isinstance(value, bytes):
            return value == wanted
        if isinstance(value, Field):
            return self._field_equal(value, wanted)
        if isinstance(value, Unknown):
            differs = (value.known_bits ^ int.from_bytes(wanted, "big")) & value.known_mask
            return False if differs else value.doubt
        ends = list(itertools.accumulate(map(size_of, value.parts)))
        return self.every(self.equal(part, wanted[end - size_of(part) : end]) for part, end in zip(value.parts, ends))

    def between(self, value: Value, first: bytes, last: bytes) -> Answer:
        """Which packets have a number from *first* to *last* there."""
        if isinstance(value, bytes):
            return first <= value <= last
        if isinstance(value, Field):
            return self._field_between(value, first, last)
        if first == last:
            return self.equal(value, first)
        doubts = [part.doubt for part in getattr(value, "parts", (value,)) if isinstance(part, Unknown)]
        return doubts[0] if doubts else Doubt("several fields as one number", is_understood=False)

    def _field_equal(self, field: Field, wanted: bytes) -> Answer:
        number = int.from_bytes(wanted, "big") ^ field.flips
        if number & ~field.mask:
            return False
        below, is_whole = 8 * (self._size(field.name) - field.at - field.size), self.is_whole(field)
        if field.name == PORT:
            if is_whole:
                return _where(self.to_ports(number, number))
            return _where(self._ports_where(lambda port: port >> below & field.mask == number))
        if field.name == SOURCE_PORT:
            return self._from_ports(number, number) if is_whole else _SOURCE_PORT
        if self._is_of_clients(field.name):
            found = clients.matching(field.mask << below, number << below, self.bits)
            return SOURCE_ADDRESS if found is None else _where(self.all, found)
        return _some(*self._index(field).get(number, (0, 0)))

    def _field_between(self, field: Field, first: bytes, last: bytes) -> Answer:
        low, high = int.from_bytes(first, "big"), int.from_bytes(last, "big")
        if self.is_whole(field):
            if field.name == PORT:
                return _where(self.to_ports(low, high))
            if field.name == SOURCE_PORT:
                return self._from_ports(low, high)
            if self._is_of_clients(field.name):
                return _where(self.all, clients.between(low, high, self.bits))
        if field.name in (PORT, SOURCE_PORT) or self._is_of_clients(field.name):
            return self._field_equal(field, first) if low == high else Doubt("a part of a number", is_understood=False)
        may = sure = 0
        for value, (its_may, its_sure) in self._index(field).items():
            if low <= value ^ field.flips <= high:
                may, sure = may | its_may, sure | its_sure
        return _some(may, sure)

    def _size(self, name: str) -> int:
        return self.bits // 8 if name in (SOURCE, ADDRESS) else _SIZES.get(name, 2)

    def is_whole(self, field: Field) -> bool:
        """Whether it is all of a field, as packets have it."""
        return not field.flips and field.size == self._size(field.name) and field.mask == (1 << 8 * field.size) - 1

    def _is_of_clients(self, name: str) -> bool:
        return name == SOURCE and self.arrivals[0].source is None

    def _index(self, field: Field) -> dict[int, tuple[int, int]]:
        """The flows that may have a value in the *field*, before bits are inverted, and those that surely have it."""
        key = field._replace(flips=0)
        if key not in self._indexes:
            index: dict[int, tuple[int, int]] = {}
            below = 8 * (self._size(field.name) - field.at - field.size)
            for place, choices in enumerate(self._field(field.name)):
                values = {int.from_bytes(each, "big") >> below & field.mask for each in choices}
                for value in values:
                    may, sure = index.get(value, (0, 0))
                    flows = self.arrival(place)
                    index[value] = (may | flows, sure | flows if len(values) == 1 else sure)
            self._indexes[key] = index
        return self._indexes[key]

    def _ports_where(self, has: t.Callable[[int], bool]) -> int:
        places = sum(1 << place for place, port in enumerate(self.ports) if has(port))
        return sum(places << each * len(self.ports) for each in range(len(self.arrivals)))

    def _from_ports(self, first: int, last: int) -> Answer:
        """Clients send from an unprivileged port; those of UDP perhaps from the one that they send to, as with NTP."""
        some = last >= _FIRST_UNPRIVILEGED
        every = first <= _FIRST_UNPRIVILEGED and last == 0xFFFF
        if self.protocol != socket.IPPROTO_UDP:
            return every or (_SOURCE_PORT if some else False)
        own = self.to_ports(first, last)
        return _some(self.all if some else own, own if every else 0, _SOURCE_PORT)


def _choices(arrival: Arrival, name: str) -> tuple[bytes, ...]:
    if name == ADDRESS:
        return (arrival.address,)
    if name == SOURCE:
        return (arrival.source or b"",)
    devices = arrival.goes if name in (OIF, OIFNAME) else arrival.comes
    found = tuple(dict.fromkeys(_of_device(device, name) for device in devices))
    return found or (bytes(_SIZES[name]),)


def _of_device(device: Device, name: str) -> bytes:
    if name in (IIF, OIF):
        return struct.pack("=I", device.number)
    if name == IIFGROUP:
        return struct.pack("=I", device.group)
    if name == IIFTYPE:
        return struct.pack("=H", device.kind)
    return device.name.encode("utf-8", "surrogateescape").ljust(16, b"\0")


def _where(flows: int, of: clients.Clients = True) -> Answer:
    found = region(flows, of)
    return Where(found, found) if found else False


def _some(may: int, sure: int, doubt: Doubt = ITS_DEVICE) -> Answer:
    return _where(may) if may == sure else Where(region(sure), region(may), doubt)
