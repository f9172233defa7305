# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a packet that a NAT rule has given a new destination still gets to the server that it was for. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.arrivals import HostAddress
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import (
    ANY_INTERFACE,
    ITS_DEVICE,
    OUTPUT,
    Answer,
    Packet,
    Target,
    every,
)

_LOOPBACK = (b"\x7f\0\0\1", bytes(15) + b"\1")


class Server:
    """Whoever would bind the port."""

    def __init__(self, address: bytes | None, host: t.Sequence[HostAddress]) -> None:
        """The *address* is None for a wildcard."""
        self._address = address
        self._host = host

    def gets(self, packet: Packet, target: Target | None) -> Answer:
        """Whether the packet gets here when its destination becomes *target*."""
        if target is None:
            return "where a rule sends it to"
        return every((_keeps_port(packet, target), self._serves(packet, target)))

    def _serves(self, packet: Packet, target: Target) -> Answer:
        if target.is_redirect:
            return self._address is None or self._is_redirected_to(packet)
        first, last = target.addresses or (packet.address, packet.address)
        if first == last == packet.address:
            return True
        served = [own.address for own in self._host] if self._address is None else [self._address]
        has_some = any(first <= each <= last for each in served if len(each) == len(first))
        # Which of several it gets, nobody knows; and what is sent to another address than it came for may be dropped.
        return "the way to its new address" if has_some else False

    def _is_redirected_to(self, packet: Packet) -> Answer:
        """REDIRECT takes the first address of the device that the packet comes in by."""
        if packet.hook == OUTPUT:
            return self._address in _LOOPBACK
        if packet.interface == ANY_INTERFACE:
            return ITS_DEVICE
        on_device = [own.address for own in self._host if own.interface == packet.interface]
        addresses = [address for address in on_device if len(address) == len(packet.address)]
        if packet.is_ipv6 and len(addresses) > 1:
            return "the address that the kernel chooses"
        return addresses[:1] == [self._address]


def _keeps_port(packet: Packet, target: Target) -> Answer:
    if not target.ports:
        return True
    port, (first, last) = packet.known_port(), target.ports
    if target.base_port is not None:
        return first + (port - target.base_port) % (last - first + 1) == port
    return first <= port <= last
