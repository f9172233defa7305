# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from unittest.mock import Mock

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND
from ansible_collections.preflight.ports.plugins.module_utils._table import bound_only
from support.records import row

pytestmark = pytest.mark.linux
NOBODYS = 2**30  # greater than any pid


@pytest.fixture
def proc(tmp_path, monkeypatch):
    """A /proc that has this process alone, and an administrator who looks at it."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(bound_only, "sees_every_process", lambda _proc: True)
    monkeypatch.setattr(bound_only, "_call", _borrowed)
    for name in (str(os.getpid()), "self"):
        (tmp_path / name).symlink_to(f"/proc/{name}")
    (tmp_path / "uptime").write_text("1.0")
    return tmp_path


def _borrowed(number, first, second, *_flags):
    """What the kernel would give, also where a sandbox forbids to ask it: the process asks itself."""
    return os.dup(second if number == bound_only._PIDFD_GETFD else 0)


def inode_of(made):
    return os.fstat(made.fileno()).st_ino


def found(proc, *ports, listed=()):
    """The sockets on *ports*: this process may have others."""
    seen = bound_only.find(listed, str(proc))
    return [each for each in seen.sockets if each.port in ports], seen.all_seen


@pytest.mark.parametrize(
    ("address", "v6only", "device"),
    [
        pytest.param("0.0.0.0", None, None, id="IPv4 wildcard"),
        pytest.param("127.0.0.1", None, None, id="IPv4"),
        pytest.param("::", False, None, id="dual-stack"),
        pytest.param("::", True, None, id="V6ONLY"),
        pytest.param("::1", True, None, id="IPv6"),
        pytest.param("127.0.0.1", None, "lo", id="bound to a device"),
    ],
)
def test_find(address, v6only, device, proc, loopback):
    made = loopback.bound("tcp", address, v6only=v6only)
    if device:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    port = made.getsockname()[1]
    expected = row(BOUND, address, port, v6only=v6only, interface=device, inode=inode_of(made))
    assert found(proc, port) == ([expected], True)
    assert made.getsockname()[1] == port, "the socket itself was closed"


def test_find_tells_the_vrf(proc, monkeypatch, loopback):
    monkeypatch.setattr(bound_only, "with_vrfs", lambda sockets: [f"{each.port} in a VRF" for each in sockets])
    port = loopback.bound().getsockname()[1]
    assert f"{port} in a VRF" in bound_only.find((), str(proc)).sockets


def test_find_names_a_socket_once(proc, loopback):
    made = loopback.bound()
    loopback.closed_at_the_end(made.dup())
    assert len(found(proc, made.getsockname()[1])[0]) == 1


def test_find_leaves_out_what_the_table_lists(proc, loopback):
    made = loopback.bound()
    assert found(proc, made.getsockname()[1], listed=[inode_of(made)]) == ([], True)


def test_find_leaves_out_all_others(proc, loopback):
    server = loopback.listening()
    client, _served = loopback.connection(server)
    datagrams = loopback.bound("udp")
    loopback.closed_at_the_end(socket.socket())  # not bound: port 0
    ports = [made.getsockname()[1] for made in (server, client, datagrams)]
    assert found(proc, 0, *ports) == ([], True)


def test_find_keeps_a_connection_that_was_reset(proc, loopback):
    # Only a socket that was bound by name still has its port, and nothing tells whether this one was: be careful.
    server = loopback.listening()
    client, served = loopback.connection(server)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    server.close()
    port = served.getsockname()[1]
    loopback.bound(port=port)
    sockets, _all_seen = found(proc, port)
    assert inode_of(served) in [each.inode for each in sockets]


def test_find_keeps_no_descriptor(proc, loopback):
    made = loopback.bound()
    before = os.listdir("/proc/self/fd")
    found(proc, made.getsockname()[1])
    assert os.listdir("/proc/self/fd") == before


def test_find_as_another_user_is_not_all(proc, monkeypatch, loopback):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    made = loopback.bound()
    sockets, all_seen = found(proc, made.getsockname()[1])
    assert len(sockets) == 1
    assert not all_seen


def refusing(number):
    def refuse(*_arguments, **_options):
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize(
    ("number", "all_seen"),
    [
        pytest.param(errno.ENOSYS, False, id="a kernel without pidfd_getfd"),
        pytest.param(errno.EPERM, False, id="not allowed"),
        pytest.param(errno.ESRCH, True, id="the process is gone"),
        pytest.param(errno.EBADF, True, id="the descriptor is closed"),
    ],
)
def test_find_where_a_descriptor_cannot_be_borrowed(number, all_seen, proc, monkeypatch, loopback):
    port = loopback.bound().getsockname()[1]
    monkeypatch.setattr(bound_only, "_call", refusing(number))
    assert found(proc, port) == ([], all_seen)


def test_find_goes_on_behind_a_descriptor_that_is_closed(proc, monkeypatch, loopback):
    ports = [loopback.bound().getsockname()[1] for _each in range(3)]
    ask = bound_only._ask
    asked = []

    def closed_first(pid, descriptor, inode):
        if inode:
            asked.append(inode)
        return ask(pid, NOBODYS if asked[:2] == [inode] else descriptor, inode)

    monkeypatch.setattr(bound_only, "_ask", closed_first)
    sockets, all_seen = found(proc, *ports)
    assert len(sockets) == 2
    assert all_seen


@pytest.mark.parametrize(
    ("number", "all_seen"),
    [pytest.param(errno.EACCES, False, id="not allowed"), pytest.param(errno.ENOENT, True, id="gone")],
)
@pytest.mark.parametrize("call", ["listdir", "readlink", "getxattr"])
def test_find_where_a_process_cannot_be_looked_into(call, number, all_seen, proc, monkeypatch, loopback):
    port = loopback.bound().getsockname()[1]
    real = getattr(os, call)

    def refuse(path, *rest):
        return refusing(number)() if "/fd" in str(path) else real(path, *rest)

    monkeypatch.setattr(os, call, refuse)
    assert found(proc, port) == ([], all_seen)


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")], ids=["hidden first", "hidden last"])
def test_find_does_not_forget_what_it_may_not_look_into(names, proc, monkeypatch):
    errors = {"a": errno.EACCES, "b": errno.ENOENT}
    monkeypatch.setattr(bound_only, "processes", lambda _proc: list(names))
    monkeypatch.setattr(os, "listdir", lambda path: refusing(errors[path.split("/")[-2]])())
    assert found(proc) == ([], False)


def test_find_passes_over_processes_of_another_network(proc, monkeypatch, loopback):
    port = loopback.bound().getsockname()[1]
    (proc / "self").unlink()
    (proc / "self" / "net").mkdir(parents=True)
    (proc / "self" / "net" / "tcp").write_text("another")
    assert found(proc, port) == ([], True)


def test_find_in_a_pid_namespace_that_does_not_show_everybody(proc, monkeypatch):
    monkeypatch.setattr(bound_only, "sees_every_process", lambda _proc: False)
    assert found(proc) == ([], False)


def test_find_where_there_is_no_proc(tmp_path):
    assert bound_only.find((), str(tmp_path / "missing")) == ([], False)


def test_who_lets_the_walk_hang_is_left_behind(proc, monkeypatch):
    monkeypatch.setattr(bound_only, "_SECONDS", 0.2)
    monkeypatch.setattr(bound_only, "_tcp_inode", lambda _path: time.sleep(60))
    started = time.monotonic()
    assert bound_only.find((), str(proc)) == ([], False)
    assert time.monotonic() - started < 10


def test_a_device_may_have_any_name():
    borrowed = Mock(family=socket.AF_INET)
    borrowed.getsockname.return_value = ("127.0.0.1", 80)
    borrowed.getsockopt.side_effect = [bytes([7]), b"eth\xff\0"]
    found = bound_only._bound_socket(borrowed, 42)
    assert bound_only._from_row(bound_only._as_row(found)) == found
    assert found.endpoint.interface == "eth\udcff"
