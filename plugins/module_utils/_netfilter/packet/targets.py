# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where packets go to whose destination a NAT rule changes. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Arrival
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.hosts import HostAddress
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Target

LOOPBACK4, LOOPBACK6 = b"\x7f\0\0\1", bytes(15) + b"\1"
_MOST = 16


def addresses(arrival: Arrival, target: Target, host: t.Iterable[HostAddress]) -> list[bytes] | None:
    """Those that the kernel chooses from. None if there are many; of none, it drops the packet."""
    size = len(arrival.address)
    if target.is_redirect:
        if arrival.source is not None:
            return [LOOPBACK6 if size == 16 else LOOPBACK4]
        own = {each.address: None for each in host if each.device in arrival.comes and len(each.address) == size}
        # It takes the first of IPv4; of IPv6 one that goes with the client's.
        return list(own) if size == 16 or len(arrival.comes) > 1 else list(own)[:1]
    if not target.addresses:
        return [arrival.address]
    first, last = (int.from_bytes(each, "big") for each in target.addresses)
    if last - first >= _MOST:
        return None
    return [number.to_bytes(size, "big") for number in range(first, last + 1)]


def ports(port: int, target: Target) -> t.Sequence[int]:
    """Likewise."""
    if not target.ports:
        return (port,)
    first, last = target.ports
    if target.base_port is not None:
        return (first + (port - target.base_port) % (last - first + 1),)
    return (port,) if first <= port <= last else range(first, last + 1)


def is_served(
    server: bytes | None, arrival: Arrival, port: int, target: Target | None, host: t.Sequence[HostAddress]
) -> bool | Doubt:
    """Whether packets still get to the server that they were for, on the address *server* or, if None, on all."""
    if target is None:
        return Doubt("where a rule sends it to")
    if tuple(ports(port, target)) != (port,):
        return False
    if target.is_redirect:
        chosen = addresses(arrival, target, host) or []
        if server is None or server in chosen:
            return server is None or len(chosen) == 1 or Doubt("the address that the kernel chooses")
        return False
    first, last = target.addresses or (arrival.address, arrival.address)
    if first == last == arrival.address:
        return True
    served = [own.address for own in host] if server is None else [server]
    has_some = any(first <= each <= last for each in served if len(each) == len(first))
    # Which of several it gets, nobody knows; and what is sent to another address than it came for may be dropped.
    return Doubt("the way to its new address") if has_some else False
