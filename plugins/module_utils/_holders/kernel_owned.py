# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sockets that no process has, but the kernel itself, as those of vxlan and WireGuard."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._holders.owners import Owners
from ansible_collections.preflight.ports.plugins.module_utils._kernel import links
from ansible_collections.preflight.ports.plugins.module_utils._kernel.links import Link, has_wireguard, holds_udp
from ansible_collections.preflight.ports.plugins.module_utils._kernel.proc import sees_every_process
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import UDP, Socket


def find(ownerless: t.Iterable[Socket], owners: Owners) -> frozenset[Socket]:
    """Those that are the kernel's of sockets that no process was seen to have."""
    devices = links.read()
    return frozenset(held for held in ownerless if kernel_owns(held, owners, devices))


def kernel_owns(held: Socket, owners: Owners, devices: t.Sequence[Link], proc: str = "/proc") -> bool:
    """Whether a socket that no process was seen to have is the kernel's own.

    A container with a PID namespace of its own does not see every process: there only a tunnel device is proof. The
    kernel's sockets are root's; one of a user may be on its way from process to process.
    """
    if held.protocol == UDP and holds_udp(devices, held.port):
        return True
    if not held.inode or held.uid or not owners.all_seen:
        return False
    return sees_every_process(proc) or (held.protocol == UDP and has_wireguard(devices))
