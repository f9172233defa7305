# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import collections
import os
import runpy
import socket
import sys
import types

import psutil
import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    EVERY_STATE,
    LISTENING,
    SourceError,
)
from ansible_collections.preflight.ports.plugins.module_utils._table import psutil_net
from support.records import row

Address = collections.namedtuple("Address", "ip port")
Connection = collections.namedtuple("Connection", "family laddr raddr status pid fd")
NOBODYS = 2**30  # greater than any pid: what is asked of /proc about it finds nothing


def connection(status, local, port=80, remote=None, pid=NOBODYS, fd=3):
    family = socket.AF_INET6 if ":" in local else socket.AF_INET
    return Connection(family, Address(local, port), Address(*remote) if remote else (), status, pid, fd)


@pytest.fixture
def library(monkeypatch):
    """A psutil whose tables the test fills."""
    fake = types.SimpleNamespace(
        Error=psutil.Error, AccessDenied=psutil.AccessDenied, NoSuchProcess=psutil.NoSuchProcess, CONN_LISTEN="LISTEN"
    )
    monkeypatch.setattr(psutil_net, "psutil", fake)
    return fake


def read(protocol="tcp", first=1, last=65535):
    return psutil_net.read(protocol, first, last, EVERY_STATE)


@pytest.mark.parametrize(
    ("seen", "protocol", "expected"),
    [
        pytest.param(
            connection("LISTEN", "127.0.0.1"), "tcp", row(LISTENING, "127.0.0.1", pids=(NOBODYS,)), id="IPv4 listener"
        ),
        pytest.param(connection("LISTEN", "::"), "tcp", row(LISTENING, "::", pids=(NOBODYS,)), id="IPv6 listener"),
        pytest.param(
            connection("LISTEN", "fe80::1%lo0"),
            "tcp",
            row(LISTENING, "fe80::1", v6only=True, pids=(NOBODYS,)),
            id="an address with its zone",
        ),
        pytest.param(
            connection("LISTEN", "0.0.0.0", pid=None),
            "tcp",
            row(LISTENING, "0.0.0.0"),
            id="a process that may not be seen",
        ),
        pytest.param(
            connection("CLOSED", "0.0.0.0"),
            "tcp",
            row(BOUND, "0.0.0.0", pids=(NOBODYS,)),
            id="bound, where the system lists it",
        ),
        pytest.param(
            connection("ESTABLISHED", "10.0.0.5", 45000, ("10.0.0.9", 443)),
            "tcp",
            row(CONNECTED, "10.0.0.5", 45000, peer="10.0.0.9:443", pids=(NOBODYS,)),
            id="connection",
        ),
        pytest.param(
            connection("ESTABLISHED", "::1", 45000, ("::1", 443)),
            "tcp",
            row(CONNECTED, "::1", 45000, peer="[::1]:443", pids=(NOBODYS,)),
            id="connection over IPv6",
        ),
        pytest.param(
            connection("TIME_WAIT", "10.0.0.5", 80, ("10.0.0.9", 50000), None),
            "tcp",
            row(CLOSING, "10.0.0.5", peer="10.0.0.9:50000"),
            id="TIME_WAIT",
        ),
        pytest.param(
            connection("LAST_ACK", "10.0.0.5", 80, ("10.0.0.9", 50000), None),
            "tcp",
            row(CLOSING, "10.0.0.5", peer="10.0.0.9:50000"),
            id="dying without a process",
        ),
        pytest.param(
            connection("FIN_WAIT2", "10.0.0.5", 80, ("10.0.0.9", 50000)),
            "tcp",
            row(CONNECTED, "10.0.0.5", peer="10.0.0.9:50000", pids=(NOBODYS,)),
            id="dying, with a process",
        ),
        pytest.param(
            connection("ESTABLISHED", "10.0.0.5", 80, ("10.0.0.9", 50000), None),
            "tcp",
            row(CONNECTED, "10.0.0.5", peer="10.0.0.9:50000"),
            id="alive, of a process that may not be seen",
        ),
        pytest.param(connection("NONE", "0.0.0.0"), "udp", row(BOUND, "0.0.0.0", 80, "udp", pids=(NOBODYS,)), id="UDP"),
        pytest.param(
            connection("NONE", "127.0.0.1", 80, ("127.0.0.1", 53)),
            "udp",
            row(CONNECTED, "127.0.0.1", 80, "udp", peer="127.0.0.1:53", pids=(NOBODYS,)),
            id="UDP connected",
        ),
    ],
)
def test_read(seen, protocol, expected, library):
    library.net_connections = lambda kind: [seen] if kind == protocol else []
    assert read(protocol) == [expected]


@pytest.mark.parametrize("status", ["TIME_WAIT", "FIN_WAIT1", "FIN_WAIT2", "LAST_ACK", "CLOSING"])
@pytest.mark.parametrize(("pid", "state"), [(None, CLOSING), (NOBODYS, CONNECTED)], ids=["nobody's", "a process's"])
def test_read_dying_sockets(status, pid, state, library):
    library.net_connections = lambda _kind: [connection(status, "10.0.0.5", 80, ("10.0.0.9", 50000), pid)]
    assert [each.state for each in read()] == [state]


def test_read_keeps_to_the_ports(library):
    nowhere = connection("NONE", "0.0.0.0")._replace(laddr=())
    library.net_connections = lambda _kind: [
        nowhere,
        *(connection("LISTEN", "0.0.0.0", port) for port in range(78, 84)),
    ]
    assert [each.port for each in read(first=80, last=81)] == [80, 81]


def test_read_makes_one_of_a_socket_that_several_processes_have(library, monkeypatch):
    links = {"/proc/900/fd/3": "socket:[42]", "/proc/901/fd/3": "socket:[42]", "/proc/902/fd/3": "socket:[43]"}
    monkeypatch.setattr(os, "readlink", links.__getitem__)
    library.net_connections = lambda _kind: [connection("LISTEN", "0.0.0.0", pid=pid) for pid in (901, 900, 902, 900)]
    assert read() == [
        row(LISTENING, inode=42, pids=(900, 901)),
        row(LISTENING, inode=43, pids=(902,)),
    ]


class Running:
    """A process as psutil.process_iter() gives it."""

    def __init__(self, pid, *connections, refused=None, name="net_connections"):
        self.pid = pid
        self._connections = connections
        self._refused = refused
        setattr(self, name, self._give)

    def _give(self, kind):
        assert kind == "tcp"
        if self._refused:
            raise self._refused
        return [each._replace(pid=None) for each in self._connections]


def test_read_asks_each_process_where_the_whole_table_is_refused(library):
    def refuse(_kind):
        raise psutil.AccessDenied(1)

    library.net_connections = refuse
    library.process_iter = lambda: iter(
        [
            Running(1, refused=psutil.AccessDenied(1)),
            Running(NOBODYS, connection("LISTEN", "0.0.0.0", 80)),
            Running(NOBODYS + 1, refused=psutil.NoSuchProcess(2)),
            Running(NOBODYS + 2, connection("LISTEN", "0.0.0.0", 81), name="connections"),
        ]
    )
    assert read() == [row(LISTENING, port=80, pids=(NOBODYS,)), row(LISTENING, port=81, pids=(NOBODYS + 2,))]


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(psutil.NoSuchProcess(7, "nginx"), id="its own"),
        pytest.param(PermissionError(13, "broken"), id="of the system"),
        pytest.param(RuntimeError("broken"), id="of a table that it does not understand"),
    ],
)
def test_read_fails(failure, library):
    def fail(_kind):
        raise failure

    library.net_connections = fail
    with pytest.raises(SourceError) as found:
        read()
    assert str(found.value) == str(failure) != ""


def test_read_fails_half_way(library):
    library.net_connections = lambda _kind: [connection("LISTEN", "0.0.0.0"), connection("LISTEN", "nonsense")]
    with pytest.raises(SourceError, match="illegal IP address"):
        read()


def test_read_fails_without_psutil(monkeypatch):
    basic = types.ModuleType("ansible.module_utils.basic")
    basic.missing_required_lib = "Failed to import the required Python library ({})".format
    utils = types.ModuleType("ansible.module_utils")
    utils.basic = basic
    monkeypatch.setitem(sys.modules, "ansible.module_utils", utils)
    monkeypatch.setitem(sys.modules, "ansible.module_utils.basic", basic)
    monkeypatch.setattr(psutil_net, "HAS_PSUTIL", False)
    with pytest.raises(SourceError, match=r"^Failed to import the required Python library \(psutil\)$"):
        read()


def test_psutil_need_not_be_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert runpy.run_path(psutil_net.__file__)["HAS_PSUTIL"] is False


@pytest.mark.parametrize(("uid", "all_seen"), [(0, True), (1000, False)], ids=["root", "another user"])
def test_find_bound(uid, all_seen, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert psutil_net.find_bound(()) == ([], all_seen)


def test_the_real_psutil_finds_a_listener(loopback):
    server = loopback.listening("127.0.0.1")
    port = server.getsockname()[1]
    client, served = loopback.connection(server)
    found = {(each.state, each.peer): each for each in read(first=port, last=port)}
    peer = f"127.0.0.1:{client.getsockname()[1]}"
    assert set(found) == {(LISTENING, None), (CONNECTED, peer)}
    assert {each.pids for each in found.values()} == {(os.getpid(),)}
    if sys.platform.startswith("linux"):
        assert found[LISTENING, None].inode == os.fstat(server.fileno()).st_ino
        assert found[CONNECTED, peer].inode == os.fstat(served.fileno()).st_ino
