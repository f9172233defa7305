# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of a host whose rules are looked at. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Device
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.routing import Routes


class HostAddress(t.NamedTuple):
    """One of a device's addresses; the kernel prefers those that come first."""

    device: Device
    address: bytes


class Host(t.NamedTuple):
    """Its devices and addresses, and how it finds its way."""

    addresses: tuple[HostAddress, ...]
    devices: tuple[Device, ...]
    routes: t.Callable[[bool], Routes | None]
    """Those of IPv6, or else of IPv4; None if others than the usual rules choose among them, or there are very many."""
    forwards: t.Callable[[Device, bool], bool]
    """Whether it sends on what comes in by a device, of IPv6 or else of IPv4."""
