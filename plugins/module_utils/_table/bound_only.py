# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TCP sockets that are bound but don't listen, where the socket table lacks them: Linux before 6.8, and /proc/net.

Nothing lists them. But a process has each of them, and an administrator may borrow a descriptor (pidfd_getfd(2), Linux
5.6) to ask the socket for its own address.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel import child
from ansible_collections.preflight.ports.plugins.module_utils._kernel.links import with_vrfs
from ansible_collections.preflight.ports.plugins.module_utils._kernel.proc import (
    in_this_network,
    processes,
    sees_every_process,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    TCP,
    TCP_CLOSE,
    Endpoint,
    Socket,
)

_PIDFD_OPEN, _PIDFD_GETFD = 434, 438  # on every architecture
_GONE = (errno.ENOENT, errno.ESRCH, errno.EBADF)
_SO_BINDTODEVICE = 25
_DEVICE_NAME_BYTES = 16
_SECONDS = 5.0


class Bound(t.NamedTuple):
    """TCP sockets that are bound but don't listen, found without the table."""

    sockets: list[Socket]
    all_seen: bool
    """Whether there can be no others."""


def find(listed: t.Container[int], proc: str = "/proc") -> Bound:
    """The bound-only sockets. *listed*: the inodes of all TCP sockets that the table has.

    The owner of a socket can make whoever asks it wait in the kernel, where not even SIGKILL helps: the walk is in a
    child that can be left behind.
    """

    def answer() -> list[t.Any]:
        found = walk(listed, proc)
        return [list(map(_as_row, found.sockets)), found.all_seen]

    try:
        rows, all_seen = child.ask(answer, _SECONDS)
    except child.ChildError:
        return Bound([], all_seen=False)
    return Bound(with_vrfs([_from_row(row) for row in rows]), all_seen)


def walk(listed: t.Container[int], proc: str = "/proc") -> Bound:
    """The same, in this process."""
    found: dict[int, Socket] = {}
    names = processes(proc)
    all_seen = bool(names) and os.geteuid() == 0 and sees_every_process(proc)
    for name in names:
        if not in_this_network(name, proc):
            continue
        try:
            descriptors = os.listdir(f"{proc}/{name}/fd")
        except OSError as error:
            all_seen = all_seen and error.errno in _GONE
            continue
        for descriptor in descriptors:
            try:
                inode = _tcp_inode(f"{proc}/{name}/fd/{descriptor}")
                seen = None if inode in listed or inode in found else _ask(int(name), int(descriptor), inode)
            except OSError as error:
                all_seen = all_seen and error.errno in _GONE
                continue
            if seen:
                found[inode] = seen
    return Bound(list(found.values()), all_seen)


def _as_row(held: Socket) -> list[t.Any]:
    """What JSON can hand on."""
    return [held.endpoint.address.hex(), held.endpoint.v6only, held.endpoint.interface, held.port, held.inode]


def _from_row(row: t.Sequence[t.Any]) -> Socket:
    address, v6only, interface, port, inode = row
    return Socket(TCP, Endpoint(bytes.fromhex(address), v6only, interface), port, BOUND, inode)


def _tcp_inode(path: str) -> int:
    """The inode of the TCP socket behind a descriptor, 0 for anything else.

    An extended attribute names the protocol: TCP, TCPv6, MPTCP, MPTCPv6.
    """
    link = re.fullmatch(r"socket:\[([0-9]+)\]", os.readlink(path))
    return int(link[1]) if link and b"TCP" in os.getxattr(path, "system.sockprotoname") else 0


def _ask(pid: int, descriptor: int, inode: int) -> Socket | None:
    """Borrow the descriptor for as long as it takes to ask it."""
    if not inode:
        return None
    process = _call(_PIDFD_OPEN, pid, 0)
    try:
        with socket.socket(fileno=_call(_PIDFD_GETFD, process, descriptor, 0)) as borrowed:
            return _bound_socket(borrowed, inode)
    finally:
        os.close(process)


def _bound_socket(borrowed: socket.socket, inode: int) -> Socket | None:
    """The socket if it is in no connection. One that was reset still tells its port, and may still have it."""
    address, port = borrowed.getsockname()[:2]
    if not port or borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != TCP_CLOSE:
        return None
    device = borrowed.getsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, _DEVICE_NAME_BYTES).rstrip(b"\0")
    is_ipv6 = borrowed.family == socket.AF_INET6
    endpoint = Endpoint(
        socket.inet_pton(borrowed.family, address.partition("%")[0]),
        v6only=bool(borrowed.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)) if is_ipv6 else None,
        interface=os.fsdecode(device) or None,
    )
    return Socket(TCP, endpoint, port, BOUND, inode)


def _call(number: int, *arguments: int) -> int:
    result = int(ctypes.CDLL(None, use_errno=True).syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
