# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with 20,000 sockets and 1,000 processes."""

from __future__ import annotations

import resource
import socket
from typing import Any

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import EVERY_STATE
from ansible_collections.preflight.ports.plugins.module_utils._table import proc_net, sock_diag
from support.apart import in_processes
from support.people import listener, port_of, start
from support.running import check

CONNECTIONS = 10_000  # of two sockets each
PROCESSES = 1_000
CONNECTED = 4  # of these have them
FREE = list(range(4000, 4020))
SOURCES = ("netlink", "procfs", "psutil")


def connected(server: socket.socket, count: int) -> list[tuple[socket.socket, socket.socket]]:
    pairs = []
    for _unused in range(count):
        client = socket.create_connection(server.getsockname())
        pairs.append((client, server.accept()[0]))
    return pairs


def sockets_in_use() -> int:
    with open("/proc/net/sockstat", encoding="utf-8") as counts:
        return sum(int(line.split()[2]) for line in counts if line.startswith("TCP:"))


def results() -> dict[str, Any]:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for _unused in range(CONNECTED):
        server = listener()
        start(lambda server=server: connected(server, CONNECTIONS // CONNECTED))
        server.close()
    ports = {}
    for number in range(PROCESSES - CONNECTED):
        server = listener() if number % 400 == 0 else None
        pid = start(lambda server=server: server).pid
        if server:
            ports[port_of(server)] = pid
            server.close()
    looks = {source: check([*FREE, *ports], source=source) for source in SOURCES}
    rows = {table.__name__: len(table.read("tcp", 1, 65535, EVERY_STATE)) for table in (sock_diag, proc_net)}
    return {"sockets": sockets_in_use(), "rows": rows, "ports": ports, "looks": looks}


@pytest.fixture(scope="module")
def crowd() -> dict[str, Any]:
    return in_processes(results)


def test_it_is_a_crowd(crowd: dict[str, Any]) -> None:
    assert crowd["sockets"] >= 2 * CONNECTIONS


def test_no_row_is_lost(crowd: dict[str, Any]) -> None:
    """They come in many parts."""
    for rows in crowd["rows"].values():
        assert rows >= 2 * CONNECTIONS


@pytest.mark.parametrize("source", SOURCES)
def test_verdicts_and_holders_are_right(source: str, crowd: dict[str, Any]) -> None:
    result = crowd["looks"][source]
    states = {entry["port"]: entry["state"] for entry in result["ports"]}
    assert states == {**dict.fromkeys(FREE, "free"), **dict.fromkeys(crowd["ports"], "listening")}
    holders = {found["port"]: [holder["pid"] for holder in found["holders"]] for found in result["conflicts"]}
    assert holders == {port: [pid] for port, pid in crowd["ports"].items()}
