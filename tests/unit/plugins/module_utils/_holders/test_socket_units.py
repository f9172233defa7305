# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from unittest.mock import Mock

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders.socket_units import find, parse
from ansible_collections.preflight.ports.plugins.module_utils._kernel import command


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param("Id=ssh.socket\nListen=[::]:22 (Stream)\n", {("tcp", "::", 22): "ssh.socket"}, id="one"),
        pytest.param(
            "Listen=0.0.0.0:22 (Stream)\nId=ssh.socket\n",
            {("tcp", "0.0.0.0", 22): "ssh.socket"},
            id="the order of properties",
        ),
        pytest.param(
            "Id=dns.socket\nListen=127.0.0.1:53 (Datagram)\nListen=127.0.0.1:53 (Stream)\n\n"
            "Id=cups.socket\nListen=/run/cups/cups.sock (Stream)\nListen=[::1]:631 (Stream)\n",
            {
                ("udp", "127.0.0.1", 53): "dns.socket",
                ("tcp", "127.0.0.1", 53): "dns.socket",
                ("tcp", "::1", 631): "cups.socket",
            },
            id="several of several units",
        ),
        pytest.param("Id=dbus.socket\nListen=/run/dbus/system_bus_socket (Stream)\n", {}, id="a path"),
        pytest.param("Id=x.socket\nListen=@abstract:80 (Stream)\n", {}, id="an abstract name"),
        pytest.param("Id=x.socket\nListen=kobject-uevent 1 (Netlink)\n", {}, id="netlink"),
        pytest.param("Id=x.socket\nListen=[::]:80 (SequentialPacket)\n", {}, id="neither tcp nor udp"),
        pytest.param("Id=x.socket\nListen=\n", {}, id="empty"),
        pytest.param("Id=x.socket\nListen=[::]:123456 (Stream)\n", {}, id="too many digits"),
        pytest.param("Listen=[::]:22 (Stream)\n", {}, id="no name"),
        pytest.param("Id=a.socket\n\nListen=[::]:22 (Stream)\n", {}, id="a name of another block"),
        pytest.param("Failed to connect to bus: No such file or directory\n", {}, id="no answer"),
    ],
)
def test_parse(output, expected):
    assert parse(output) == expected


def test_find(monkeypatch):
    asked = []

    def output(*words):
        asked.append(words)
        return "Id=ssh.socket\nListen=[::]:22 (Stream)\n"

    monkeypatch.setattr(command, "output", output)
    assert find() == {("tcp", "::", 22): "ssh.socket"}
    assert asked == [("systemctl", "show", "--property=Id,Listen", "*.socket")]


def test_find_where_systemctl_fails(monkeypatch):
    monkeypatch.setattr(command, "output", Mock(side_effect=command.CommandError("no systemctl")))
    assert find() == {}
