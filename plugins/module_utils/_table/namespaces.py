# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets in other network namespaces of this host, which NAT rules send packets to, as those of containers."""

from __future__ import annotations

import ctypes
import os
import time
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel import addresses, child
from ansible_collections.preflight.ports.plugins.module_utils._kernel.proc import processes
from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import serves
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SERVING, Endpoint, Socket
from ansible_collections.preflight.ports.plugins.module_utils._table import sock_diag

_CLONE_NEWNET = 0x40000000
_SECONDS = 3.0
_MOST_NAMESPACES = 1000


def servers_at(address: bytes, protocol: str, port: int) -> list[Socket]:
    """Who serves the port where another namespace has the *address*; nobody where this user may not look."""
    paths = _other_namespaces()

    def answer() -> list[list[t.Any]]:
        found = []
        deadline = time.monotonic() + _SECONDS / 2
        for path in paths:
            if time.monotonic() < deadline and _entered(path) and addresses.has(address):
                servers = _serving(address, protocol, port)
                found += [[held.endpoint.address.hex(), held.inode, held.uid] for held in servers]
        return found

    try:
        told = child.ask(answer, _SECONDS)
    except child.ChildError:
        return []
    return [
        Socket(protocol, Endpoint(bytes.fromhex(own)), port, SERVING[protocol], inode=inode, uid=uid)
        for own, inode, uid in told
    ]


def _other_namespaces(proc: str = "/proc") -> list[str]:
    """Of each that a process is in, the way to it."""
    found: dict[tuple[int, int], str] = {}
    own = _identity(f"{proc}/self/ns/net")
    for name in processes(proc):
        path = f"{proc}/{name}/ns/net"
        identity = _identity(path)
        if identity and identity != own:
            found.setdefault(identity, path)
        if len(found) == _MOST_NAMESPACES:
            break
    return list(found.values())


def _identity(path: str) -> tuple[int, int] | None:
    try:
        known = os.stat(path)
    except OSError:
        return None
    return known.st_dev, known.st_ino


def _entered(path: str) -> bool:
    try:
        namespace = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not ctypes.CDLL(None).setns(namespace, _CLONE_NEWNET)
    finally:
        os.close(namespace)


def _serving(address: bytes, protocol: str, port: int) -> list[Socket]:
    wanted = Endpoint(address, v6only=True if len(address) == 16 else None)
    return [
        held
        for held in sock_diag.read(protocol, port, port, frozenset((SERVING[protocol],)))
        if held.state == SERVING[protocol] and serves(wanted, held.endpoint)
    ]
