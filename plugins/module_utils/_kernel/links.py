# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the devices of this network namespace mean for ports, by rtnetlink(7): VRFs, and tunnels that hold UDP ports."""

from __future__ import annotations

import struct
import sys
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes, dump
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Socket, SourceError

_NETLINK_ROUTE = 0
_RTM_NEWLINK, _RTM_GETLINK = 16, 18
_IFINFOMSG = struct.Struct("=4xi8x")  # of which the number of the device
_IFLA_IFNAME, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_INFO_KIND, _IFLA_INFO_DATA = 3, 10, 18, 1, 2
_PORT_ATTRIBUTES = {"vxlan": 15, "geneve": 5}  # IFLA_VXLAN_PORT, IFLA_GENEVE_PORT of linux/if_link.h
_WIREGUARD = "wireguard"  # tells its port over generic netlink, and only to an administrator
_VRF = "vrf"


class Link(t.NamedTuple):
    """One network device."""

    number: int
    name: str
    kind: str
    """Empty for a device that no driver of virtual devices made."""
    master: int
    """The number of the device that this one is enslaved to, or 0."""
    udp_port: int | None
    """That the kernel holds for a tunnel."""


def read() -> list[Link]:
    """The devices; none where the kernel does not tell."""
    try:
        return [parse(payload) for payload in dump(_NETLINK_ROUTE, _RTM_GETLINK, _RTM_NEWLINK, bytes(_IFINFOMSG.size))]
    except SourceError:
        return []


def parse(payload: bytes) -> Link:
    """One RTM_NEWLINK. Raises SourceError."""
    if len(payload) < _IFINFOMSG.size:
        raise SourceError(f"a device of {len(payload)} bytes, {_IFINFOMSG.size} are the least")
    (number,) = _IFINFOMSG.unpack_from(payload)
    about = dict(attributes(payload, _IFINFOMSG.size))
    info = dict(attributes(about.get(_IFLA_LINKINFO, b"")))
    kind = _text(info.get(_IFLA_INFO_KIND, b""))
    data = dict(attributes(info.get(_IFLA_INFO_DATA, b""))) if kind in _PORT_ATTRIBUTES else {}
    return Link(
        number=number,
        name=_text(about.get(_IFLA_IFNAME, b"")),
        kind=kind,
        master=int.from_bytes(about.get(_IFLA_MASTER, b""), sys.byteorder),
        udp_port=int.from_bytes(data.get(_PORT_ATTRIBUTES.get(kind, 0), b""), "big") or None,
    )


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")


def vrfs(links: t.Sequence[Link]) -> dict[str, str]:
    """Device -> its VRF. A VRF device is in itself, the devices outside of all VRFs are left out."""
    masters = {link.number: link.name for link in links if link.kind == _VRF}
    return {
        link.name: masters.get(link.number) or masters[link.master]
        for link in links
        if link.number in masters or link.master in masters
    }


def apart() -> dict[str, str]:
    """Device -> the VRF that has TCP ports of its own. Raises SourceError."""
    return vrfs(read()) if tcp_keeps_vrfs_apart() else {}


def with_vrfs(sockets: t.Sequence[Socket]) -> list[Socket]:
    """TCP sockets, those that are bound to devices with the VRF that keeps their ports apart from others'."""
    of_devices = apart()
    return [
        held._replace(endpoint=held.endpoint._replace(vrf=of_devices.get(held.endpoint.interface or "")))
        for held in sockets
    ]


def tcp_keeps_vrfs_apart(path: str = "/proc/sys/net/ipv4/tcp_l3mdev_accept") -> bool:
    """Whether each VRF has TCP ports of its own: unless the administrator let sockets outside serve all of them."""
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip() == "0"
    except OSError:
        return False


def holds_udp(links: t.Sequence[Link], port: int) -> bool:
    """Whether the kernel tells that a tunnel has the port."""
    return any(link.udp_port == port for link in links)


def has_wireguard(links: t.Sequence[Link]) -> bool:
    return any(link.kind == _WIREGUARD for link in links)
