# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Arrival
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Target
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.targets import addresses as choose
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.targets import is_served, ports
from support.nftables import BRIDGE, HOST, LO, WAN
from support.records import at


def served(server, target, to="192.0.2.1", port=80, **arrival):
    """True, False, or what it depends on."""
    arrival = Arrival(at(to).address, **{"comes": (WAN,), **arrival})
    found = is_served(server and at(server).address, arrival, port, target, HOST)
    return found.what if isinstance(found, Doubt) else found


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
def test_is_served(address, target, expected):
    assert served(address, target) == expected


@pytest.mark.parametrize(("address", "expected"), [("127.0.0.1", True), ("127.0.0.2", False), ("::1", True)])
def test_is_served_on_loopback(address, expected):
    sent = {"to": address, "comes": (), "goes": (LO,), "source": at(address).address}
    assert served(address, Target(is_redirect=True), **sent) is expected


def test_is_served_what_comes_by_any_device():
    either = {"comes": (WAN, BRIDGE)}
    assert served("192.0.2.1", Target(is_redirect=True), **either) == "the address that the kernel chooses"
    assert served("192.0.2.1", Target(is_redirect=True, ports=(81, 81)), **either) is False
    assert served(None, Target(is_redirect=True), **either) is True


def test_is_served_what_is_still_for_its_address():
    assert served(None, addresses("192.0.2.1")) is True


def test_is_served_over_ipv6():
    chosen = "the address that the kernel chooses"
    assert served("2001:db8::1", Target(is_redirect=True), to="2001:db8::1") == chosen


def chosen(target, to="192.0.2.1", **arrival):
    """The addresses that the kernel chooses from, as text."""
    found = choose(Arrival(at(to).address, **{"comes": (WAN,), **arrival}), target, HOST)
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    return None if found is None else [socket.inet_ntop(family, each) for each in found]


@pytest.mark.parametrize(
    ("target", "arrival", "expected"),
    [
        (Target(), {}, ["192.0.2.1"]),
        (addresses("10.0.0.1"), {}, ["10.0.0.1"]),
        (addresses("10.0.0.1", "10.0.0.3"), {}, ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
        (addresses("10.0.0.1", "10.0.0.16"), {}, [f"10.0.0.{number}" for number in range(1, 17)]),
        (addresses("10.0.0.1", "10.0.0.17"), {}, None),
        (Target(is_redirect=True), {}, ["192.0.2.1"]),
        (Target(is_redirect=True), {"comes": (WAN, BRIDGE)}, ["192.0.2.1", "198.51.100.1", "172.17.0.1"]),
        (Target(is_redirect=True), {"comes": (), "source": at("192.0.2.1").address}, ["127.0.0.1"]),
        (Target(is_redirect=True), {"to": "2001:db8::1"}, ["2001:db8::1", "fe80::1"]),
        (Target(is_redirect=True), {"to": "::1", "comes": (), "source": at("::1").address}, ["::1"]),
        (Target(is_redirect=True), {"comes": ()}, []),
    ],
)
def test_the_addresses_that_the_kernel_chooses_from(target, arrival, expected):
    assert chosen(target, **arrival) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target(), [80]),
        (Target(ports=(8000, 8000)), [8000]),
        (Target(ports=(8000, 8002)), [8000, 8001, 8002]),
        (Target(ports=(79, 81)), [80]),
        (Target(ports=(80, 81)), [80]),
        (Target(ports=(79, 80)), [80]),
        (Target(ports=(8000, 8009), base_port=80), [8000]),
        (Target(ports=(8000, 8009), base_port=75), [8005]),
        (Target(ports=(8000, 8003), base_port=75), [8001]),
        (Target(ports=(8000, 8009), base_port=82), [8008]),
        (Target(ports=(8000, 8009), base_port=0), [8000]),
    ],
)
def test_the_ports_that_the_kernel_chooses_from(target, expected):
    assert list(ports(80, target)) == expected
