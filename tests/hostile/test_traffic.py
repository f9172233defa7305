# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ordinary user who takes what is meant for root's service."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import Any

import pytest
from hostile.intruder import become_ordinary
from support.apart import in_network
from support.people import start
from support.running import check, run

PORT = 8443
SHARED = {"family": socket.AF_INET, "kind": socket.SOCK_DGRAM, "address": "0.0.0.0"}


def bound(family: int, kind: int, address: str) -> socket.socket:
    server = socket.socket(family, kind)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind((address, PORT))
    if kind == socket.SOCK_STREAM:
        server.listen()
    return server


@pytest.mark.parametrize(
    ("roots", "his", "entry"),
    [
        pytest.param(SHARED, SHARED, f"{PORT}/udp", id="he shares the port of UDP"),
        pytest.param(
            {"family": socket.AF_INET, "kind": socket.SOCK_STREAM, "address": "127.0.0.1"},
            {"family": socket.AF_INET6, "kind": socket.SOCK_STREAM, "address": "::"},
            PORT,
            id="he has the other addresses",
        ),
    ],
)
def test_a_service_beside_roots(roots: dict[str, Any], his: dict[str, Any], entry: Any) -> None:
    def scene() -> dict[str, Any]:
        reading, writing = os.pipe()

        def act() -> socket.socket:
            become_ordinary()
            server = bound(**his)
            os.write(writing, b"!")
            return server

        with bound(**roots):
            process = start(act)
            os.read(reading, 1)
            try:
                return check([entry], state="listening", held_by=["user:root"])
            finally:
                process.end()

    result = in_network(scene)
    assert result["failed"], "clients may meet him"
    assert {holder["user"] for conflict in result["conflicts"] for holder in conflict["holders"]} == {"root", "nobody"}


@pytest.mark.parametrize("source", ["netlink", "procfs"])
def test_a_device_whose_name_is_no_text(source: str) -> None:
    name = b"eth\xff"

    def scene() -> tuple[dict[str, Any], dict[str, Any]]:
        subprocess.run([b"ip", b"link", b"add", name, b"type", b"bridge"], check=True)
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
            server.bind(("0.0.0.0", PORT))
            info = run("ansible_collections.preflight.ports.plugins.modules.port_info", {"source": source})
            return check([PORT], source=source), info

    result, info = in_network(scene)
    assert result["conflicts"][0]["port"] == PORT
    assert [each["port"] for each in info["sockets"] if each["port"] == PORT] == [PORT]
