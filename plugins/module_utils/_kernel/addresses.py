# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses of this network namespace, by rtnetlink(7)."""

from __future__ import annotations

import socket
import struct

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes, dump

_NETLINK_ROUTE = 0
_RTM_NEWADDR, _RTM_GETADDR = 20, 22
_IFADDRMSG = struct.Struct("=BBBBI")  # family, length of the prefix, flags, scope, device
_IFA_ADDRESS, _IFA_LOCAL = 1, 2


def read() -> list[tuple[int, bytes]]:
    """(number of the device, address), those that the kernel prefers first. Raises SourceError."""
    found = []
    for payload in dump(_NETLINK_ROUTE, _RTM_GETADDR, _RTM_NEWADDR, bytes(_IFADDRMSG.size)):
        family, _prefix, _flags, _scope, device = _IFADDRMSG.unpack_from(payload)
        known = dict(attributes(payload, _IFADDRMSG.size))
        address = known.get(_IFA_LOCAL) or known.get(_IFA_ADDRESS)
        if family in (socket.AF_INET, socket.AF_INET6) and address:
            found.append((device, address))
    return found


def has(address: bytes) -> bool:
    """Whether some device has it. Raises SourceError."""
    return any(own == address for _device, own in read())
