# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts where IPv6 is switched off, half or whole."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import Any

import pytest
from faults.proc_net import serve
from faults.seccomp import refuse_socket
from support.apart import in_mounts, in_network
from support.people import listener, port_of
from support.running import check

SOURCES = ("netlink", "procfs", "psutil")
PORT = 4000


def ask(taken: int, source: str, probe: bool = True) -> dict[str, Any]:
    return check([taken, f"127.0.0.1:{taken}", f"[::1]:{PORT}", f"[::]:{PORT}", PORT], source=source, probe=probe)


def states(result: dict[str, Any]) -> list[str]:
    return [entry["state"] for entry in result["ports"]]


@pytest.mark.parametrize("source", SOURCES)
def test_no_ipv6_addresses(source: str) -> None:
    def scene() -> dict[str, Any]:
        for device in ("all", "default", "lo"):
            Path(f"/proc/sys/net/ipv6/conf/{device}/disable_ipv6").write_text("1")
        server = listener()
        return ask(port_of(server), source)

    assert states(in_network(scene)) == ["listening", "listening", "unavailable", "free", "free"]


@pytest.mark.parametrize("source", SOURCES)
def test_no_ipv6_sockets_and_tables(source: str) -> None:
    def scene() -> dict[str, Any]:
        server = listener()
        serve({}, without=("tcp6", "udp6"))
        refuse_socket(errno.EAFNOSUPPORT, {0: socket.AF_INET6})
        return ask(port_of(server), source)

    assert states(in_mounts(scene)) == ["listening", "listening", "unavailable", "unavailable", "free"]


def test_a_missing_table_is_not_an_empty_one() -> None:
    def scene() -> dict[str, Any]:
        server = listener("::1")
        serve({}, without=("tcp6",))
        return check([f"[::1]:{port_of(server)}"], source="procfs", probe=False)

    result = in_mounts(scene)
    assert result.get("failed")
    assert result["ports"] == []
    assert "/proc/net/tcp6" in result["msg"]
