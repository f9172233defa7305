# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sockets of a responder: bound as a server would bind them, never in another server's way."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import Requirement
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import TCP, Endpoint

BOUND, TAKEN, REFUSED, UNAVAILABLE = "bound", "taken", "refused", "unavailable"
MOST_PORTS = 2000
_BACKLOG = 256
_IPV6_RECVPKTINFO, _IP_PKTINFO = 49, 8
_SPARE_DESCRIPTORS = 64


class Bound(t.NamedTuple):
    """One required port and protocol, and what came of binding it."""

    protocol: str
    port: int
    address: str | None
    name: str | None
    state: str
    reason: str
    sockets: tuple[socket.socket, ...]
    """None of them unless it is bound: a port of which one family is taken is left alone."""


def bind_all(requirements: t.Iterable[Requirement], listen: bool) -> list[Bound]:
    """Binds each port of the requirements. Without *listen* it looks which could be bound, and keeps none."""
    raise_limit()
    found = []
    for requirement in requirements:
        for port in requirement.ports:
            found.append(_bind(requirement, port, listen))
    return found


def raise_limit() -> None:
    """As many descriptors as this user may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _bind(requirement: Requirement, port: int, listen: bool) -> Bound:
    sockets: list[socket.socket] = []
    state, reason = BOUND, "the responder has it"
    try:
        for endpoint in requirement.endpoints:
            try:
                sockets.append(_server(requirement.protocol, endpoint, port, listen))
            except OSError as error:
                if error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL) and endpoint.is_wildcard:
                    continue  # a host without IPv6
                raise
    except OSError as error:
        state, reason = _state(error)
    if not sockets and state == BOUND:
        state, reason = UNAVAILABLE, "this host has no address of either family"
    if state != BOUND or not listen:
        for sock in sockets:
            sock.close()
        sockets = []
    return Bound(requirement.protocol, port, requirement.address, requirement.name, state, reason, tuple(sockets))


def _state(error: OSError) -> tuple[str, str]:
    what = os.strerror(error.errno or 0)
    if error.errno == errno.EADDRINUSE:
        return TAKEN, "another socket has it"
    if error.errno in (errno.EACCES, errno.EPERM):
        return REFUSED, f"this user may not bind it ({what}); use become"
    return UNAVAILABLE, what


def _server(protocol: str, endpoint: Endpoint, port: int, listen: bool) -> socket.socket:
    """A socket that serves the port, with the options of a usual server. Raises OSError."""
    family = socket.AF_INET6 if endpoint.is_ipv6 else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM if protocol == TCP else socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if protocol == TCP:
            # As servers do: a connection that is closing is not in the way. With UDP it would share another's port.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        elif family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        sock.bind(_address(family, endpoint, port))
        if protocol == TCP and listen:
            sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _address(family: int, endpoint: Endpoint, port: int) -> tuple[t.Any, ...]:
    text = str(endpoint)
    if family == socket.AF_INET:
        return text, port
    return text, port, 0, socket.if_nametoindex(endpoint.interface) if endpoint.interface else 0


def room_for_peers(sockets: int, most: int) -> int:
    """How many connections the limit of descriptors leaves room for."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(most, soft - sockets - _SPARE_DESCRIPTORS)) if soft != resource.RLIM_INFINITY else most
