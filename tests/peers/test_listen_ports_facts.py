# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""port_info beside community.general.listen_ports_facts, on one host, as docs/port-info.md compares them."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.apart import in_processes
from support.people import holders_of, start
from support.running import PLUGINS, run

INFO = PLUGINS + ".modules.port_info"
FACTS = "ansible_collections.community.general.plugins.modules.listen_ports_facts"
COMMANDS = [command for command in ("netstat", "ss") if shutil.which(command)]
PAGE = Path(__file__).parents[2] / "docs/port-info.md"
EVERY_STATE = ["listening", "bound", "connected", "closing"]

TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM
V6ONLY = (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
DUAL_STACK = (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
REUSE_PORT = (socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
ON_DEVICE = (socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"pf0")
ON_A_DEVICE, BOUND_ONLY, SHARED = 1007, 1011, 1012


class Row(NamedTuple):
    """What both tell of a socket."""

    protocol: str
    address: str
    port: int
    pid: int
    process: str
    user: str


class Seen(NamedTuple):
    ours: list[dict[str, Any]]
    theirs: dict[str, list[dict[str, Any]]]
    """By the command that they run."""


def bound(kind: int, address: str, port: int, *options: tuple[int, int, int | bytes]) -> socket.socket:
    held = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    for option in options:
        held.setsockopt(*option)
    held.bind((address, port))
    return held


def listening(address: str, port: int, *options: tuple[int, int, int | bytes]) -> socket.socket:
    server = bound(TCP, address, port, *options)
    server.listen()
    return server


def connected() -> list[socket.socket]:
    """One connection that stays, one that ends in TIME_WAIT, and one of UDP."""
    server = listening("127.0.0.1", 2001)
    clients = [socket.create_connection(("127.0.0.1", 2001)) for _unused in range(2)]
    accepted = [server.accept()[0] for _unused in range(2)]
    clients.pop().close()
    accepted.pop().close()
    udp = bound(UDP, "127.0.0.1", 2002)
    udp.connect(("127.0.0.1", 9))
    return [server, *clients, *accepted, udp]


def look() -> tuple[Seen, Seen]:
    """What listens or is bound, and all there is."""
    for act in (
        lambda: listening("0.0.0.0", 1001),
        lambda: listening("127.0.0.1", 1002),
        lambda: listening("::1", 1003),
        lambda: listening("::", 1004, V6ONLY),
        lambda: listening("::", 1005, DUAL_STACK),
        lambda: listening("0.0.0.0", 1006, REUSE_PORT),
        lambda: listening("0.0.0.0", 1006, REUSE_PORT),
        lambda: listening("0.0.0.0", ON_A_DEVICE, ON_DEVICE),
        lambda: bound(UDP, "0.0.0.0", 1008),
        lambda: bound(UDP, "::1", 1009),
        lambda: bound(UDP, "::", 1010, DUAL_STACK),
        lambda: bound(TCP, "127.0.0.1", BOUND_ONLY),
        connected,
    ):
        start(act)
    holders_of(listening("127.0.0.1", SHARED), count=2)
    return (
        Seen(run(INFO, {"cmdline": True})["sockets"], {command: facts(command, False) for command in COMMANDS}),
        Seen(run(INFO, {"states": EVERY_STATE})["sockets"], {command: facts(command, True) for command in COMMANDS}),
    )


def facts(command: str, include_non_listening: bool) -> list[dict[str, Any]]:
    result = run(FACTS, {"command": command, "include_non_listening": include_non_listening})["ansible_facts"]
    return [*result["tcp_listen"], *result["udp_listen"]]


@pytest.fixture(scope="module")
def seen() -> tuple[Seen, Seen]:
    assert "ss" in COMMANDS
    return in_processes(look)


def our_rows(sockets: list[dict[str, Any]]) -> set[Row]:
    """One for each process, as the other module has them."""
    return {
        Row(each["protocol"], each["address"], each["port"], pid, each["process"] or "", each["user"] or "")
        for each in sockets
        for pid in each["pids"] or [0]
    }


def their_rows(sockets: list[dict[str, Any]]) -> set[Row]:
    """With addresses as everybody else writes them."""
    plain = [each["address"].partition("%")[0].replace("*", "::") for each in sockets]
    return {
        Row(each["protocol"], address, each["port"], each["pid"], each["name"], each["user"])
        for each, address in zip(sockets, plain)
    }


@pytest.mark.parametrize("every_state", [False, True])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_socket_of_theirs_is_in_ours(command: str, every_state: bool, seen: tuple[Seen, Seen]) -> None:
    """With its process, where they know it: behind netstat they miss that of a connected UDP socket."""
    ours, theirs = our_rows(seen[every_state].ours), their_rows(seen[every_state].theirs[command])
    assert {row for row in theirs if row.pid} <= ours
    assert {row[:3] for row in theirs} <= {row[:3] for row in ours}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_only_ours_has(command: str, seen: tuple[Seen, Seen]) -> None:
    ours, theirs = seen[False]
    missing = our_rows(ours) - their_rows(theirs[command])
    # netstat tells of one process for each socket.
    assert sorted(row.port for row in missing) == ([BOUND_ONLY, SHARED] if command == "netstat" else [BOUND_ONLY])


def test_the_device_has_a_field_of_its_own(seen: tuple[Seen, Seen]) -> None:
    ours, _theirs = seen[False]
    assert {each["port"]: each["interface"] for each in ours if each["interface"]} == {ON_A_DEVICE: "pf0"}


def test_the_page_compares_all_fields(seen: tuple[Seen, Seen]) -> None:
    _head, *rows = re.findall(r"^\| `(\w+)` \| (?:`(\w+)` )?\|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {ours for ours, _theirs in rows} == set(seen[False].ours[0])
    assert {theirs for _ours, theirs in rows if theirs} == set(seen[True].theirs["ss"][0])
