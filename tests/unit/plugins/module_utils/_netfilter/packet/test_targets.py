# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import (
    ANY_INTERFACE,
    OUTPUT,
    PREROUTING,
    Packet,
    Target,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.targets import Server
from support.nftables import HOST, LO, WAN
from support.records import at


def packet(address="192.0.2.1", port=80, hook=PREROUTING, interface=WAN):
    packed = at(address).address
    return Packet(6, hook, interface, packed, port)


def addresses(first, last=None, **rest):
    return Target(addresses=(at(first).address, at(last or first).address), **rest)


NEW = "the way to its new address"


@pytest.mark.parametrize(
    ("address", "target", "expected"),
    [
        pytest.param(None, Target(), True, id="nothing changes"),
        pytest.param(None, None, "where a rule sends it to", id="not known"),
        pytest.param(None, Target(ports=(80, 80)), True, id="the same port"),
        pytest.param(None, Target(ports=(81, 81)), False, id="another port"),
        pytest.param(None, Target(ports=(80, 90)), True, id="a range that has it"),
        pytest.param(None, Target(ports=(8000, 8010), base_port=80), False, id="shifted"),
        pytest.param(None, Target(ports=(80, 90), base_port=80), True, id="shifted by nothing"),
        pytest.param(None, Target(is_redirect=True), True, id="redirect"),
        pytest.param(None, Target(is_redirect=True, ports=(81, 81)), False, id="redirect to a port"),
        pytest.param(None, addresses("10.88.0.5"), False, id="another host"),
        pytest.param(None, addresses("198.51.100.1"), NEW, id="another address of this host"),
        pytest.param("192.0.2.1", addresses("198.51.100.1"), False, id="another address than the server's"),
        pytest.param("192.0.2.1", addresses("192.0.2.1"), True, id="the server's address"),
        pytest.param(None, addresses("127.0.0.1"), NEW, id="loopback"),
        pytest.param(None, addresses("10.88.0.5", "10.88.0.9"), False, id="several other hosts"),
        pytest.param(
            None,
            addresses("192.0.2.0", "192.0.2.9"),
            NEW,
            id="several, one of them here",
        ),
        pytest.param("192.0.2.1", addresses("192.0.2.0", "192.0.2.9"), NEW, id="several, one of them the server's"),
        pytest.param("192.0.2.1", addresses("198.51.100.0", "198.51.100.9"), False, id="several, none the server's"),
        pytest.param("192.0.2.1", Target(is_redirect=True), True, id="redirect to the first address of the device"),
        pytest.param("198.51.100.1", Target(is_redirect=True), False, id="redirect to another address of the device"),
    ],
)
def test_gets(address, target, expected):
    server = Server(address and at(address).address, HOST)
    assert server.gets(packet(), target) == expected


@pytest.mark.parametrize(("address", "expected"), [("127.0.0.1", True), ("127.0.0.2", False), ("::1", True)])
def test_gets_on_loopback(address, expected):
    sent = packet(address, hook=OUTPUT, interface=LO)
    assert Server(sent.address, HOST).gets(sent, Target(is_redirect=True)) is expected


def test_gets_what_comes_by_any_device():
    sent = packet(interface=ANY_INTERFACE)
    assert Server(sent.address, HOST).gets(sent, Target(is_redirect=True)) == "the device that it comes in by"
    assert Server(sent.address, HOST).gets(sent, Target(is_redirect=True, ports=(81, 81))) is False
    assert Server(None, HOST).gets(sent, Target(is_redirect=True)) is True


def test_gets_what_is_still_for_its_address():
    assert Server(None, HOST).gets(packet(), addresses("192.0.2.1")) is True


def test_gets_over_ipv6():
    sent = packet("2001:db8::1")
    server = Server(sent.address, HOST)
    assert server.gets(sent, Target(is_redirect=True)) == "the address that the kernel chooses"
