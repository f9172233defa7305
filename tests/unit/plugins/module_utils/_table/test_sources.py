# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import socket
import sys

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    EVERY_STATE,
    LISTENERS,
    LISTENING,
    SourceError,
)
from ansible_collections.preflight.ports.plugins.module_utils._table import bound_only, proc_net, psutil_net, sock_diag
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import candidates, first_that_works


@pytest.mark.parametrize(
    ("platform", "name", "expected"),
    [
        pytest.param("linux", "auto", ["netlink", "procfs", "psutil"], id="the best first"),
        pytest.param("linux2", "auto", ["netlink", "procfs", "psutil"], id="Linux by its old name"),
        pytest.param("darwin", "auto", ["psutil"], id="elsewhere psutil"),
        pytest.param("freebsd14", "auto", ["psutil"], id="on FreeBSD too"),
        pytest.param("linux", "netlink", ["netlink"], id="netlink"),
        pytest.param("linux", "procfs", ["procfs"], id="procfs"),
        pytest.param("linux", "psutil", ["psutil"], id="psutil"),
        pytest.param("darwin", "netlink", ["netlink"], id="one that cannot be had there"),
    ],
)
def test_candidates(platform, name, expected, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    assert [source.name for source in candidates(name)] == expected


def test_candidates_read_with_what_they_are_named_for():
    reads = {name: source.read for name in ("netlink", "procfs", "psutil") for source in candidates(name)}
    assert reads == {"netlink": sock_diag.read, "procfs": proc_net.read, "psutil": psutil_net.read}


@pytest.mark.parametrize(
    ("name", "platform", "listed_by_kernel", "finder"),
    [
        pytest.param("netlink", "linux", True, None, id="netlink lists bound sockets"),
        pytest.param("netlink", "linux", False, "descriptors", id="netlink of an older kernel"),
        pytest.param("procfs", "linux", True, "descriptors", id="procfs never does"),
        pytest.param("psutil", "linux", True, "descriptors", id="psutil reads the same files"),
        pytest.param("psutil", "darwin", True, "psutil", id="psutil elsewhere"),
    ],
)
def test_candidates_know_who_finds_bound_sockets(name, platform, listed_by_kernel, finder, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(sock_diag, "shows_bound", lambda: listed_by_kernel)
    monkeypatch.setattr(bound_only, "find", lambda listed: ("descriptors", listed))
    monkeypatch.setattr(psutil_net, "find_bound", lambda listed: ("psutil", listed))
    (source,) = candidates(name)
    found = source.find_bound and source.find_bound({42})
    assert found == (finder and (finder, {42}))


def test_only_netlink_tells_the_device(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    assert [source.shows_options for source in candidates("auto")] == [True, False, False]


def using(failures):
    """What to do with a source: some fail."""
    used = []

    def use(source):
        used.append(source.name)
        if source.name in failures:
            raise SourceError(failures[source.name])
        return used

    return use


@pytest.mark.linux
@pytest.mark.parametrize(
    ("failures", "used"),
    [
        pytest.param({}, ["netlink"], id="the best one works"),
        pytest.param({"netlink": "refused"}, ["netlink", "procfs"], id="the second works"),
        pytest.param({"netlink": "refused", "procfs": "missing"}, ["netlink", "procfs", "psutil"], id="the last works"),
    ],
)
def test_first_that_works(failures, used):
    assert first_that_works("auto", using(failures)) == used


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        pytest.param(
            "auto",
            "No socket table can be had from the source 'auto'."
            " netlink: refused; procfs: missing; psutil: not installed",
            id="all fail",
        ),
        pytest.param(
            "procfs",
            "No socket table can be had from the source 'procfs'. procfs: missing",
            id="the one that was named",
        ),
    ],
)
def test_none_works(name, complaint, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(SourceError) as failure:
        first_that_works(name, using({"netlink": "refused", "procfs": "missing", "psutil": "not installed"}))
    assert str(failure.value) == complaint


def test_other_errors_are_no_reason_to_try_the_next():
    def use(_source):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        first_that_works("auto", use)


def no_such_file(_path, _mode):
    raise FileNotFoundError


@pytest.mark.parametrize("name", ["netlink", "procfs"])
def test_no_source_of_linux_elsewhere(name, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delattr(socket, "AF_NETLINK", raising=False)
    monkeypatch.setattr(proc_net, "open", no_such_file, raising=False)
    with pytest.raises(SourceError):
        first_that_works(name, lambda source: source.read("tcp", 1, 65535, LISTENERS))


@pytest.fixture
def seen(request):
    """What one of the sources reads of a socket's port and address, as (address, state, peer, inode)."""
    (source,) = candidates(request.param)

    def read(made, protocol="tcp", states=EVERY_STATE):
        address, port = made.getsockname()[:2]
        return {
            (address, held.state, held.peer, held.inode)
            for held in source.read(protocol, port, port, states)
            if str(held.endpoint) == address
        }

    return read


def inode(made):
    return os.fstat(made.fileno()).st_ino


SOURCES = pytest.mark.parametrize("seen", ["netlink", "procfs", "psutil"], indirect=True)


@pytest.mark.linux
@SOURCES
@pytest.mark.parametrize("states", [LISTENERS, EVERY_STATE], ids=["listeners", "every state"])
@pytest.mark.parametrize(
    ("address", "v6only"),
    [("0.0.0.0", None), ("127.0.0.1", None), ("::", False), ("::", True), ("::1", None)],
    ids=["IPv4 wildcard", "IPv4", "dual-stack", "V6ONLY", "IPv6"],
)
def test_each_source_sees_a_listener(seen, states, address, v6only, loopback):
    server = loopback.listening(address, v6only=v6only)
    assert seen(server, states=states) == {(address, LISTENING, None, inode(server))}


@pytest.mark.linux
@SOURCES
def test_each_source_sees_udp(seen, loopback):
    server = loopback.bound("udp", "127.0.0.1")
    client = loopback.bound("udp", "::1")
    assert seen(server, "udp", LISTENERS) == {("127.0.0.1", BOUND, None, inode(server))}
    client.connect(("::1", 9))
    assert seen(client, "udp", LISTENERS) == {("::1", CONNECTED, "[::1]:9", inode(client))}


@pytest.mark.linux
@SOURCES
@pytest.mark.parametrize(
    ("address", "name"), [("127.0.0.1", "127.0.0.1:{}"), ("::1", "[::1]:{}")], ids=["IPv4", "IPv6"]
)
def test_each_source_sees_connections(seen, address, name, loopback):
    server = loopback.listening(address)
    client, served = loopback.connection(server)
    outgoing = (address, CONNECTED, name.format(server.getsockname()[1]), inode(client))
    incoming = (address, CONNECTED, name.format(client.getsockname()[1]), inode(served))
    assert outgoing in seen(client)  # others may have the same local port, to other peers
    assert seen(server) == {(address, LISTENING, None, inode(server)), incoming}


@pytest.mark.linux
@SOURCES
def test_each_source_sees_time_wait(seen, loopback):
    server = loopback.listening()
    client, served = loopback.connection(server)
    peer = f"127.0.0.1:{client.getsockname()[1]}"
    served.close()
    client.close()
    assert seen(server) == {("127.0.0.1", LISTENING, None, inode(server)), ("127.0.0.1", CLOSING, peer, 0)}
