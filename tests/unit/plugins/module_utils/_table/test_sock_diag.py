# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import links
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    EVERY_STATE,
    LISTENERS,
    LISTENING,
    SourceError,
)
from ansible_collections.preflight.ports.plugins.module_utils._table import sock_diag
from support.netlink import SOCK_DIAG_BY_FAMILY, Channel, attribute, done, error, message
from support.records import at, row

V6ONLY, OTHER_ATTRIBUTE = 11, 8
ESTABLISHED, TIME_WAIT, CLOSE, LISTEN, BOUND_INACTIVE = 1, 6, 7, 10, 13


def inet_diag_msg(
    state, local, port, remote=None, remote_port=0, device=0, uid=0, inode=0, attributes=b"", timer=0, expires=0
):
    family = socket.AF_INET6 if ":" in local else socket.AF_INET
    nobody = "::" if family == socket.AF_INET6 else "0.0.0.0"
    return (
        struct.pack("=BBBB", family, state, timer, 0xAA)
        + struct.pack(">HH", port, remote_port)
        + socket.inet_pton(family, local).ljust(16, b"\0")
        + socket.inet_pton(family, remote or nobody).ljust(16, b"\0")
        + struct.pack("=I", device)
        + b"\xff" * 8  # cookie
        + struct.pack("=I", expires)
        + b"\xee" * 8  # queues
        + struct.pack("=II", uid, inode)
        + attributes
    )


def v6only(value):
    return attribute(OTHER_ATTRIBUTE, b"\xff") + attribute(V6ONLY, bytes([value]))


@pytest.fixture
def devices(monkeypatch):
    def name(index):
        if index == 7:
            return "eth7"
        raise OSError("no interface with this index")

    monkeypatch.setattr(socket, "if_indextoname", name)


@pytest.mark.usefixtures("devices")
@pytest.mark.parametrize(
    ("payload", "protocol", "expected"),
    [
        pytest.param(
            inet_diag_msg(LISTEN, "127.0.0.1", 8080, uid=33, inode=4242),
            "tcp",
            row(LISTENING, "127.0.0.1", 8080, inode=4242, uid=33),
            id="IPv4 listener",
        ),
        pytest.param(
            inet_diag_msg(LISTEN, "::", 80, attributes=v6only(0)),
            "tcp",
            row(LISTENING, "::", 80, v6only=False, uid=0),
            id="dual-stack listener",
        ),
        pytest.param(
            inet_diag_msg(LISTEN, "::", 80, attributes=v6only(1)),
            "tcp",
            row(LISTENING, "::", 80, v6only=True, uid=0),
            id="IPv6 listener with V6ONLY",
        ),
        pytest.param(
            inet_diag_msg(LISTEN, "::", 80),
            "tcp",
            row(LISTENING, "::", 80, v6only=None, uid=0),
            id="IPv6 listener, V6ONLY not told",
        ),
        pytest.param(
            inet_diag_msg(LISTEN, "::", 80, attributes=attribute(V6ONLY, b"")),
            "tcp",
            row(LISTENING, "::", 80, v6only=None, uid=0),
            id="IPv6 listener, V6ONLY without value",
        ),
        pytest.param(
            inet_diag_msg(LISTEN, "0.0.0.0", 80, attributes=v6only(1)),
            "tcp",
            row(LISTENING, "0.0.0.0", 80, v6only=None, uid=0),
            id="V6ONLY says nothing of IPv4",
        ),
        pytest.param(
            inet_diag_msg(LISTEN, "0.0.0.0", 80, device=7),
            "tcp",
            row(LISTENING, "0.0.0.0", 80, interface="eth7", uid=0),
            id="bound to a device",
        ),
        pytest.param(
            inet_diag_msg(LISTEN, "0.0.0.0", 80, device=8),
            "tcp",
            row(LISTENING, "0.0.0.0", 80, interface="#8", uid=0),
            id="bound to a device that is gone",
        ),
        pytest.param(
            inet_diag_msg(ESTABLISHED, "10.0.0.5", 45000, "10.0.0.9", 443, inode=7),
            "tcp",
            row(CONNECTED, "10.0.0.5", 45000, inode=7, uid=0, peer="10.0.0.9:443"),
            id="connection",
        ),
        pytest.param(
            inet_diag_msg(ESTABLISHED, "2001:db8::5", 45000, "2001:db8::9", 443, attributes=v6only(0)),
            "tcp",
            row(CONNECTED, "2001:db8::5", 45000, v6only=False, uid=0, peer="[2001:db8::9]:443"),
            id="connection over IPv6",
        ),
        pytest.param(
            inet_diag_msg(TIME_WAIT, "10.0.0.5", 80, "10.0.0.9", 50000, timer=3, expires=41000),
            "tcp",
            row(CLOSING, "10.0.0.5", 80, uid=0, peer="10.0.0.9:50000", seconds_left=42),
            id="TIME_WAIT",
        ),
        pytest.param(
            inet_diag_msg(ESTABLISHED, "10.0.0.5", 80, "10.0.0.9", 50000, timer=2, expires=41999),
            "tcp",
            row(CONNECTED, "10.0.0.5", 80, uid=0, peer="10.0.0.9:50000"),
            id="a keep-alive timer is no end",
        ),
        pytest.param(
            inet_diag_msg(BOUND_INACTIVE, "0.0.0.0", 80, inode=9),
            "tcp",
            row(BOUND, "0.0.0.0", 80, inode=9, uid=0),
            id="bound, not listening",
        ),
        pytest.param(
            inet_diag_msg(BOUND_INACTIVE, "127.0.0.1", 80, "127.0.0.1", 443, inode=9),
            "tcp",
            row(BOUND, "127.0.0.1", 80, inode=9, uid=0),
            id="bound, after a connection that failed",
        ),
        pytest.param(
            inet_diag_msg(CLOSE, "0.0.0.0", 53, inode=9),
            "udp",
            row(BOUND, "0.0.0.0", 53, "udp", inode=9, uid=0),
            id="UDP",
        ),
        pytest.param(
            inet_diag_msg(ESTABLISHED, "127.0.0.1", 53, "127.0.0.1", 5353, inode=9),
            "udp",
            row(CONNECTED, "127.0.0.1", 53, "udp", inode=9, uid=0, peer="127.0.0.1:5353"),
            id="UDP connected",
        ),
        pytest.param(
            inet_diag_msg(CLOSE, "::ffff:10.0.0.5", 53, attributes=v6only(0)),
            "udp",
            row(BOUND, "::ffff:10.0.0.5", 53, "udp", v6only=False, uid=0),
            id="IPv4 mapped into IPv6",
        ),
        pytest.param(
            inet_diag_msg(LISTEN, "0.0.0.0", 65535, uid=2**32 - 1, inode=2**32 - 1),
            "tcp",
            row(LISTENING, "0.0.0.0", 65535, uid=2**32 - 1, inode=2**32 - 1),
            id="the greatest numbers",
        ),
    ],
)
def test_parse(payload, protocol, expected):
    assert sock_diag.parse(payload, protocol) == expected


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        pytest.param(b"", "a table row of 0 bytes, 72 are the least", id="empty"),
        pytest.param(inet_diag_msg(LISTEN, "0.0.0.0", 80)[:-1], "a table row of 71 bytes", id="too short"),
        pytest.param(
            b"\x01" + inet_diag_msg(LISTEN, "0.0.0.0", 80)[1:], "the unexpected address family 1", id="another family"
        ),
        pytest.param(
            inet_diag_msg(LISTEN, "::", 80, attributes=attribute(V6ONLY, b"\1", length=0)),
            "an attribute of 0 bytes",
            id="a broken attribute",
        ),
    ],
)
def test_parse_fails(payload, complaint):
    with pytest.raises(SourceError, match=complaint):
        sock_diag.parse(payload, "tcp")


def table(*rows):
    return [b"".join(message(SOCK_DIAG_BY_FAMILY, each) for each in rows), done()]


def test_read_asks_for_both_families_and_keeps_to_the_ports(monkeypatch):
    channel = Channel(
        table(*(inet_diag_msg(LISTEN, "0.0.0.0", port) for port in (79, 80, 81, 82))),
        table(inet_diag_msg(LISTEN, "::", 81, attributes=v6only(1))),
    ).replaces_sockets(monkeypatch)
    assert sock_diag.read("tcp", 80, 81, LISTENERS) == [
        row(LISTENING, "0.0.0.0", 80, uid=0),
        row(LISTENING, "0.0.0.0", 81, uid=0),
        row(LISTENING, "::", 81, v6only=True, uid=0),
    ]
    assert channel.protocol == 4  # NETLINK_SOCK_DIAG


ALL_BUT_BOUND_AND_LISTENING = 0xFFFFFFFF ^ 1 << LISTEN ^ 1 << CLOSE ^ 1 << BOUND_INACTIVE


@pytest.mark.parametrize(
    ("protocol", "number", "states", "mask"),
    [
        pytest.param("tcp", 6, LISTENERS, 1 << LISTEN, id="the short list of listeners"),
        pytest.param("tcp", 6, frozenset([BOUND]), 1 << CLOSE | 1 << BOUND_INACTIVE, id="bound"),
        pytest.param("tcp", 6, frozenset([CONNECTED]), ALL_BUT_BOUND_AND_LISTENING, id="connected"),
        pytest.param("tcp", 6, frozenset([CLOSING]), ALL_BUT_BOUND_AND_LISTENING, id="closing"),
        pytest.param("tcp", 6, EVERY_STATE, 0xFFFFFFFF, id="every state"),
        pytest.param("tcp", 6, frozenset(), 0, id="none"),
        pytest.param("udp", 17, LISTENERS, 0xFFFFFFFF, id="all of UDP"),
    ],
)
def test_read_has_the_kernel_filter_states(protocol, number, states, mask, monkeypatch):
    channel = Channel([done()], [done()]).replaces_sockets(monkeypatch)
    assert sock_diag.read(protocol, 80, 443, states) == []
    requests = [struct.unpack_from("=BBBxI", request, 16) for request in channel.sent]
    assert requests == [(socket.AF_INET, number, 0, mask), (socket.AF_INET6, number, 0, mask)]


def test_read_fails_when_one_family_does(monkeypatch):
    Channel(table(inet_diag_msg(LISTEN, "0.0.0.0", 80)), [error(2)]).replaces_sockets(monkeypatch)
    with pytest.raises(SourceError, match="the kernel refused the dump"):
        sock_diag.read("tcp", 80, 80, LISTENERS)


@pytest.mark.usefixtures("devices")
@pytest.mark.parametrize(
    ("protocol", "state", "device", "apart", "vrf"),
    [
        pytest.param("tcp", LISTEN, 7, True, "red", id="in a VRF"),
        pytest.param("tcp", LISTEN, 7, False, None, id="in a VRF, but the ports are common to all"),
        pytest.param("tcp", LISTEN, 8, True, None, id="on a device outside of all"),
        pytest.param("tcp", LISTEN, 0, True, None, id="on no device"),
        pytest.param("udp", CLOSE, 7, True, None, id="UDP, which has no ports of its own there"),
    ],
)
def test_read_tells_the_vrf(protocol, state, device, apart, vrf, monkeypatch):
    monkeypatch.setattr(links, "read", lambda: ["the devices"])
    monkeypatch.setattr(links, "vrfs", lambda links: {"eth7": "red"} if links == ["the devices"] else {})
    monkeypatch.setattr(links, "tcp_keeps_vrfs_apart", lambda: apart)
    rows = [inet_diag_msg(state, "0.0.0.0", 80, device=device), inet_diag_msg(state, "0.0.0.0", 81)]
    Channel(table(*rows), [done()]).replaces_sockets(monkeypatch)
    found = sock_diag.read(protocol, 80, 81, EVERY_STATE)
    assert [each.endpoint.vrf for each in found] == [vrf, None]


@pytest.mark.linux
def test_the_kernel_filters_ports(loopback, monkeypatch):
    ports = sorted(loopback.listening().getsockname()[1] for _each in range(9))
    parsed = []
    monkeypatch.setattr(
        sock_diag, "parse", lambda *row, parse=sock_diag.parse: parsed.append(parse(*row)) or parsed[-1]
    )
    first, last = ports[3], ports[5]
    found = sock_diag.read("tcp", first, last, LISTENERS)
    assert set(ports[3:6]) <= {each.port for each in found}
    assert parsed == found, "the kernel sent what was not asked for"


@pytest.mark.linux
def test_the_kernel_filters_states(loopback):
    server = loopback.listening()
    client, served = loopback.connection(server)
    port = server.getsockname()[1]
    inodes = {state: os.fstat(made.fileno()).st_ino for state, made in ((LISTENING, server), (CONNECTED, served))}
    for states in (LISTENERS, frozenset([CONNECTED]), frozenset([BOUND])):
        seen = {each.state: each.inode for each in sock_diag.read("tcp", port, port, states)}
        assert seen == {state: inode for state, inode in inodes.items() if state in states}
    outgoing = sock_diag.read("tcp", *[client.getsockname()[1]] * 2, EVERY_STATE)
    assert (CONNECTED, f"127.0.0.1:{port}") in [(each.state, each.peer) for each in outgoing]


@pytest.mark.linux
def test_the_kernel_tells_how_long_time_wait_lasts(loopback):
    server = loopback.listening()
    client, served = loopback.connection(server)
    served.close()
    client.close()
    port = server.getsockname()[1]
    (left,) = sock_diag.read("tcp", port, port, frozenset([CLOSING, CONNECTED]))
    assert left.state == CLOSING
    assert 0 < left.seconds_left <= 61


@pytest.mark.linux
def test_the_kernel_tells_device_and_v6only(loopback):
    server = loopback.bound("tcp", "::", v6only=True)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    server.listen(1)
    port = server.getsockname()[1]
    assert [each.endpoint for each in sock_diag.read("tcp", port, port, LISTENERS)] == [at("::", True, "lo")]


@pytest.mark.linux
def test_the_kernel_shows_bound_sockets_as_shows_bound_says(loopback):
    port = loopback.bound().getsockname()[1]
    seen = [each.state for each in sock_diag.read("tcp", port, port, EVERY_STATE)]
    assert seen == ([BOUND] if sock_diag.shows_bound() else [])


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        pytest.param("6.8.0-31-generic", True, id="the first that does"),
        pytest.param("6.7.12", False, id="the last that does not"),
        pytest.param("6.18.1", True, id="two digits"),
        pytest.param("5.14.0-427.el9", False, id="an older one"),
        pytest.param("10.0", True, id="a later one"),
        pytest.param("unheard-of", False, id="no number"),
    ],
)
def test_shows_bound(release, expected, monkeypatch):
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "host", release, "#1", "x86_64")))
    assert sock_diag.shows_bound() is expected
