# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packets that a server waits for: to which addresses of this host they go, and by which devices. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Endpoint, is_link_local, is_loopback
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import ITS_DEVICE, Arrival, Device
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.hosts import HostAddress

LOOPBACK = 1  # the number of the loopback device, in each network namespace
HERE = "whether it comes from this host itself"
_FEW = 8


def literal(endpoint: Endpoint) -> bytes | None:
    """The address that a server asks for; None for a wildcard."""
    return None if endpoint.is_wildcard else endpoint.ipv4 or endpoint.address


class Arrivals(t.NamedTuple):
    """Packets to one address."""

    usual: tuple[Arrival, ...]
    """The server is reached only if it gets each of these."""
    others: tuple[Arrival, ...] = ()
    """Some clients are cut off if it does not get one of these."""
    who: str = ITS_DEVICE.what
    """What tells them from other clients."""


def to_server(endpoint: Endpoint, host: t.Sequence[HostAddress]) -> t.Iterator[Arrivals]:
    """To each address that a server would serve."""
    address, devices = literal(endpoint), outer_devices(host)
    if address is None:
        served = served_by_wildcard(endpoint, host)
        for own in served:
            if not is_loopback(own.address):
                yield from _from_others(own.address, own.device, devices)
        for each in dict.fromkeys(own.address for own in served):
            yield Arrivals((), (_from_here(each, host),), HERE)
    elif is_loopback(address):
        yield Arrivals((_from_here(address, host),))
    else:
        owners = [own.device for own in host if own.address == address]
        owner = next((owner for owner in owners if endpoint.interface in (None, owner.name)), None)
        yield from _from_others(address, owner, devices)
        if owner:
            yield Arrivals((), (_from_here(address, host),), HERE)


def served_by_wildcard(endpoint: Endpoint, host: t.Sequence[HostAddress]) -> list[HostAddress]:
    """The addresses that packets for a wildcard go to; not those of the ports of a bridge."""
    sizes = (4,) if endpoint.ipv4 else (16,) if endpoint.v6only else (4, 16)
    devices = outer_devices(host)
    return [
        own for own in host if len(own.address) in sizes and (own.device in devices or own.device.number == LOOPBACK)
    ]


def outer_devices(host: t.Iterable[HostAddress]) -> t.Collection[Device]:
    """Without those that have a link-local address alone, unless all have: mostly they are the ports of a bridge."""
    outer = [own for own in host if own.device.number != LOOPBACK]
    routed = [own for own in outer if not is_link_local(own.address)]
    return dict.fromkeys(own.device for own in routed or outer)


def _from_others(address: bytes, owner: Device | None, devices: t.Collection[Device]) -> t.Iterator[Arrivals]:
    """They come in by the device that has the address, some by another; where none has it to itself, by any."""
    if owner and is_link_local(address):
        yield Arrivals((Arrival(address, (owner,)),))
    elif owner and owner.number != LOOPBACK:
        others = [device for device in devices if device != owner]
        choices = [(device,) for device in others] if len(others) <= _FEW else [tuple(others)]
        yield Arrivals((Arrival(address, (owner,)),), tuple(Arrival(address, choice) for choice in choices))
    elif devices:
        yield Arrivals(tuple(Arrival(address, (device,)) for device in devices))


def _from_here(address: bytes, host: t.Iterable[HostAddress]) -> Arrival:
    """Mostly the kernel takes the very address; from the first of 127.0.0.0/8 it reaches all of them."""
    source = b"\x7f\0\0\1" if len(address) == 4 and is_loopback(address) else address
    return Arrival(address, goes=(Device(LOOPBACK, "lo"),), source=source)
