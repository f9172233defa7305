# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import itertools
import socket

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import (
    overlap,
    preferred,
    serves,
    surely_taken,
)
from support.records import at, row

# Who meets whom on one port, by bind(2) without SO_REUSEADDR. Each pair is asked of the kernel too, further down.
ENDPOINTS = {
    "0.0.0.0": at("0.0.0.0"),
    "127.0.0.1": at("127.0.0.1"),
    "127.0.0.2": at("127.0.0.2"),
    ":: dual": at("::", v6only=False),
    ":: v6only": at("::", v6only=True),
    "::1": at("::1", v6only=True),
    "mapped 0.0.0.0": at("::ffff:0.0.0.0", v6only=False),
    "mapped 127.0.0.1": at("::ffff:127.0.0.1", v6only=False),
    "0.0.0.0 on lo": at("0.0.0.0", interface="lo"),
    "127.0.0.1 on lo": at("127.0.0.1", interface="lo"),
    ":: dual on lo": at("::", v6only=False, interface="lo"),
    ":: v6only on lo": at("::", v6only=True, interface="lo"),
    "::1 on lo": at("::1", v6only=True, interface="lo"),
}
ON_LO = ("0.0.0.0 on lo", "127.0.0.1 on lo", ":: dual on lo", ":: v6only on lo", "::1 on lo")
IPV4_WILDCARD = {"0.0.0.0", "127.0.0.1", "127.0.0.2", ":: dual", "mapped 0.0.0.0", "mapped 127.0.0.1"}
IPV4_LOOPBACK = {"0.0.0.0", "127.0.0.1", ":: dual", "mapped 0.0.0.0", "mapped 127.0.0.1"}
IPV6 = {":: dual", ":: v6only", "::1"}
MEETS = {
    "0.0.0.0": IPV4_WILDCARD | {"0.0.0.0 on lo", "127.0.0.1 on lo", ":: dual on lo"},
    "127.0.0.1": IPV4_LOOPBACK | {"0.0.0.0 on lo", "127.0.0.1 on lo", ":: dual on lo"},
    "127.0.0.2": {"0.0.0.0", "127.0.0.2", ":: dual", "mapped 0.0.0.0", "0.0.0.0 on lo", ":: dual on lo"},
    ":: dual": set(ENDPOINTS),
    ":: v6only": IPV6 | {":: dual on lo", ":: v6only on lo", "::1 on lo"},
    "::1": IPV6 | {":: dual on lo", ":: v6only on lo", "::1 on lo"},
}
MEETS["mapped 0.0.0.0"] = MEETS["0.0.0.0"]
MEETS["mapped 127.0.0.1"] = MEETS["127.0.0.1"]
MEETS.update({name: MEETS[name[: -len(" on lo")]] for name in ON_LO})  # lo is one device; others follow below

KERNELS_DIFFER = ("mapped 127.0.0.1", "mapped 0.0.0.0")  # Linux 6.1 lets the one beside the other

PAIRS = [
    pytest.param(ENDPOINTS[wanted], ENDPOINTS[held], held in MEETS[wanted], id=f"{wanted} against {held}")
    for wanted, held in itertools.product(ENDPOINTS, repeat=2)
    if (wanted, held) != KERNELS_DIFFER
]


@pytest.mark.parametrize(("wanted", "held", "expected"), PAIRS)
def test_overlap(wanted, held, expected):
    assert overlap(wanted, held) is expected


def test_overlap_where_kernels_differ():
    assert overlap(*map(ENDPOINTS.get, KERNELS_DIFFER)) is None


@pytest.mark.linux
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["tcp", "udp"])
@pytest.mark.parametrize(("wanted", "held", "expected"), PAIRS)
def test_the_kernel_says_the_same(wanted, held, expected, kind, loopback):
    # A stranger on the same port looks like an overlap, so it takes three ports to believe in one.
    assert all(_kernel_refuses(kind, wanted, held, loopback.spare_port()) for _each in range(3)) is expected


def _kernel_refuses(kind, wanted, held, port):
    with _bound(kind, held, port):
        try:
            _bound(kind, wanted, port).close()
        except OSError as error:
            assert error.errno == errno.EADDRINUSE
            return True
        return False


def _bound(kind, endpoint, port):
    made = socket.socket(socket.AF_INET6 if endpoint.is_ipv6 else socket.AF_INET, kind)
    try:
        if endpoint.is_ipv6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(endpoint.v6only))
        if endpoint.interface:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, endpoint.interface.encode())
        made.bind((str(endpoint), port))
    except OSError:
        made.close()
        raise
    return made


@pytest.mark.parametrize(
    ("wanted", "held", "expected"),
    [
        pytest.param(at("0.0.0.0", None, "eth0"), at("0.0.0.0", None, "eth1"), False, id="two devices"),
        pytest.param(at("0.0.0.0", None, "eth0"), at("0.0.0.0", None, "eth0"), True, id="one device"),
        pytest.param(at("::", False, "eth0"), at("10.0.0.5", None, "eth1"), False, id="two devices, dual-stack"),
        pytest.param(at("0.0.0.0"), at("0.0.0.0", None, "eth1"), True, id="a device against none"),
        pytest.param(at("0.0.0.0"), at("0.0.0.0", None, "eth1", "red"), False, id="in a VRF"),
        pytest.param(at("0.0.0.0"), at("0.0.0.0", None, "red", "red"), False, id="on a VRF itself"),
        pytest.param(at("::", False), at("10.0.0.5", None, "eth1", "red"), False, id="in a VRF, dual-stack"),
        pytest.param(at("fe80::1", True, "eth0"), at("fe80::1", True, "eth0"), True, id="link-local, one zone"),
        pytest.param(at("fe80::1", True, "eth0"), at("fe80::1", True, "eth1"), False, id="link-local, two zones"),
        pytest.param(at("fe80::1", True, "eth0"), at("::", True), True, id="link-local against the wildcard"),
        pytest.param(at("2001:db8::1", True), at("2001:db8::2", True), False, id="two IPv6 addresses"),
        pytest.param(at("0.0.0.0"), at("2001:db8::1", False), True, id="IPv4 wildcard, connection over IPv6"),
        pytest.param(at("0.0.0.0"), at("2001:db8::1", True), False, id="IPv4 wildcard, bound IPv6 literal"),
        pytest.param(at("10.0.0.5"), at("2001:db8::1", False), False, id="IPv4 literal, connection over IPv6"),
        pytest.param(at("::ffff:0.0.0.0", False), at("2001:db8::1", False), False, id="mapped, connection over IPv6"),
    ],
)
def test_overlap_off_this_host(wanted, held, expected):
    assert overlap(wanted, held) is expected


@pytest.mark.parametrize(
    ("wanted", "held", "expected"),
    [
        pytest.param("0.0.0.0", "::", None, id="IPv4 wildcard against the IPv6 one"),
        pytest.param("127.0.0.1", "::", None, id="IPv4 literal against the IPv6 wildcard"),
        pytest.param("::ffff:127.0.0.1", "::", None, id="mapped literal against the IPv6 wildcard"),
        pytest.param("0.0.0.0", "::1", None, id="IPv4 wildcard against an IPv6 literal"),
        pytest.param("127.0.0.1", "::1", False, id="IPv4 literal against an IPv6 literal"),
        pytest.param("::", "::", True, id="both IPv6 wildcards"),
        pytest.param("::1", "::", True, id="IPv6 literal against the wildcard"),
        pytest.param("0.0.0.0", "::ffff:127.0.0.1", True, id="mapped addresses are IPv4 anyway"),
    ],
)
def test_overlap_where_the_witness_tells_no_v6only(wanted, held, expected):
    assert overlap(at(wanted, v6only=True if wanted in ("::", "::1") else None), at(held, v6only=None)) is expected


@pytest.mark.linux
def test_a_connection_over_ipv6_meets_the_ipv4_wildcard_alone(loopback):
    client, _served = loopback.connection(loopback.listening("::1"))
    port = client.getsockname()[1]
    with pytest.raises(OSError, match="in use") as refusal:
        loopback.bound("tcp", "0.0.0.0", port)
    assert refusal.value.errno == errno.EADDRINUSE
    loopback.bound("tcp", "127.0.0.1", port)


@pytest.mark.parametrize(
    ("wanted", "held", "expected"),
    [
        pytest.param("0.0.0.0", "0.0.0.0", True, id="the same"),
        pytest.param("127.0.0.1", "0.0.0.0", True, id="the wildcard serves each address"),
        pytest.param("0.0.0.0", "127.0.0.1", False, id="one address doesn't serve the wildcard"),
        pytest.param("127.0.0.1", "127.0.0.2", False, id="another address"),
        pytest.param("127.0.0.1", ":: dual", True, id="dual-stack serves IPv4"),
        pytest.param("0.0.0.0", ":: dual", True, id="dual-stack serves the IPv4 wildcard"),
        pytest.param("127.0.0.1", ":: v6only", False, id="V6ONLY does not"),
        pytest.param("::1", ":: v6only", True, id="the IPv6 wildcard serves an IPv6 address"),
        pytest.param(":: dual", ":: v6only", False, id="clients of IPv4 belong to ::, too"),
        pytest.param(":: dual", ":: dual", True, id="dual-stack serves ::"),
        pytest.param(":: dual", "0.0.0.0", False, id="IPv4 alone does not serve ::"),
        pytest.param(":: dual", "::1", False, id="one IPv6 address doesn't serve ::"),
        pytest.param("::1", "0.0.0.0", False, id="IPv4 does not serve IPv6"),
        pytest.param("127.0.0.1", "mapped 127.0.0.1", True, id="a mapped address serves its IPv4 address"),
        pytest.param("mapped 127.0.0.1", "127.0.0.1", True, id="and the other way round"),
        pytest.param("127.0.0.1", "mapped 0.0.0.0", True, id="the mapped wildcard is one"),
        pytest.param("mapped 127.0.0.1", "mapped 0.0.0.0", True, id="also for a mapped address"),
    ],
)
def test_serves(wanted, held, expected):
    assert serves(ENDPOINTS[wanted], ENDPOINTS[held]) is expected


@pytest.mark.parametrize(
    ("wanted", "device", "expected"),
    [
        pytest.param("127.0.0.1", "eth0", False, id="loopback is not heard on another device"),
        pytest.param("::1", "eth0", False, id="nor is that of IPv6"),
        pytest.param("127.0.0.1", "lo", True, id="loopback on its device"),
        pytest.param("10.0.0.5", "eth0", True, id="an address that may be on the device"),
        pytest.param("10.0.0.5", "lo", False, id="an address that others reach by another device"),
        pytest.param("0.0.0.0", "lo", False, id="the wildcard is on other devices, too"),
        pytest.param("0.0.0.0", "eth0", False, id="and on the loopback device"),
    ],
)
def test_serves_by_a_bound_device(wanted, device, expected):
    assert serves(at(wanted, v6only=True), at("::" if ":" in wanted else "0.0.0.0", True, device)) is expected


def test_serves_where_the_witness_tells_no_v6only():
    assert not serves(at("127.0.0.1"), at("::", v6only=None))
    assert not serves(at("::", v6only=False), at("::", v6only=None))


@pytest.mark.parametrize(
    ("endpoint", "text", "is_ipv6", "is_wildcard"),
    [
        pytest.param(at("0.0.0.0"), "0.0.0.0", False, True, id="IPv4 wildcard"),
        pytest.param(at("10.0.0.5", None, "eth0"), "10.0.0.5", False, False, id="IPv4"),
        pytest.param(at("::", True), "::", True, True, id="IPv6 wildcard"),
        pytest.param(at("2001:db8:0::1"), "2001:db8::1", True, False, id="IPv6"),
        pytest.param(at("::ffff:0.0.0.0"), "::ffff:0.0.0.0", True, True, id="mapped wildcard"),
        pytest.param(at("::ffff:10.0.0.5"), "::ffff:10.0.0.5", True, False, id="mapped"),
    ],
)
def test_endpoint(endpoint, text, is_ipv6, is_wildcard):
    assert (str(endpoint), endpoint.is_ipv6, endpoint.is_wildcard) == (text, is_ipv6, is_wildcard)


@pytest.mark.parametrize(
    ("device", "expected"), [("eth0", True), ("eth1", False), ("lo", False)], ids=["the same", "another", "loopback"]
)
def test_serves_whoever_is_to_come_in_by_one_device(device, expected):
    assert serves(at("0.0.0.0", True, "eth0"), at("0.0.0.0", True, device)) is expected


ALL4, ALL6, DUAL = row("listening"), row("listening", "::", v6only=True), row("listening", "::", v6only=False)
ONE4, ONE6 = row("listening", "10.0.0.5"), row("listening", "2001:db8::5", v6only=True)
MAPPED = row("listening", "::ffff:10.0.0.5", v6only=False)
ON_ETH0 = row("listening", "10.0.0.5", interface="eth0")


@pytest.mark.parametrize(
    ("wanted", "servers", "expected"),
    [
        pytest.param(at("10.0.0.5"), [ALL4, ONE4], [ONE4], id="the very address before a wildcard"),
        pytest.param(at("10.0.0.6"), [ALL4, ONE4], [ALL4], id="another address"),
        pytest.param(at("10.0.0.5"), [MAPPED, ONE4], [ONE4], id="AF_INET before a mapped address"),
        pytest.param(at("::ffff:10.0.0.5"), [MAPPED, ONE4], [ONE4], id="a mapped address is one of IPv4"),
        pytest.param(at("10.0.0.5"), [MAPPED, ALL4], [MAPPED], id="a mapped address before a wildcard"),
        pytest.param(at("10.0.0.5"), [DUAL, ALL4], [ALL4], id="AF_INET before a dual-stack wildcard"),
        pytest.param(at("10.0.0.5"), [DUAL, ALL6], [DUAL], id="IPv6 only takes none"),
        pytest.param(at("10.0.0.5"), [ON_ETH0, ALL4], [ON_ETH0, ALL4], id="what comes in elsewhere"),
        pytest.param(at("10.0.0.5"), [ON_ETH0, ONE4, ALL4], [ON_ETH0, ONE4], id="a device, and all of them"),
        pytest.param(at("2001:db8::5"), [DUAL, ONE6], [ONE6], id="IPv6"),
        pytest.param(at("0.0.0.0"), [DUAL, ALL4, ONE4], [ALL4, ONE4], id="a wildcard means every address"),
        pytest.param(at("0.0.0.0"), [DUAL, ALL6], [DUAL], id="all of IPv4, of a dual-stack server"),
        pytest.param(at("::", v6only=False), [DUAL, ALL4, ONE6], [DUAL, ALL4, ONE6], id="both families"),
        pytest.param(at("::", v6only=True), [DUAL, ALL4, ONE4], [DUAL], id="IPv6 only"),
        pytest.param(at("10.0.0.5"), [], [], id="nobody"),
    ],
)
def test_preferred(wanted, servers, expected):
    assert preferred(wanted, servers) == expected


@pytest.mark.parametrize(
    ("sockets", "expected"),
    [
        pytest.param([], False, id="nobody"),
        pytest.param([ALL4], True, id="listening"),
        pytest.param([row("bound", protocol="udp")], True, id="of UDP"),
        pytest.param([row("bound")], False, id="bound, which may be shared"),
        pytest.param([row("bound"), ALL4], True, id="one of several"),
        pytest.param([row("listening", "10.0.0.6")], False, id="another address"),
        pytest.param([row("listening", "::", v6only=None)], False, id="nobody knows"),
    ],
)
def test_surely_taken(sockets, expected):
    assert surely_taken(at("10.0.0.5"), sockets) is expected
