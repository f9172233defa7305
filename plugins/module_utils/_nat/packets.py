# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packets that a server waits for: to which addresses of this host they go, and by which devices they come."""

from __future__ import annotations

import socket
import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._nat.rules import OUTPUT, PREROUTING, Interface, Packet
from ansible_collections.preflight.ports.plugins.module_utils._netlink_dump import attributes, dump
from ansible_collections.preflight.ports.plugins.module_utils._sockets import MAPPED_PREFIX, Endpoint

_NETLINK_ROUTE = 0
_RTM_NEWADDR, _RTM_GETADDR = 20, 22
_IFADDRMSG = struct.Struct("=BBBBI")  # family, length of the prefix, flags, scope, device
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_LOOPBACK_DEVICE = "lo"
_LOOPBACK4_NET, _LOOPBACK6 = 127, bytes(15) + b"\1"


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
    mapped = endpoint.address.startswith(MAPPED_PREFIX)
    return None if endpoint.is_wildcard else endpoint.address[12:] if mapped else endpoint.address


def to_server(protocol: int, endpoint: Endpoint, host: t.Sequence[HostAddress]) -> list[Packet]:
    """One to each address that a server would serve, without a port."""
    address = literal(endpoint)
    if address is None:
        is_ipv4 = not endpoint.is_ipv6 or endpoint.address.startswith(MAPPED_PREFIX)
        sizes = (4,) if is_ipv4 else (16,) if endpoint.v6only else (4, 16)
        served = [own for own in _reached_by_others(host) if len(own.address) in sizes]
        return [packet for own in served for packet in _to_address(protocol, own.address, own.interface, host)]
    if _is_loopback(address):
        device = Interface(socket.if_nametoindex(_LOOPBACK_DEVICE), _LOOPBACK_DEVICE)
        return [Packet(protocol, OUTPUT, device, address)]
    owners = [own.interface for own in host if own.address == address]
    owner = next((owner for owner in owners if endpoint.interface in (None, owner.name)), None)
    return _to_address(protocol, address, owner, host)


def _to_address(protocol: int, address: bytes, owner: Interface | None, host: t.Sequence[HostAddress]) -> list[Packet]:
    """They come in by the device that has the address, or, where it has none to itself, by any."""
    if owner and owner.name != _LOOPBACK_DEVICE:
        return [Packet(protocol, PREROUTING, owner, address)]
    devices = dict.fromkeys(own.interface for own in _reached_by_others(host))
    return [Packet(protocol, PREROUTING, device, address) for device in devices]


def _reached_by_others(host: t.Sequence[HostAddress]) -> list[HostAddress]:
    """Without loopback, and without devices that have a link-local address alone: mostly those of a bridge's ports."""
    reached = [own for own in host if not _is_loopback(own.address)]
    devices = {own.interface for own in reached if not _is_link_local(own.address)}
    return [own for own in reached if own.interface in devices] or reached


def _is_loopback(address: bytes) -> bool:
    return address == _LOOPBACK6 or (len(address) == 4 and address[0] == _LOOPBACK4_NET)


def _is_link_local(address: bytes) -> bool:
    return len(address) == 16 and address[0] == 0xFE and address[1] & 0xC0 == 0x80
