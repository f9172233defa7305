# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ports the user of this process may bind: those below net.ipv4.ip_unprivileged_port_start take a capability.

The kernel asks for CAP_NET_BIND_SERVICE in the user namespace that owns the network namespace:
inet_port_requires_bind_service() and ns_capable() in its net/ipv4/af_inet.c.
"""

from __future__ import annotations

import fcntl
import os
import re

_CAP_NET_BIND_SERVICE = 10
_NS_GET_USERNS = 0xB701  # ioctl_ns(2)
_FIRST_UNPRIVILEGED = 1024


def may_bind(port: int, proc: str = "/proc") -> bool:
    """Whether the kernel's own rule lets this process bind the port. In doubt, no."""
    return port >= first_unprivileged(proc) or (_has_capability(proc) and _owns_the_network(proc))


def first_unprivileged(proc: str = "/proc") -> int:
    """The first port that every user may bind; what it was before Linux 4.11 where no file tells it."""
    try:
        with open(f"{proc}/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return _FIRST_UNPRIVILEGED


def _has_capability(proc: str) -> bool:
    try:
        with open(f"{proc}/self/status", encoding="utf-8", errors="replace") as file:
            effective = re.search(r"^CapEff:\s*([0-9a-f]+)$", file.read(), re.MULTILINE)
    except OSError:
        return os.geteuid() == 0
    return effective is not None and bool(int(effective[1], 16) >> _CAP_NET_BIND_SERVICE & 1)


def _owns_the_network(proc: str) -> bool:
    """Whether capabilities of this process count there. The kernel shows no owner outside of them."""
    try:
        namespace = os.open(f"{proc}/self/ns/net", os.O_RDONLY)
    except OSError:
        return True
    try:
        os.close(fcntl.ioctl(namespace, _NS_GET_USERNS))
    except OSError:
        return False
    finally:
        os.close(namespace)
    return True
