# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error queue of a socket: which ICMP message ended an attempt, and who sent it (ip(7), IP_RECVERR).

For a connection that is being made, Linux has told it since 5.10 (net/ipv4/tcp_ipv4.c, tcp_v4_err).
"""

from __future__ import annotations

import socket
import struct
import sys

from ansible_collections.preflight.ports.plugins.module_utils._reach.causes import Icmp
from ansible_collections.preflight.ports.plugins.module_utils._reach.wire import plain

_IP_RECVERR, _IPV6_RECVERR, _MSG_ERRQUEUE = 11, 25, 0x2000
_SOCK_EXTENDED_ERR = struct.Struct("=IBBBxII")
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3


def enable(sock: socket.socket) -> None:
    """Have the kernel keep what ICMP says; where it cannot, error numbers have to do."""
    if not sys.platform.startswith("linux"):
        return
    try:
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
    except OSError:
        pass


def read(sock: socket.socket) -> Icmp | None:
    """The next message of the queue; None if there is none."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        _data, control, _flags, _address = sock.recvmsg(512, 512, _MSG_ERRQUEUE)
    except OSError:
        return None
    for level, kind, data in control:
        if (level, kind) in ((socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR)):
            return _icmp(data)
    return None


def _icmp(data: bytes) -> Icmp | None:
    """From struct sock_extended_err and the sockaddr after it, which is whoever sent the message."""
    if len(data) < _SOCK_EXTENDED_ERR.size + 16:
        return None
    _errno, origin, kind, code, _info, _data = _SOCK_EXTENDED_ERR.unpack_from(data)
    sender = data[_SOCK_EXTENDED_ERR.size :]
    if origin == _ORIGIN_ICMP:
        return Icmp(kind, code, socket.inet_ntop(socket.AF_INET, sender[4:8]), False)
    if origin == _ORIGIN_ICMP6 and len(sender) >= 24:
        return Icmp(kind, code, plain(socket.inet_ntop(socket.AF_INET6, sender[8:24])), True)
    return None
