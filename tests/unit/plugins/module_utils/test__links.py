# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno

import pytest
from ansible_collections.preflight.ports.plugins.module_utils import _tunnels
from ansible_collections.preflight.ports.plugins.module_utils._netlink_dump import dump
from ansible_collections.preflight.ports.plugins.module_utils._sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._tunnels import Tunnels, link, read
from netlink import Channel, attribute, done, error, message

NEWLINK = 16
IFNAME, LINKINFO, INFO_KIND, INFO_DATA = 3, 18, 1, 2
VXLAN_ID, VXLAN_PORT, GENEVE_PORT = 1, 15, 5


def device(name, kind=None, *data):
    info = b"" if kind is None else attribute(INFO_KIND, kind + b"\0")
    info += attribute(INFO_DATA, b"".join(data)) if data else b""
    nested = attribute(0x8000 | LINKINFO, info) if kind else b""
    return bytes(16) + attribute(IFNAME, name + b"\0") + nested


LO = device(b"lo")
BRIDGE = device(b"br0", b"bridge", attribute(VXLAN_PORT, b"\x12\xb5"), attribute(GENEVE_PORT, b"\x12\xb5"))
VXLAN = device(b"vxlan0", b"vxlan", attribute(VXLAN_ID, b"\1\0\0\0"), attribute(VXLAN_PORT, b"\x12\xb5"))
GENEVE = device(b"gnv0", b"geneve", attribute(GENEVE_PORT, b"\x17\xc1"))
WIREGUARD = device(b"wg0", b"wireguard")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(LO, (b"", None), id="no kind"),
        pytest.param(BRIDGE, (b"bridge", None), id="numbers mean something else in another kind"),
        pytest.param(VXLAN, (b"vxlan", 4789), id="vxlan"),
        pytest.param(GENEVE, (b"geneve", 6081), id="geneve"),
        pytest.param(WIREGUARD, (b"wireguard", None), id="wireguard"),
        pytest.param(device(b"vxlan1", b"vxlan"), (b"vxlan", None), id="vxlan that tells no port"),
        pytest.param(bytes(16), (b"", None), id="no attributes"),
    ],
)
def test_link(payload, expected):
    assert link(payload) == expected


def test_link_fails_on_a_broken_attribute():
    with pytest.raises(SourceError, match="an attribute of 2 bytes"):
        link(bytes(16) + attribute(LINKINFO, b"abcd", length=2))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param([message(NEWLINK, LO), done()], Tunnels(frozenset(), False), id="none"),
        pytest.param(
            [message(NEWLINK, LO) + message(NEWLINK, VXLAN), message(NEWLINK, GENEVE), done()],
            Tunnels(frozenset([4789, 6081]), False),
            id="two ports",
        ),
        pytest.param([message(NEWLINK, WIREGUARD), done()], Tunnels(frozenset(), True), id="wireguard"),
        pytest.param([message(NEWLINK, VXLAN), error(errno.EPERM)], Tunnels(), id="the kernel does not tell"),
        pytest.param([message(NEWLINK, b"short" + VXLAN[:14]), done()], Tunnels(), id="nonsense"),
    ],
)
def test_read(answer, expected, monkeypatch):
    channel = Channel(answer).replaces_sockets(monkeypatch)
    assert read() == expected
    assert channel.protocol == 0  # NETLINK_ROUTE


@pytest.mark.linux
def test_the_kernel_lists_its_devices():
    links = dump(_tunnels._NETLINK_ROUTE, _tunnels._RTM_GETLINK, _tunnels._RTM_NEWLINK, bytes(16))
    loopback = [payload for payload in links if attribute(IFNAME, b"lo\0") in payload]
    assert [link(payload) for payload in loopback] == [(b"", None)]
