# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import host
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import networks
from support.netlink import attribute

LINK, ADDRESS, ROUTE, RULE, QDISC, FILTER = 18, 22, 26, 34, 38, 46


def link(number, name, *more, kind=1):
    return struct.pack("=BxHiII", 0, kind, number, 0, 0) + attribute(3, name + b"\0") + b"".join(more)


def address(number, value, family=socket.AF_INET):
    return struct.pack("=BBBBI", family, 24, 0, 0, number) + attribute(2, value)


def route(network, length, number, table=254, kind=1):
    head = struct.pack("=BBBBBBBBI", socket.AF_INET, length, 0, 0, table, 0, 0, kind, 0)
    return head + attribute(1, network) + attribute(4, struct.pack("=I", number))


def rule(priority):
    return bytes(12) + attribute(6, struct.pack("=I", priority))


@pytest.fixture
def kernel(monkeypatch):
    answers = {}
    monkeypatch.setattr(host, "dump", lambda _protocol, request, _answer, _body: answers.get(request, []))
    return answers


def test_read(kernel):
    native = struct.Struct("=I").pack
    kernel[LINK] = [
        link(1, b"lo"),
        link(2, b"eth0", attribute(27, native(7)), attribute(43, attribute(2, b"\1"))),
        link(3, b"br0", attribute(18, attribute(1, b"bridge\0"))),
        link(4, b"port", attribute(10, native(3))),
        link(5, b"vlan", attribute(18, attribute(1, b"vlan\0")), attribute(5, native(2))),
    ]
    kernel[ADDRESS] = [address(2, b"\xc0\0\2\1"), address(9, b"\xc0\0\2\2"), address(3, b"\0", family=99)]
    kernel[QDISC] = [struct.pack("=B3xiIII", 0, 4, 0, 0, 0) + attribute(1, b"clsact\0")]
    kernel[FILTER] = [b"one"]
    found = host.read()
    assert [(own.device.name, own.address) for own in found.addresses] == [("eth0", b"\xc0\0\2\1")]
    by_name = {device.name: device for device in found.devices}
    assert (by_name["eth0"].group, by_name["eth0"].program) == (7, "an XDP program")
    assert (by_name["br0"].is_bridge, by_name["port"].master, by_name["vlan"].lower) == (True, 3, 2)
    assert (by_name["port"].program, by_name["lo"].program) == ("filters of traffic control", "")


def test_routes(kernel):
    kernel[RULE] = [rule(0), rule(32766), rule(32767)]
    kernel[ROUTE] = [route(bytes(4), 0, 2), route(b"\x0a\0\0\0", 8, 3), route(b"\x0b\0\0\0", 8, 4, kind=6)]
    found = host.routes(is_ipv6=False).by_devices(True)
    assert list(networks(found[frozenset({3})], 32)) == [(0x0A000000, 8)]
    assert list(networks(found[frozenset()], 32)) == [(0x0B000000, 8)]
    kernel[RULE] = [rule(100)]
    assert host.routes(is_ipv6=False) is None


def test_a_device_without_settings_forwards_nothing():
    assert host.forwards(host.Device(9, "no such device"), is_ipv6=False) is False
