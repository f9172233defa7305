# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which clients send to a server, to which addresses of this host, and by which devices. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.passage import Access, Network
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Endpoint, is_link_local, is_loopback
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.arrivals import (
    LOOPBACK,
    literal,
    outer_devices,
    served_by_wildcard,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import (
    Clients,
    between,
    both,
    either,
    without,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Arrival, Device
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.hosts import Host

# From these no other host sends: "this" network, loopback, multicast and what is reserved.
_NOBODYS = (
    Network(bytes(4), 8), Network(b"\x7f\0\0\0", 8), Network(b"\xe0\0\0\0", 3),
    Network(bytes(16), 96), Network(bytes(10) + b"\xff\xff" + bytes(4), 96), Network(b"\xff" + bytes(15), 8),
)  # fmt: skip
_LINK_LOCAL = Network(b"\xfe\x80" + bytes(14), 10)

_Others = t.Mapping[t.Tuple[int, bool], Clients]
"""Bits of an address, whether it is link-local -> who sends to it."""
_Sent = t.Iterator[t.Tuple[Arrival, Clients]]


def callers(access: Access, host: Host) -> dict[Arrival, Clients]:
    """The packets of an access; none to loopback addresses."""
    ends = [(endpoint, _addresses(endpoint, host)) for endpoint in access.endpoints]
    # All hosts have link-local addresses. Where there are others, clients use those.
    if any(not is_link_local(address) for _endpoint, addresses in ends for address in addresses):
        ends = [(end, [each for each in own if not (end.is_wildcard and is_link_local(each))]) for end, own in ends]
    kinds = {(8 * len(each), is_link_local(each)) for _endpoint, addresses in ends for each in addresses}
    others = {kind: _others(*kind, host) for kind in kinds}
    found: dict[Arrival, Clients] = {}
    for endpoint, addresses in ends:
        for bits in {8 * len(address) for address in addresses}:
            of_family = [address for address in addresses if 8 * len(address) == bits]
            for arrival, clients in _sent(endpoint, of_family, access.clients, others, host):
                found[arrival] = either(found.get(arrival, False), clients)
    return {arrival: clients for arrival, clients in found.items() if clients is not False}


def _addresses(endpoint: Endpoint, host: Host) -> list[bytes]:
    address = literal(endpoint)
    served = [address] if address else [own.address for own in served_by_wildcard(endpoint, host.addresses)]
    return list(dict.fromkeys(each for each in served if not is_loopback(each)))


def _sent(
    endpoint: Endpoint, addresses: t.Sequence[bytes], networks: t.Sequence[Network], others: _Others, host: Host
) -> _Sent:
    """To addresses of one version of IP."""
    bits = 8 * len(addresses[0])
    if not networks:
        for address in addresses:
            clients = others[bits, is_link_local(address)]
            for device in _owners(endpoint, address, host):
                yield Arrival(address, (device,), is_routed=True), clients
        return
    wanted: Clients = False
    for network in networks:
        wanted = either(wanted, _tree(network, bits))
    wanted = both(wanted, others[bits, is_link_local(addresses[0])])
    routes = host.routes(bits == 128)
    by_devices = routes.by_devices(wanted) if routes and not endpoint.interface else {frozenset(): wanted}
    for numbers, clients in by_devices.items():
        devices = [device for device in host.devices if device.number in numbers]
        is_owned = False
        for device in devices:
            own = [each.address for each in host.addresses if each.device == device and each.address in addresses]
            is_owned = is_owned or bool(own)
            yield from ((Arrival(address, (device,)), clients) for address in own or addresses)
        # To the address of another device they may come by that one, too, if they have a link there.
        for address in addresses if not is_owned else ():
            for device in _owners(endpoint, address, host):
                yield Arrival(address, (device,)), clients


def _owners(endpoint: Endpoint, address: bytes, host: Host) -> t.Collection[Device]:
    """The device that the server is bound to; else those that have the address, or any. Nobody is on an idle bridge."""
    if endpoint.interface:
        return [device for device in host.devices if device.name == endpoint.interface]
    owners = [own.device for own in host.addresses if own.address == address and own.device.number != LOOPBACK]
    outer = outer_devices(host.addresses)
    idle = {device.number for device in host.devices if device.is_bridge} - {device.master for device in host.devices}
    choices = ([device for device in each if device.number not in idle] for each in (owners, outer))
    return next(filter(None, choices), owners or outer)


def _others(bits: int, is_to_link_local: bool, host: Host) -> Clients:
    """All from which another host may send to an address."""
    found: Clients = _tree(_LINK_LOCAL, bits) if is_to_link_local else True
    for network in (*_NOBODYS, *(Network(own.address, 8 * len(own.address)) for own in host.addresses)):
        found = without(found, _tree(network, bits))
    return found


def _tree(network: Network, bits: int) -> Clients:
    if 8 * len(network.address) != bits:
        return False
    first = int.from_bytes(network.address, "big")
    return between(first, first | (1 << bits - network.length) - 1, bits)
