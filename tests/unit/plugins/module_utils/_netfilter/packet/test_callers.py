# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who sends to which address of a host, and by which device."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.passage import Access, Network
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.callers import callers
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import between, both
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Device
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.hosts import Host, HostAddress
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.routing import Route, Routes
from support.records import at

LO, WAN, LAN, BRIDGE = Device(1, "lo"), Device(2, "wan0"), Device(3, "lan0"), Device(4, "br0", is_bridge=True)
PORT = Device(5, "port0", master=4)
ADDRESSES = [(LO, "127.0.0.1"), (LO, "::1"), (WAN, "192.0.2.1"), (WAN, "192.0.2.2"), (WAN, "2001:db8::1"),
             (WAN, "fe80::1"), (LAN, "10.0.0.1"), (LAN, "fe80::2")]  # fmt: skip
ROUTES4 = [(0, 0, WAN), (0x0A000000, 24, LAN)]
ROUTES6 = [(0, 0, WAN)]


def host(*more, devices=(LO, WAN, LAN), routes=True):
    def routes_of(is_ipv6):
        found = (Route(1, network, length, 0, frozenset({device.number}))
                 for network, length, device in (ROUTES6 if is_ipv6 else ROUTES4))  # fmt: skip
        return Routes(found, 128 if is_ipv6 else 32) if routes else None

    own = tuple(HostAddress(device, at(address).address) for device, address in (*ADDRESSES, *more))
    return Host(own, devices, routes_of, lambda device, is_ipv6: False)


HOST = host()


def network(text):
    address, _slash, length = text.partition("/")
    packed = at(address).address
    return Network(packed, int(length or 8 * len(packed)))


def asked(address, *clients, of=HOST, **endpoint):
    wanted = at(address, True if ":" in address else None)._replace(**endpoint)
    access = Access("tcp", (wanted,), 80, 80, tuple(map(network, clients)))
    return callers(access, of)


def ways(found):
    """(address, device) of each."""
    named = {at(text).address: text for _device, text in ADDRESSES}
    return sorted((named.get(arrival.address, arrival.address), arrival.comes[0].name) for arrival in found)


def sends(clients, text):
    number, bits = int.from_bytes(at(text).address, "big"), 8 * len(at(text).address)
    return both(between(number, number, bits), clients) is not False


@pytest.mark.parametrize(
    ("address", "endpoint", "expected"),
    [
        ("192.0.2.1", {}, [("192.0.2.1", "wan0")]),
        ("10.0.0.1", {}, [("10.0.0.1", "lan0")]),
        ("127.0.0.1", {}, []),
        ("fe80::2", {}, [("fe80::2", "lan0")]),
        ("192.0.2.1", {"interface": "lan0"}, [("192.0.2.1", "lan0")]),
        ("0.0.0.0", {}, [("10.0.0.1", "lan0"), ("192.0.2.1", "wan0"), ("192.0.2.2", "wan0")]),
        ("::", {}, [("2001:db8::1", "wan0")]),
        ("::", {"v6only": False}, [("10.0.0.1", "lan0"), ("192.0.2.1", "wan0"), ("192.0.2.2", "wan0"),
                                   ("2001:db8::1", "wan0")]),
    ],
)  # fmt: skip
def test_anybody(address, endpoint, expected):
    assert ways(asked(address, **endpoint)) == expected


def test_an_address_that_no_device_has_comes_by_any():
    assert [name for _address, name in ways(asked("198.51.100.1"))] == ["lan0", "wan0"]


@pytest.mark.parametrize(
    ("address", "clients", "expected"),
    [
        ("0.0.0.0", ["10.0.0.7"], [("10.0.0.1", "lan0")]),
        ("0.0.0.0", ["10.0.1.7"], [("192.0.2.1", "wan0"), ("192.0.2.2", "wan0")]),
        ("0.0.0.0", ["10.0.0.0/8"], [("10.0.0.1", "lan0"), ("192.0.2.1", "wan0"), ("192.0.2.2", "wan0")]),
        ("192.0.2.1", ["10.0.0.7"], [("192.0.2.1", "lan0"), ("192.0.2.1", "wan0")]),
        ("192.0.2.1", ["8.8.8.8"], [("192.0.2.1", "wan0")]),
        ("192.0.2.1", ["2001:db8::7"], []),
        ("192.0.2.1", ["127.0.0.1"], []),
        ("192.0.2.1", ["192.0.2.1"], []),
        ("2001:db8::1", ["2001:db8::7", "8.8.8.8"], [("2001:db8::1", "wan0")]),
    ],
)
def test_named_clients(address, clients, expected):
    assert ways(asked(address, *clients)) == expected


def test_without_known_routes_they_come_where_the_address_is():
    assert ways(asked("192.0.2.1", "10.0.0.7", of=host(routes=False))) == [("192.0.2.1", "wan0")]


@pytest.mark.parametrize(
    ("address", "some", "nobody"),
    [
        (
            "192.0.2.1",
            ["8.8.8.8", "10.0.0.7", "192.0.2.3", "1.0.0.0", "223.255.255.255", "126.0.0.1", "128.0.0.1"],
            ["0.1.2.3", "127.9.9.9", "224.0.0.1", "255.255.255.255", "192.0.2.1", "192.0.2.2", "10.0.0.1"],
        ),
        (
            "2001:db8::1",
            ["2001:db8::2", "fd00::7", "fe80::7", "::1:0:0:0", "feff::1"],
            ["::", "::1", "::7", "::ffff:10.0.0.7", "ff02::1", "2001:db8::1", "fe80::1"],
        ),
        ("fe80::2", ["fe80::7", "febf::7"], ["2001:db8::2", "fec0::1", "fe80::1", "fe80::2"]),
    ],
)
def test_from_where_another_host_sends(address, some, nobody):
    (clients,) = asked(address).values()
    assert [text for text in some if not sends(clients, text)] == []
    assert [text for text in nobody if sends(clients, text)] == []


def test_named_networks_are_cut_to_where_others_send_from():
    (clients,) = asked("10.0.0.1", "10.0.0.0/24").values()
    assert [sends(clients, text) for text in ("10.0.0.0", "10.0.0.255", "10.0.0.1", "10.0.1.0")] == [
        True, True, False, False,
    ]  # fmt: skip


def test_where_all_have_link_local_addresses_alone():
    own = tuple(own for own in HOST.addresses if own.address[:2] == b"\xfe\x80")
    assert ways(asked("::", of=HOST._replace(addresses=own))) == [("fe80::1", "wan0"), ("fe80::2", "lan0")]


def test_nobody_comes_by_a_bridge_without_ports():
    bridged = host((BRIDGE, "172.17.0.1"), devices=(LO, WAN, BRIDGE))
    assert [name for _address, name in ways(asked("172.17.0.1", of=bridged))] == ["lan0", "wan0"]
    used = host((BRIDGE, "172.17.0.1"), devices=(LO, WAN, BRIDGE, PORT))
    assert [name for _address, name in ways(asked("172.17.0.1", of=used))] == ["br0"]


def test_several_endpoints_are_one_server():
    access = Access("tcp", (at("192.0.2.1"), at("0.0.0.0")), 80, 80)
    assert ways(callers(access, HOST)) == ways(asked("0.0.0.0"))
