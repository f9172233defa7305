# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bind probe: ask bind(2), never listen(2), close at once."""

from __future__ import annotations

import errno
import os
import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    TCP,
    Endpoint,
    SourceError,
    is_link_local,
    is_loopback,
)

FREE = "free"
REUSABLE = "reusable"
"""TCP: bind(2) wants SO_REUSEADDR. Connections that allow it are left over, or a socket is bound but doesn't listen."""
IN_USE = "in use"
UNAVAILABLE = "unavailable"
REFUSED = "refused"
"""A policy keeps this port from the user: eBPF, SELinux, or the lack of a right that the server lacks as well."""
NO_ANSWER = "no answer"
"""The user may not ask; it tells nothing of a server."""

# EINVAL: an address that TCP cannot have, such as an IPv6 multicast group. None: if_nametoindex() found no such device.
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL, errno.ENODEV, None)
_DENIED = "denied"
_SO_BINDTODEVICE, _IP_FREEBIND, _IPV6_FREEBIND = 25, 15, 78  # which Python does not name: asm-generic/socket.h, in.h


class ProbeError(Exception):
    """The probe itself could not be made, as when no file descriptor is left."""


def probe(question: Question) -> str:
    """What bind(2) answers to a server that wants the port. Raises ProbeError.

    TCP is asked without SO_REUSEADDR first: then a success leaves no doubt, and is the usual case.
    """
    answer = _bind(question, question.port)
    if answer == IN_USE and question.protocol == TCP and _bind(question, question.port, reuse_address=True) == FREE:
        return REUSABLE
    if answer != _DENIED:
        return answer
    any_port = _bind(question, 0)
    if any_port == UNAVAILABLE:  # for IPv6 the kernel looks at the user's rights before it looks at the address
        return UNAVAILABLE
    # Another user may not import anything: the archive that the module is in is root's.
    if any_port == _DENIED or not (question.user or _may_bind(question.port)):
        return NO_ANSWER
    return REFUSED


def _may_bind(port: int) -> bool:
    # Only now: on a target, each import costs time in each task.
    from ansible_collections.preflight.ports.plugins.module_utils._kernel.rights import may_bind

    return may_bind(port)


def is_on_host(question: Question) -> bool:
    """Whether a server could bind the address on some port. Raises ProbeError."""
    endpoint = question.endpoint
    if endpoint.is_wildcard and not endpoint.interface:
        return True
    return _bind(question, 0) != UNAVAILABLE and not _is_only_tolerated(endpoint.ipv4 or endpoint.address)


def _is_only_tolerated(address: bytes) -> bool:
    """Whether bind(2) takes an address that the host lacks: ip_nonlocal_bind in the kernel's ip-sysctl.rst."""
    family = "ipv4" if len(address) == 4 else "ipv6"
    try:
        with open(f"/proc/sys/net/{family}/ip_nonlocal_bind", encoding="ascii") as file:
            is_tolerant = file.read(8).strip() == "1"
        if not is_tolerant or is_loopback(address):
            return False
        # Only now: on a target, each import costs time in each task.
        from ansible_collections.preflight.ports.plugins.module_utils._kernel import addresses

        return not addresses.has(address)
    except (OSError, ValueError, SourceError):
        return False


def _bind(question: Question, port: int, reuse_address: bool = False) -> str:
    try:
        with _socket(question) as server:
            if reuse_address:
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(_sockaddr(question.endpoint, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return IN_USE
        if error.errno in _NO_SUCH_ADDRESS:
            return UNAVAILABLE
        if error.errno in (errno.EACCES, errno.EPERM):
            return _DENIED
        where = f"{question.endpoint} port {port}/{question.protocol}"
        raise ProbeError(f"bind(2) to {where}: {error.strerror or error}") from error
    return FREE


def _socket(question: Question) -> socket.socket:
    endpoint = question.endpoint
    family = socket.AF_INET6 if endpoint.is_ipv6 else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM if question.protocol == TCP else socket.SOCK_DGRAM)
    try:
        if endpoint.is_ipv6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(bool(endpoint.v6only)))
        if endpoint.interface and not is_link_local(endpoint.address):
            server.setsockopt(socket.SOL_SOCKET, _SO_BINDTODEVICE, os.fsencode(endpoint.interface) + b"\0")
        if question.may_come_later:
            level, option = (
                (socket.IPPROTO_IPV6, _IPV6_FREEBIND) if endpoint.is_ipv6 else (socket.IPPROTO_IP, _IP_FREEBIND)
            )
            server.setsockopt(level, option, 1)
    except OSError:
        server.close()
        raise
    return server


def _sockaddr(endpoint: Endpoint, port: int) -> tuple[t.Any, ...]:
    if not endpoint.is_ipv6:
        return (str(endpoint), port)
    zone = endpoint.interface if is_link_local(endpoint.address) else None
    return (str(endpoint), port, 0, socket.if_nametoindex(zone) if zone else 0)
