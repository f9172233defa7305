# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The UDP ports that the kernel's own tunnel devices hold, by rtnetlink(7)."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netlink_dump import attributes, dump
from ansible_collections.preflight.ports.plugins.module_utils._sockets import SourceError

_NETLINK_ROUTE = 0
_RTM_NEWLINK, _RTM_GETLINK = 16, 18
_IFINFOMSG_BYTES = 16
_IFLA_LINKINFO, _IFLA_INFO_KIND, _IFLA_INFO_DATA = 18, 1, 2
_PORT_ATTRIBUTES = {b"vxlan": 15, b"geneve": 5}  # IFLA_VXLAN_PORT, IFLA_GENEVE_PORT of linux/if_link.h
_WIREGUARD = b"wireguard"  # tells its port over generic netlink, and only to an administrator


class Tunnels(t.NamedTuple):
    """What the tunnel devices of this network namespace hold."""

    ports: frozenset[int] = frozenset()
    has_wireguard: bool = False


def read() -> Tunnels:
    """Nothing, where the kernel does not tell."""
    try:
        links = [link(payload) for payload in dump(_NETLINK_ROUTE, _RTM_GETLINK, _RTM_NEWLINK, bytes(_IFINFOMSG_BYTES))]
    except SourceError:
        return Tunnels()
    return Tunnels(
        ports=frozenset(port for _kind, port in links if port),
        has_wireguard=any(kind == _WIREGUARD for kind, _port in links),
    )


def link(payload: bytes) -> tuple[bytes, int | None]:
    """One RTM_NEWLINK -> (kind of device, the UDP port that it tells). Raises SourceError."""
    for kind, value in attributes(payload, _IFINFOMSG_BYTES):
        if kind == _IFLA_LINKINFO:
            info = dict(attributes(value))
            device = info.get(_IFLA_INFO_KIND, b"").rstrip(b"\0")
            data = dict(attributes(info.get(_IFLA_INFO_DATA, b"")))
            port = data.get(_PORT_ATTRIBUTES.get(device, 0))
            return device, int.from_bytes(port, "big") if port else None
    return b"", None
