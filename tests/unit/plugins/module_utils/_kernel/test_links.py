# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import links
from ansible_collections.preflight.ports.plugins.module_utils._kernel.links import Link, parse, read, vrfs
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import LISTENING, SourceError
from support.netlink import Channel, attribute, done, error, message
from support.records import row

NEWLINK = 16
IFNAME, MASTER, LINKINFO, INFO_KIND, INFO_DATA = 3, 10, 18, 1, 2
VXLAN_ID, VXLAN_PORT, GENEVE_PORT = 1, 15, 5


def device(number, name, kind=None, *data, master=None):
    info = b"" if kind is None else attribute(INFO_KIND, kind + b"\0")
    info += attribute(INFO_DATA, b"".join(data)) if data else b""
    nested = attribute(0x8000 | LINKINFO, info) if kind else b""
    enslaved = b"" if master is None else attribute(MASTER, struct.pack("=I", master))
    return struct.pack("=4xi8x", number) + attribute(IFNAME, name + b"\0") + enslaved + nested


LO = device(1, b"lo")
BRIDGE = device(2, b"br0", b"bridge", attribute(VXLAN_PORT, b"\x12\xb5"), attribute(GENEVE_PORT, b"\x12\xb5"))
VXLAN = device(3, b"vxlan0", b"vxlan", attribute(VXLAN_ID, b"\1\0\0\0"), attribute(VXLAN_PORT, b"\x12\xb5"))
GENEVE = device(4, b"gnv0", b"geneve", attribute(GENEVE_PORT, b"\x17\xc1"))
WIREGUARD = device(5, b"wg0", b"wireguard")
RED = device(6, b"red", b"vrf")
RED_PORT = device(7, b"eth1", b"veth", master=6)
BRIDGE_PORT = device(8, b"eth2", b"veth", master=2)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(LO, Link(1, "lo", "", 0, None), id="no kind"),
        pytest.param(BRIDGE, Link(2, "br0", "bridge", 0, None), id="numbers mean something else in another kind"),
        pytest.param(VXLAN, Link(3, "vxlan0", "vxlan", 0, 4789), id="vxlan"),
        pytest.param(GENEVE, Link(4, "gnv0", "geneve", 0, 6081), id="geneve"),
        pytest.param(WIREGUARD, Link(5, "wg0", "wireguard", 0, None), id="wireguard"),
        pytest.param(
            device(9, b"vxlan1", b"vxlan"), Link(9, "vxlan1", "vxlan", 0, None), id="vxlan that tells no port"
        ),
        pytest.param(RED_PORT, Link(7, "eth1", "veth", 6, None), id="enslaved"),
        pytest.param(bytes(16), Link(0, "", "", 0, None), id="no attributes"),
        pytest.param(
            device(9, b"odd0", b"odd", b"\1\0\0\0"), Link(9, "odd0", "odd", 0, None), id="data in a way of its own"
        ),
        pytest.param(
            bytes(16) + attribute(LINKINFO, attribute(INFO_DATA, attribute(VXLAN_PORT, b"\x12\xb5"))),
            Link(0, "", "", 0, None),
            id="data of no kind",
        ),
    ],
)
def test_parse(payload, expected):
    assert parse(payload) == expected


@pytest.mark.parametrize(
    ("payload", "error_text"),
    [
        pytest.param(bytes(16) + attribute(LINKINFO, b"abcd", length=2), "an attribute of 2 bytes", id="attribute"),
        pytest.param(bytes(15), "a device of 15 bytes, 16 are the least", id="device"),
    ],
)
def test_parse_fails_on_what_is_broken(payload, error_text):
    with pytest.raises(SourceError, match=error_text):
        parse(payload)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param([message(NEWLINK, LO), done()], ["lo"], id="one"),
        pytest.param(
            [message(NEWLINK, LO) + message(NEWLINK, VXLAN), message(NEWLINK, RED), done()],
            ["lo", "vxlan0", "red"],
            id="in parts",
        ),
        pytest.param([message(NEWLINK, VXLAN), error(errno.EPERM)], [], id="the kernel does not tell"),
        pytest.param([message(NEWLINK, b"short"), done()], [], id="nonsense"),
    ],
)
def test_read(answer, expected, monkeypatch):
    channel = Channel(answer).replaces_sockets(monkeypatch)
    assert [link.name for link in read()] == expected
    assert channel.protocol == 0  # NETLINK_ROUTE


@pytest.mark.linux
def test_the_kernel_lists_its_devices():
    assert [(link.kind, link.master) for link in read() if link.name == "lo"] == [("", 0)]


def test_vrfs():
    links = [parse(payload) for payload in (LO, BRIDGE, RED, RED_PORT, BRIDGE_PORT)]
    assert vrfs(links) == {"red": "red", "eth1": "red"}


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        pytest.param("0\n", True, id="apart"),
        pytest.param("1\n", False, id="sockets outside serve all"),
        pytest.param(None, False, id="a kernel without VRFs"),
    ],
)
def test_tcp_keeps_vrfs_apart(setting, expected, tmp_path):
    path = tmp_path / "tcp_l3mdev_accept"
    if setting is not None:
        path.write_text(setting)
    assert links.tcp_keeps_vrfs_apart(str(path)) is expected


@pytest.mark.parametrize(
    ("apart", "expected"),
    [pytest.param(True, ["red", "red", None, None], id="apart"), pytest.param(False, [None] * 4, id="common to all")],
)
def test_with_vrfs(apart, expected, monkeypatch):
    monkeypatch.setattr(links, "read", lambda: [parse(payload) for payload in (LO, BRIDGE, RED, RED_PORT)])
    monkeypatch.setattr(links, "tcp_keeps_vrfs_apart", lambda: apart)
    sockets = [row(LISTENING, interface=interface) for interface in ("eth1", "red", "br0", None)]
    told = links.with_vrfs(sockets)
    assert [each.endpoint.vrf for each in told] == expected
    assert [each.endpoint.interface for each in told] == ["eth1", "red", "br0", None]


def test_tunnels():
    devices = [parse(payload) for payload in (LO, VXLAN, GENEVE)]
    assert [links.holds_udp(devices, port) for port in (4789, 6081, 53)] == [True, True, False]
    assert not links.has_wireguard(devices)
    assert links.has_wireguard([*devices, parse(WIREGUARD)])
