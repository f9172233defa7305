# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import kernel_owned
from ansible_collections.preflight.ports.plugins.module_utils._holders.owners import Owners
from ansible_collections.preflight.ports.plugins.module_utils._kernel.links import Link
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, LISTENING
from support.records import row

INITIAL, NESTED = "pid:[4026531836]", "pid:[4026532000]"
NO_TUNNELS = [Link(1, "lo", "", 0, None)]
VXLAN, WIREGUARD = [Link(2, "vxlan0", "vxlan", 0, 4789)], [Link(3, "wg0", "wireguard", 0, None)]
TCP_ROW, UDP_ROW, VXLAN_ROW = (
    row(LISTENING, port=4789, inode=42),
    row(BOUND, protocol="udp", inode=42),
    row(BOUND, port=4789, protocol="udp", inode=42),
)


@pytest.mark.parametrize(
    ("held", "all_seen", "tunnels", "namespace", "expected"),
    [
        pytest.param(TCP_ROW, True, NO_TUNNELS, INITIAL, True, id="every process was seen"),
        pytest.param(UDP_ROW, True, NO_TUNNELS, INITIAL, True, id="every process was seen, UDP"),
        pytest.param(TCP_ROW, False, NO_TUNNELS, INITIAL, False, id="some processes are hidden"),
        pytest.param(row(LISTENING, inode=42, uid=1000), True, NO_TUNNELS, INITIAL, False, id="a user's, in a message"),
        pytest.param(row(LISTENING), True, NO_TUNNELS, INITIAL, False, id="a socket whose inode the source hides"),
        pytest.param(
            row(BOUND, port=4789, protocol="udp"), True, VXLAN, NESTED, True, id="a tunnel's, without an inode"
        ),
        pytest.param(TCP_ROW, True, NO_TUNNELS, NESTED, False, id="in a PID namespace of its own"),
        pytest.param(TCP_ROW, True, NO_TUNNELS, None, False, id="PID namespace unknown"),
        pytest.param(UDP_ROW, True, WIREGUARD, NESTED, True, id="WireGuard is there"),
        pytest.param(UDP_ROW, False, WIREGUARD, NESTED, False, id="WireGuard is there, some processes are hidden"),
        pytest.param(TCP_ROW, True, WIREGUARD, NESTED, False, id="WireGuard has no TCP"),
        pytest.param(UDP_ROW, True, NO_TUNNELS, NESTED, False, id="no WireGuard is there"),
        pytest.param(VXLAN_ROW, False, VXLAN, NESTED, True, id="a tunnel tells its port"),
        pytest.param(VXLAN_ROW, False, VXLAN, None, True, id="a tunnel tells its port, PID namespace unknown"),
        pytest.param(UDP_ROW, False, VXLAN, NESTED, False, id="a tunnel tells another port"),
        pytest.param(TCP_ROW, False, VXLAN, NESTED, False, id="a tunnel has no TCP"),
    ],
)
def test_kernel_owns(held, all_seen, tunnels, namespace, expected, tmp_path):
    if namespace:
        (tmp_path / "self" / "ns").mkdir(parents=True)
        (tmp_path / "self" / "ns" / "pid").symlink_to(namespace)
    assert kernel_owned.kernel_owns(held, Owners({}, all_seen), tunnels, str(tmp_path)) is expected
