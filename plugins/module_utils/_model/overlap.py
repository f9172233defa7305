# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""bind(2)'s rules for two sockets on one port: do their addresses overlap?

The rules are those of inet_rcv_saddr_equal() in the kernel's net/ipv4/inet_connection_sock.c; what IPV6_V6ONLY means is
in ipv6(7).
"""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    ANY4,
    ANY6,
    LISTENING,
    UDP,
    Endpoint,
    Socket,
    is_loopback,
)

_LOOPBACK_DEVICE = "lo"
_WILDCARDS = {socket.AF_INET: ANY4, socket.AF_INET6: ANY6}


def overlap(wanted: Endpoint, held: Endpoint) -> bool | None:
    """Whether a socket bound to *wanted* would meet one bound to *held* on the same port.

    None: it depends on the kernel, or on the IPV6_V6ONLY option of *held*, which the witness did not tell.
    """
    if wanted.vrf != held.vrf or (wanted.interface and held.interface and wanted.interface != held.interface):
        return False
    wanted4, held4 = wanted.ipv4, held.ipv4
    if wanted4 is not None and held4 is not None:
        if wanted.is_ipv6 and held.is_ipv6 and held4 == ANY4 != wanted4:
            return None  # Linux 6.1 does not see that ::ffff:0.0.0.0 is a wildcard, others do
        return wanted4 == held4 or ANY4 in (wanted4, held4)
    if wanted4 is not None:
        return _ipv4_meets_ipv6(wanted4, wanted.is_ipv6, held)
    if held4 is not None:
        return wanted.address == ANY6 and not wanted.v6only
    return wanted.address == held.address or ANY6 in (wanted.address, held.address)


def _ipv4_meets_ipv6(wanted4: bytes, wanted_is_mapped: bool, held: Endpoint) -> bool | None:
    # A connection over IPv6 from a socket that nobody bound keeps IPV6_V6ONLY off and stands in the table with an IPv4
    # stand-in address: the kernel lets it meet the IPv4 wildcard. bind(2) to an IPv6 literal sets the option by itself.
    meets = held.address == ANY6 or (wanted4 == ANY4 and not wanted_is_mapped)
    if not meets:
        return False
    return None if held.v6only is None else not held.v6only


def serves(wanted: Endpoint, held: Endpoint) -> bool:
    """Whether a server on *held* surely answers everything that is sent to *wanted*."""
    met = overlap(wanted, held)
    if met is None and held.ipv4 == ANY4:
        met = True  # ::ffff:0.0.0.0, which all kernels treat as a wildcard when a packet comes in
    if not met or not (held.is_wildcard or not wanted.is_wildcard):
        return False
    if wanted.address == ANY6 and not wanted.v6only and (held.address != ANY6 or held.v6only is not False):
        return False  # clients of IPv4 belong to it
    if held.interface and held.interface != wanted.interface:
        is_local = is_loopback(wanted.ipv4 or wanted.address)
        # Clients of an address come in by the device that has it, which may be the server's own.
        if wanted.is_wildcard or is_local is not (held.interface == _LOOPBACK_DEVICE):
            return False
    return wanted.ipv4 is not None or held.ipv4 is None


def preferred(wanted: Endpoint, servers: t.Sequence[Socket]) -> list[Socket]:
    """Those of the *servers* on one port that clients of *wanted* may meet.

    The kernel prefers a socket with the very address to one with a wildcard, and for IPv4 one of AF_INET to one of
    AF_INET6: __inet_lookup_listener() and compute_score() in net/ipv4/inet_hashtables.c, and the same in udp.c. What
    comes in by a device may go to a socket that is bound to it.
    """
    found: dict[Socket, None] = {}
    for family in _families(wanted):
        by_address: dict[bytes, list[Socket]] = {}
        for held in servers:
            address = _taken_in(family, held.endpoint)
            if address is not None and overlap(wanted, held.endpoint) is not False:
                by_address.setdefault(address, []).append(held)
        wildcard = by_address.pop(_WILDCARDS[family], [])
        exact = [held for each in by_address.values() for held in _best(each)]
        found.update(dict.fromkeys(exact))
        if wanted.is_wildcard or all(held.endpoint.interface for held in exact):
            found.update(dict.fromkeys(_best(wildcard)))
    return [held for held in servers if held in found]


def _families(wanted: Endpoint) -> t.Sequence[socket.AddressFamily]:
    """Those of its clients."""
    if wanted.ipv4 is not None:
        return (socket.AF_INET,)
    return (socket.AF_INET6,) if wanted.v6only or not wanted.is_wildcard else (socket.AF_INET6, socket.AF_INET)


def _taken_in(family: int, held: Endpoint) -> bytes | None:
    """The address for which a socket takes clients of a family; None if it takes none."""
    if family == socket.AF_INET:
        return ANY4 if held.address == ANY6 and not held.v6only else held.ipv4
    return held.address if held.ipv4 is None else None


def _best(servers: t.Sequence[Socket]) -> list[Socket]:
    """Of those that have one address: each that is bound to a device, and of the others those of AF_INET, if any."""
    of_all_devices = [held for held in servers if not held.endpoint.interface]
    ipv4 = [held for held in of_all_devices if not held.endpoint.is_ipv6]
    return [held for held in servers if held.endpoint.interface] + (ipv4 or of_all_devices)


def surely_taken(wanted: Endpoint, sockets: t.Iterable[Socket]) -> bool:
    """Whether a table that shows devices, read without connections, rules a bind to *wanted* out by itself."""
    return any(
        (held.protocol == UDP or held.state == LISTENING) and overlap(wanted, held.endpoint) is True for held in sockets
    )
