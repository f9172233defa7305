# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network namespace of our own, with two IPv4 and two IPv6 addresses besides loopback.

Speaks rtnetlink itself, so that Python alone is enough inside a bare virtual machine.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from pathlib import Path

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4

RTM_NEWLINK = 16
RTM_NEWADDR = 20
REQUEST_AND_ACK = 0x1 | 0x4
CREATE = 0x400
NLMSG_ERROR = 2
IFF_UP = 1
IFLA_IFNAME = 3
IFLA_LINKINFO = 18
IFLA_INFO_KIND = 1
IFLA_INFO_DATA = 2
VETH_INFO_PEER = 1
IFA_ADDRESS = 1
IFA_LOCAL = 2
IFA_F_NODAD = 0x2

DEVICES = {"pf0": ("192.0.2.1", "2001:db8:1::1"), "pf1": ("198.51.100.1", "2001:db8:2::1")}

libc = ctypes.CDLL(None, use_errno=True)


def _check(status: int) -> None:
    if status:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def prctl(option: int, value: int) -> None:
    _check(libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def enter() -> None:
    """Leave the host's network for an empty one; where that takes root, become root of a user namespace first."""
    uid, gid = os.geteuid(), os.getegid()
    _check(libc.unshare(CLONE_NEWNET if uid == 0 else CLONE_NEWUSER | CLONE_NEWNET))
    if uid:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    _furnish()


def become(user: str) -> None:
    """Give up every privilege over the namespace: as another user, or, where only one is mapped, as nobody at all."""
    import pwd

    entry = pwd.getpwnam(user)
    try:
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    except OSError:
        _check(libc.unshare(CLONE_NEWUSER))


def _furnish() -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as route:
        one, other = DEVICES
        peer = _attribute(VETH_INFO_PEER, _link(0) + _attribute(IFLA_IFNAME, other.encode()))
        veth = _attribute(IFLA_INFO_KIND, b"veth") + _attribute(IFLA_INFO_DATA, peer)
        name = _attribute(IFLA_IFNAME, one.encode())
        _ask(route, RTM_NEWLINK, CREATE, _link(0) + name + _attribute(IFLA_LINKINFO, veth))
        for device in ("lo", *DEVICES):
            _ask(route, RTM_NEWLINK, 0, _link(socket.if_nametoindex(device), IFF_UP))
        for device, addresses in DEVICES.items():
            for address in addresses:
                family, prefix = (socket.AF_INET6, 64) if ":" in address else (socket.AF_INET, 24)
                packed = socket.inet_pton(family, address)
                head = struct.pack("=BBBBI", family, prefix, IFA_F_NODAD, 0, socket.if_nametoindex(device))
                _ask(route, RTM_NEWADDR, CREATE, head + _attribute(IFA_LOCAL, packed) + _attribute(IFA_ADDRESS, packed))


def _link(index: int, flags: int = 0) -> bytes:
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, flags)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _ask(route: socket.socket, kind: int, flags: int, body: bytes) -> None:
    route.send(struct.pack("=IHHII", 16 + len(body), kind, REQUEST_AND_ACK | flags, 0, 0) + body)
    answer = route.recv(65536)
    answered, code = struct.unpack_from("=4xH10xi", answer)
    if answered != NLMSG_ERROR or code:
        raise OSError(-code, f"rtnetlink request {kind}: {os.strerror(-code)}")
