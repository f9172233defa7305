# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packets that a server waits for: to which addresses of this host they go, and by which devices they come."""

from __future__ import annotations

import socket
import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes, dump
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Endpoint, is_link_local, is_loopback
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import (
    ANY_INTERFACE,
    ITS_DEVICE,
    OUTPUT,
    PREROUTING,
    Interface,
    Packet,
)

_NETLINK_ROUTE = 0
_RTM_NEWADDR, _RTM_GETADDR = 20, 22
_IFADDRMSG = struct.Struct("=BBBBI")  # family, length of the prefix, flags, scope, device
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_LOOPBACK = Interface(1, "lo")  # in each network namespace
_HERE = "whether it comes from this host itself"


class HostAddress(t.NamedTuple):
    """One of a device's addresses; the kernel prefers those that come first."""

    interface: Interface
    address: bytes


def read_addresses() -> list[HostAddress]:
    """By rtnetlink(7). Raises SourceError."""
    names = dict(socket.if_nameindex())
    found = []
    for payload in dump(_NETLINK_ROUTE, _RTM_GETADDR, _RTM_NEWADDR, bytes(_IFADDRMSG.size)):
        family, _prefix, _flags, _scope, index = _IFADDRMSG.unpack_from(payload)
        told = dict(attributes(payload, _IFADDRMSG.size))
        address = told.get(_IFA_LOCAL) or told.get(_IFA_ADDRESS)
        if family in (socket.AF_INET, socket.AF_INET6) and address and index in names:
            found.append(HostAddress(Interface(index, names[index]), address))
    return found


def literal(endpoint: Endpoint) -> bytes | None:
    """The address that a server asks for; None for a wildcard."""
    return None if endpoint.is_wildcard else endpoint.ipv4 or endpoint.address


class Arrivals(t.NamedTuple):
    """Packets to one address that differ in their device alone."""

    packet: Packet
    """Stands for each of them."""
    usual: t.Collection[Interface]
    """The server is reached only if it gets what comes in by each of these."""
    others: t.Collection[Interface] = ()
    """Some clients are cut off if it does not get what comes in by one of these."""
    who: str = ""
    """What tells them from other clients."""


def to_server(protocol: int, endpoint: Endpoint, host: t.Sequence[HostAddress]) -> t.Iterator[Arrivals]:
    """To each address that a server would serve, without a port."""
    address, devices = literal(endpoint), _devices(host)
    if address is None:
        sizes = (4,) if endpoint.ipv4 else (16,) if endpoint.v6only else (4, 16)
        reached = {*devices, _LOOPBACK}
        served = [own for own in host if len(own.address) in sizes and own.interface in reached]
        for own in served:
            if not is_loopback(own.address):
                yield from _from_others(protocol, own.address, own.interface, devices)
        for each in dict.fromkeys(own.address for own in served):
            yield Arrivals(_from_here(protocol, each), (), (_LOOPBACK,), _HERE)
    elif is_loopback(address):
        yield Arrivals(_from_here(protocol, address), (_LOOPBACK,))
    else:
        owners = [own.interface for own in host if own.address == address]
        owner = next((owner for owner in owners if endpoint.interface in (None, owner.name)), None)
        yield from _from_others(protocol, address, owner, devices)
        if owner:
            yield Arrivals(_from_here(protocol, address), (), (_LOOPBACK,), _HERE)


def _from_others(
    protocol: int, address: bytes, owner: Interface | None, devices: t.Collection[Interface]
) -> t.Iterator[Arrivals]:
    """They come in by the device that has the address, some by another; where none has it to itself, by any."""
    packet = Packet(protocol, PREROUTING, ANY_INTERFACE, address)
    if owner and is_link_local(address):
        yield Arrivals(packet._replace(interface=owner), (owner,))
    elif owner and owner != _LOOPBACK:
        yield Arrivals(packet, (owner,), devices, ITS_DEVICE)
    elif devices:
        yield Arrivals(packet, devices)


def _from_here(protocol: int, address: bytes) -> Packet:
    return Packet(protocol, OUTPUT, _LOOPBACK, address)


def _devices(host: t.Iterable[HostAddress]) -> t.Collection[Interface]:
    """Without those that have a link-local address alone, unless all have: mostly they are the ports of a bridge."""
    outer = [own for own in host if own.interface != _LOOPBACK]
    routed = [own for own in outer if not is_link_local(own.address)]
    return dict.fromkeys(own.interface for own in routed or outer)
