# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.passage import (
    BLOCKED,
    LIMITED,
    OPEN,
    UNKNOWN,
    Access,
    Network,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import passages
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import rules
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Device
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.hosts import Host, HostAddress
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import (
    BRIDGED,
    FORWARD,
    INGRESS,
    INPUT,
    PREROUTING,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.routing import Route, Routes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Base, Outcome, Verdict
from support.nftables import BRIDGE, LO, WAN
from support.records import at

HERE, CONTAINER = at("192.0.2.1").address, at("172.17.0.2").address
ROUTES = Routes([Route(1, 0, 0, 0, frozenset({2})), Route(1, 0xAC110000, 16, 0, frozenset({3}))], 32)


def a_host(*devices, forwards=True, routes=ROUTES):
    own = [(LO, "127.0.0.1"), (WAN, "192.0.2.1"), (BRIDGE, "172.17.0.1")]
    addresses = tuple(HostAddress(device, at(address).address) for device, address in own)
    return Host(addresses, (LO, WAN, BRIDGE, *devices), lambda is_ipv6: routes, lambda device, is_ipv6: forwards)


class Rule:
    """Does the same with all packets, whose flows have some number."""

    def __init__(self, kind, target=None):
        self.verdict = Verdict(kind, target=target)

    def outcomes(self, packets, region):
        return [Outcome(self.verdict, packets, region, region)]


def base(hook, *made, is_nat=False, drops=False, devices=None):
    return Base("nft", "ip t", "base", hook, 0, (4,), lambda _name: made, is_nat, drops, devices)


def to(*addresses, ports=(), is_redirect=False):
    ends = (addresses[0], addresses[-1]) if addresses else ()
    return base(PREROUTING, Rule(rules.NAT, rules.Target(is_redirect, ends, ports)), is_nat=True)


DROPS_INPUT, DROPS_FORWARD = base(INPUT, drops=True), base(FORWARD, drops=True)
UNKNOWN_END = base(PREROUTING, Rule(rules.NAT), is_nat=True)


@pytest.mark.parametrize(
    ("bases", "host", "expected"),
    [
        pytest.param([], a_host(), OPEN, id="no rules"),
        pytest.param([DROPS_INPUT], a_host(), BLOCKED, id="policy"),
        pytest.param([DROPS_FORWARD], a_host(), OPEN, id="policy for others"),
        pytest.param([to(CONTAINER), DROPS_INPUT], a_host(), OPEN, id="published"),
        pytest.param([to(CONTAINER), DROPS_FORWARD], a_host(), BLOCKED, id="published, and not let through"),
        pytest.param([to(CONTAINER), DROPS_FORWARD], a_host(routes=None), BLOCKED, id="by whatever device"),
        pytest.param([to(CONTAINER)], a_host(forwards=False), UNKNOWN, id="published without forwarding"),
        pytest.param([to(is_redirect=True, ports=(81, 81)), DROPS_INPUT], a_host(), BLOCKED, id="another port"),
        pytest.param([to(is_redirect=True, ports=(81, 81))], a_host(), OPEN, id="another port, which is open"),
        pytest.param([to(at("127.0.0.1").address)], a_host(), UNKNOWN, id="loopback"),
        pytest.param([to(CONTAINER, ports=(1000, 2000))], a_host(), UNKNOWN, id="very many ends"),
        pytest.param([UNKNOWN_END], a_host(), UNKNOWN, id="who knows where"),
        pytest.param([base(INGRESS, Rule(rules.DROP), devices=frozenset({"wan0"}))], a_host(), BLOCKED, id="ingress"),
        pytest.param([base(INGRESS, Rule(rules.DROP), devices=frozenset({"br0"}))], a_host(), OPEN, id="elsewhere"),
    ],
)
def test_judge(bases, host, expected):
    (found,) = passages.judge([Access("tcp", (at("192.0.2.1"),), 80, 80)], bases, host)
    assert [each.verdict for each in found] == ([] if expected == OPEN else [expected])


def test_devices_below():
    vlan = Device(7, "vlan", lower=8)
    host = a_host(vlan, Device(8, "eth8", program="an XDP program"))
    host = host._replace(addresses=(*host.addresses, HostAddress(vlan, at("198.51.100.1").address)))
    (found,) = passages.judge([Access("tcp", (at("198.51.100.1"),), 80, 80)], [], host)
    assert [(each.verdict, [doubt.what for doubt in each.results[0].doubts]) for each in found] == [
        (UNKNOWN, ["an XDP program on eth8"])
    ]
    (found,) = passages.judge(
        [Access("tcp", (at("198.51.100.1"),), 80, 80)],
        [base(INGRESS, Rule(rules.DROP), devices=frozenset({"eth8"}))],
        host._replace(devices=(vlan, Device(8, "eth8"))),
    )
    assert [each.verdict for each in found] == [UNKNOWN]


@pytest.mark.parametrize(
    ("ports", "address", "expected"),
    [
        pytest.param((), "0.0.0.0", [BLOCKED], id="nobody comes by it"),
        pytest.param((), "198.51.100.1", [BLOCKED], id="not even to its own address"),
        pytest.param((Device(8, "port0", master=7),), "198.51.100.1", [], id="with a port somebody does"),
    ],
)
def test_a_bridge_without_ports(ports, address, expected):
    bridge = Device(7, "br7", is_bridge=True)
    host = Host(
        tuple(HostAddress(device, at(own).address) for device, own in ((WAN, "192.0.2.1"), (bridge, "198.51.100.1"))),
        (WAN, bridge, *ports),
        lambda is_ipv6: None,
        lambda device, is_ipv6: False,
    )
    drops = base(INGRESS, Rule(rules.DROP), devices=frozenset({"wan0"}))
    (found,) = passages.judge([Access("tcp", (at(address),), 80, 80)], [drops], host)
    assert [each.verdict for each in found] == expected


def test_rules_of_a_bridge():
    bridge = Device(7, "br7", is_bridge=True)
    host = a_host(bridge)
    host = host._replace(
        addresses=(*host.addresses, HostAddress(bridge, at("198.51.100.1").address)),
        devices=(*host.devices, Device(8, "port0", master=7)),
    )
    (found,) = passages.judge([Access("tcp", (at("198.51.100.1"),), 80, 80)], [base(BRIDGED, Rule(rules.DROP))], host)
    assert [each.verdict for each in found] == [UNKNOWN]


def test_clients_come_by_the_devices_that_lead_to_them():
    only_wan = base(INGRESS, Rule(rules.DROP), devices=frozenset({"wan0"}))
    access = Access("tcp", (at("0.0.0.0"),), 80, 80)
    host = a_host()
    inside, outside = Network(at("172.17.0.0").address, 16), Network(at("10.0.0.0").address, 8)
    asked = [access, access._replace(clients=(inside,)), access._replace(clients=(outside,))]
    verdicts = [[each.verdict for each in found] for found in passages.judge(asked, [only_wan], host)]
    assert verdicts == [[LIMITED], [], [BLOCKED]]


def test_clients_of_a_version_of_ip_that_the_server_has_no_address_of():
    clients = (Network(at("2001:db8::").address, 32),)
    asked = [Access("tcp", (at(address),), 80, 81, clients) for address in ("192.0.2.1", "127.0.0.1")]
    found = passages.judge(asked, [DROPS_INPUT], a_host())
    assert found == [[passages.Judged(80, 81, UNKNOWN, ())], []]


ON_WAN, ON_BRIDGE = (base(INGRESS, Rule(rules.DROP), devices=frozenset({name})) for name in ("wan0", "br0"))
INSIDE = (Network(at("172.17.0.0").address, 16),)


@pytest.mark.parametrize(
    ("clients", "bases", "expected"),
    [
        pytest.param((), [ON_BRIDGE], [BLOCKED], id="by the device that the server is bound to"),
        pytest.param((), [ON_WAN], [], id="not by the one that has the address"),
        pytest.param((Network(bytes(4), 0),), [ON_BRIDGE], [BLOCKED], id="whoever they are"),
    ],
)
def test_a_server_that_is_bound_to_a_device(clients, bases, expected):
    endpoint = at("192.0.2.1")._replace(interface="br0")
    (found,) = passages.judge([Access("tcp", (endpoint,), 80, 80, clients)], bases, a_host())
    assert [each.verdict for each in found] == expected


def test_neighbours_of_another_device_may_come_by_the_one_that_has_the_address():
    asked = Access("tcp", (at("192.0.2.1"),), 80, 80, INSIDE)
    (found,) = passages.judge([asked], [ON_BRIDGE], a_host())
    assert [each.verdict for each in found] == [LIMITED]


@pytest.mark.parametrize(
    ("bases", "expected"),
    [
        pytest.param([DROPS_INPUT], (), id="nowhere else"),
        pytest.param([to(CONTAINER), DROPS_FORWARD], ((CONTAINER, 0),), id="another host"),
        pytest.param([to(is_redirect=True, ports=(8080, 8080)), DROPS_INPUT], ((HERE, 8000),), id="another port"),
    ],
)
def test_where_nat_sends_them(bases, expected):
    ((found,),) = passages.judge([Access("tcp", (at("192.0.2.1"),), 80, 80)], bases, a_host())
    assert [result.sent_to for result in found.results] == [expected]


THERE6 = at("fd00:17::2").address


@pytest.mark.parametrize(
    ("leaves", "expected"), [("br0", [BLOCKED]), ("wan0", [])], ids=["by the device of its route", "by no other"]
)
def test_what_is_sent_on_over_ipv6_leaves_by_the_device_of_its_route(leaves, expected):
    routes = Routes([Route(1, 0, 0, 0, frozenset({2})), Route(1, 0xFD000017 << 96, 64, 0, frozenset({3}))], 128)
    own = tuple(HostAddress(WAN, at(address).address) for address in ("192.0.2.1", "2001:db8::1"))
    host = a_host()._replace(addresses=own, routes=lambda is_ipv6: routes if is_ipv6 else None)

    class ByDevice:
        def outcomes(self, packets, region):
            if packets.meta(7).startswith(leaves.encode()):
                yield Outcome(Verdict(rules.DROP), packets, region, region)

    to_it = base(PREROUTING, Rule(rules.NAT, rules.Target(False, (THERE6, THERE6), ())), is_nat=True)
    bases = [each._replace(address_bytes=(16,)) for each in (to_it, base(FORWARD, ByDevice()))]
    (found,) = passages.judge([Access("tcp", (at("2001:db8::1"),), 80, 80)], bases, host)
    assert [each.verdict for each in found] == expected


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        pytest.param((Device(8, "port0", master=7),), ["port0"], id="a port"),
        pytest.param((Device(8, "port0", master=9),), [], id="of another bridge"),
        pytest.param((Device(8, "bond0", master=7), Device(9, "eth9", master=8)), ["eth9", "bond0"], id="two steps"),
    ],
)
def test_programs_on_ports_of_a_bridge(devices, expected):
    bridge = Device(7, "br7", is_bridge=True)
    ports = tuple(device._replace(program="an XDP program") for device in devices)
    host = a_host(bridge, *ports)
    host = host._replace(addresses=(*host.addresses, HostAddress(bridge, at("198.51.100.1").address)))
    (found,) = passages.judge([Access("tcp", (at("198.51.100.1"),), 80, 80)], [], host)
    doubts = {doubt.what for each in found for result in each.results for doubt in result.doubts}
    assert doubts == {f"an XDP program on {name}" for name in expected}
