# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bind probe: ask bind(2), never listen(2), close at once."""

from __future__ import annotations

import errno
import socket
import sys
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ANY6, TCP, Endpoint

FREE = "free"
REUSABLE = "reusable"
"""TCP: bind(2) wants SO_REUSEADDR. Connections that allow it are left over, or a socket is bound but doesn't listen."""
IN_USE = "in use"
UNAVAILABLE = "unavailable"
NO_WITNESS = "no witness"

# EINVAL: an address that TCP cannot have, such as an IPv6 multicast group. None: if_nametoindex() found no such device.
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL, errno.ENODEV, None)
_ON_LINUX = sys.platform.startswith("linux")
_EVERY_ADDRESS = Endpoint(ANY6, v6only=False)


class ProbeError(Exception):
    """The probe itself could not be made, as when no file descriptor is left."""


def binds_everywhere(protocol: str, port: int) -> bool:
    """Whether one bind(2) gave the port on every address, of both families. Raises ProbeError.

    Only Linux is known to compare IPv6 sockets with those of IPv4 there.
    """
    return _ON_LINUX and _bind(protocol, _EVERY_ADDRESS, port, reuse_address=False) == FREE


def probe(protocol: str, endpoint: Endpoint, port: int) -> str:
    """What bind(2) answers to a server that wants *endpoint* and *port*. Raises ProbeError.

    TCP is asked without SO_REUSEADDR first: then a success leaves no doubt, and is the usual case.
    """
    answer = _bind(protocol, endpoint, port, reuse_address=False)
    if answer == IN_USE and protocol == TCP and _bind(protocol, endpoint, port, reuse_address=True) == FREE:
        return REUSABLE
    # For IPv6 the kernel looks at the user's rights to the port before it looks at the address.
    return UNAVAILABLE if answer == NO_WITNESS and not is_on_host(protocol, endpoint) else answer


def is_on_host(protocol: str, endpoint: Endpoint) -> bool:
    """Whether a server could bind the address on some port. Raises ProbeError."""
    return endpoint.is_wildcard or _bind(protocol, endpoint, 0, reuse_address=False) != UNAVAILABLE


def _bind(protocol: str, endpoint: Endpoint, port: int, reuse_address: bool) -> str:
    try:
        with _socket(protocol, endpoint) as server:
            if reuse_address:
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(_sockaddr(endpoint, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return IN_USE
        if error.errno in _NO_SUCH_ADDRESS:
            return UNAVAILABLE
        if error.errno in (errno.EACCES, errno.EPERM):
            return NO_WITNESS
        raise ProbeError(f"bind(2) to {endpoint} port {port}/{protocol}: {error.strerror or error}") from error
    return FREE


def _socket(protocol: str, endpoint: Endpoint) -> socket.socket:
    family = socket.AF_INET6 if endpoint.is_ipv6 else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM if protocol == TCP else socket.SOCK_DGRAM)
    if endpoint.is_ipv6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(bool(endpoint.v6only)))
    return server


def _sockaddr(endpoint: Endpoint, port: int) -> tuple[t.Any, ...]:
    if not endpoint.is_ipv6:
        return (str(endpoint), port)
    return (str(endpoint), port, 0, socket.if_nametoindex(endpoint.interface) if endpoint.interface else 0)
