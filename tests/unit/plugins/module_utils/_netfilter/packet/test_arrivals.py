# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import arrivals
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.arrivals import (
    HostAddress,
    read_addresses,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Interface
from support.netlink import Channel, attribute, done, message
from support.records import at

NEWADDR = 20
ADDRESS, LOCAL = 1, 2


def told(family, index, *attributes):
    return message(NEWADDR, struct.pack("=BBBBI", family, 24, 0, 0, index) + b"".join(attributes))


def test_read(monkeypatch):
    ours, peer, ipv6 = (at(each).address for each in ("192.0.2.1", "192.0.2.2", "2001:db8::1"))
    monkeypatch.setattr(arrivals.socket, "if_nameindex", lambda: [(1, "lo"), (2, "wan0")])
    channel = Channel([
        told(socket.AF_INET, 2, attribute(ADDRESS, peer), attribute(LOCAL, ours))
        + told(socket.AF_INET6, 2, attribute(ADDRESS, ipv6))
        + told(77, 2, attribute(ADDRESS, ours))
        + told(socket.AF_INET, 2)
        + told(socket.AF_INET, 3, attribute(ADDRESS, ours)),
        done(),
    ]).replaces_sockets(monkeypatch)  # fmt: skip
    wan = Interface(2, "wan0")
    assert read_addresses() == [HostAddress(wan, ours), HostAddress(wan, ipv6)]
    assert channel.protocol == 0  # NETLINK_ROUTE


@pytest.mark.linux
def test_the_kernel_lists_loopback():
    assert HostAddress(Interface(1, "lo"), b"\x7f\0\0\1") in read_addresses()
