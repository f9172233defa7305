# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The devices, addresses and routes of this network namespace, by rtnetlink(7)."""

from __future__ import annotations

import socket
import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes, dump
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Device
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.hosts import Host, HostAddress

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.routing import Route, Routes

_NETLINK_ROUTE = 0
_RTM_NEWLINK, _RTM_GETLINK, _RTM_NEWADDR, _RTM_GETADDR = 16, 18, 20, 22
_RTM_NEWROUTE, _RTM_GETROUTE, _RTM_NEWRULE, _RTM_GETRULE = 24, 26, 32, 34
_RTM_NEWQDISC, _RTM_GETQDISC, _RTM_NEWTFILTER, _RTM_GETTFILTER = 36, 38, 44, 46
_IFINFOMSG, _IFADDRMSG, _RTMSG = struct.Struct("=BxHiII"), struct.Struct("=BBBBI"), struct.Struct("=BBBBBBBBI")
_TCMSG, _NEXTHOP = struct.Struct("=B3xiIII"), struct.Struct("=HBBi")
_IFLA_IFNAME, _IFLA_LINK, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_GROUP = 3, 5, 10, 18, 27
_IFLA_LINK_NETNSID, _IFLA_XDP, _IFLA_INFO_KIND, _IFLA_XDP_ATTACHED = 37, 43, 1, 2
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_OIF, _RTA_PRIORITY, _RTA_MULTIPATH, _RTA_TABLE = 1, 4, 6, 9, 15
_TABLES = {255: 0, 254: 1, 253: 2}  # local, main and default: the order in which the usual rules ask them
_USUAL_RULES, _FRA_PRIORITY = (0, 32766, 32767), 6
_RTN_UNICAST, _RTM_F_CLONED = 1, 0x200
_TCA_KIND, _TC_H_CLSACT_INGRESS = 1, 0xFFFFFFF2
_STACKED = (b"vlan", b"macvlan", b"ipvlan", b"macsec")
_XDP, _FILTERS = "an XDP program", "filters of traffic control"
_MOST_ROUTES = 20_000


def read() -> Host:
    """Raises SourceError."""
    devices = {device.number: device for device in _devices()}
    addresses = []
    for payload in dump(_NETLINK_ROUTE, _RTM_GETADDR, _RTM_NEWADDR, bytes(_IFADDRMSG.size)):
        family, _prefix, _flags, _scope, number = _IFADDRMSG.unpack_from(payload)
        told = dict(attributes(payload, _IFADDRMSG.size))
        address = told.get(_IFA_LOCAL) or told.get(_IFA_ADDRESS)
        if family in (socket.AF_INET, socket.AF_INET6) and address and number in devices:
            addresses.append(HostAddress(devices[number], address))
    return Host(tuple(addresses), tuple(devices.values()), routes, forwards)


def _devices() -> t.Iterator[Device]:
    filtered = set(_filtered())
    for payload in dump(_NETLINK_ROUTE, _RTM_GETLINK, _RTM_NEWLINK, bytes(_IFINFOMSG.size)):
        _family, kind, number, _flags, _change = _IFINFOMSG.unpack_from(payload)
        told = dict(attributes(payload, _IFINFOMSG.size))
        info = dict(attributes(told.get(_IFLA_LINKINFO, b"")))
        xdp = dict(attributes(told.get(_IFLA_XDP, b"")))
        driver = info.get(_IFLA_INFO_KIND, b"").rstrip(b"\0")
        lower = told.get(_IFLA_LINK) if driver in _STACKED and _IFLA_LINK_NETNSID not in told else None
        yield Device(
            number=number,
            name=told.get(_IFLA_IFNAME, b"").rstrip(b"\0").decode("utf-8", "surrogateescape"),
            group=_native(told.get(_IFLA_GROUP)),
            kind=kind,
            master=_native(told.get(_IFLA_MASTER)),
            lower=_native(lower),
            is_bridge=driver == b"bridge",
            program=_XDP if any(xdp.get(_IFLA_XDP_ATTACHED, b"")) else _FILTERS if number in filtered else "",
        )


def _native(value: bytes | None) -> int:
    return struct.unpack("=I", value)[0] if value else 0


def _filtered() -> t.Iterator[int]:
    """The devices whose packets traffic control looks at before netfilter does."""
    for payload in dump(_NETLINK_ROUTE, _RTM_GETQDISC, _RTM_NEWQDISC, bytes(_TCMSG.size)):
        if dict(attributes(payload, _TCMSG.size)).get(_TCA_KIND) in (b"clsact\0", b"ingress\0"):
            (_family, number, *_rest) = _TCMSG.unpack_from(payload)
            asked = _TCMSG.pack(0, number, 0, _TC_H_CLSACT_INGRESS, 0)
            if dump(_NETLINK_ROUTE, _RTM_GETTFILTER, _RTM_NEWTFILTER, asked):
                yield number


def forwards(device: Device, is_ipv6: bool) -> bool:
    """By its setting; for a device without one nothing is sent on."""
    family = "ipv6" if is_ipv6 else "ipv4"
    try:
        with open(f"/proc/sys/net/{family}/conf/{device.name}/forwarding", encoding="ascii") as file:
            return file.read().strip() != "0"
    except OSError:
        return False


def routes(is_ipv6: bool) -> Routes | None:
    """None where more than the destination decides, or there are very many. Raises SourceError."""
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.routing import Routes

    family = bytes((socket.AF_INET6 if is_ipv6 else socket.AF_INET,))
    rules = dump(_NETLINK_ROUTE, _RTM_GETRULE, _RTM_NEWRULE, family + bytes(_RTMSG.size - 1))
    if any(_priority(payload) not in _USUAL_RULES for payload in rules):
        return None
    payloads = dump(_NETLINK_ROUTE, _RTM_GETROUTE, _RTM_NEWROUTE, family + bytes(_RTMSG.size - 1))
    if len(payloads) > _MOST_ROUTES:
        return None
    found = (_route(payload) for payload in payloads if payload[:1] == family)
    return Routes((route for route in found if route), 128 if is_ipv6 else 32)


def _priority(rule: bytes) -> int:
    return _native(dict(attributes(rule, _RTMSG.size)).get(_FRA_PRIORITY))


def _route(payload: bytes) -> Route | None:
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.routing import Route

    family, length, _from, _tos, table, _protocol, _scope, kind, flags = _RTMSG.unpack_from(payload)
    told = dict(attributes(payload, _RTMSG.size))
    order = _TABLES.get(_native(told.get(_RTA_TABLE)) or table)
    if order is None or flags & _RTM_F_CLONED:
        return None
    devices = set(_next_hops(told.get(_RTA_MULTIPATH, b""))) | {_native(told.get(_RTA_OIF))} - {0}
    size = 16 if family == socket.AF_INET6 else 4
    return Route(
        order=order,
        network=int.from_bytes(told.get(_RTA_DST, bytes(size)), "big"),
        length=length,
        metric=_native(told.get(_RTA_PRIORITY)),
        devices=frozenset(devices if kind == _RTN_UNICAST else ()),
    )


def _next_hops(row: bytes) -> t.Iterator[int]:
    """The devices of a route that has several."""
    at = 0
    while at + _NEXTHOP.size <= len(row):
        size, _flags, _hops, number = _NEXTHOP.unpack_from(row, at)
        if size < _NEXTHOP.size:
            raise SourceError("a next hop of no length")
        yield number
        at += size + -size % 4
