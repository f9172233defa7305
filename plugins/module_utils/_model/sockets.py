# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Socket, one row of the socket table, whichever source it came from, and Endpoint, the address it is bound to."""

from __future__ import annotations

import socket
import typing as t

TCP, UDP = "tcp", "udp"
PROTOCOL_NUMBERS = {TCP: socket.IPPROTO_TCP, UDP: socket.IPPROTO_UDP}
LAST_PORT = 65535

LISTENING, BOUND, CONNECTED, CLOSING = "listening", "bound", "connected", "closing"
EVERY_STATE = frozenset((LISTENING, BOUND, CONNECTED, CLOSING))
LISTENERS = frozenset((LISTENING,))
SERVING = {TCP: LISTENING, UDP: BOUND}  # the state of a socket that takes what strangers send

# The kernel's numbers, include/net/tcp_states.h. An unconnected UDP socket stands in the table as TCP_CLOSE.
TCP_TIME_WAIT, TCP_CLOSE, TCP_LISTEN, TCP_BOUND_INACTIVE = 6, 7, 10, 13
_TCP_DYING = frozenset((4, 5, 8, 9, 11))  # FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK, CLOSING

ANY4 = bytes(4)
ANY6 = bytes(16)
MAPPED_PREFIX = bytes(10) + b"\xff\xff"
_LOOPBACK4_NET, _LOOPBACK6 = 127, bytes(15) + b"\1"
_WILDCARDS = (ANY4, ANY6, MAPPED_PREFIX + ANY4)


def packed(address: str) -> bytes:
    """4 or 16 bytes. Raises OSError for what is no address."""
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def is_loopback(address: bytes) -> bool:
    return address == _LOOPBACK6 or (len(address) == 4 and address[0] == _LOOPBACK4_NET)


def is_link_local(address: bytes) -> bool:
    """Of IPv6, whose hosts all have some; of IPv4 they are like others."""
    return len(address) == 16 and address[0] == 0xFE and address[1] & 0xC0 == 0x80


class SourceError(Exception):
    """A source that cannot be had, or that failed half-way: never to be read as an empty table."""


class ChangedError(SourceError):
    """The rules changed while they were read."""


class Endpoint(t.NamedTuple):
    """The part of a socket's local end that bind(2) compares, without the port."""

    address: bytes
    """Packed, 4 bytes for an AF_INET socket, 16 for AF_INET6."""
    v6only: bool | None = None
    """IPV6_V6ONLY of an AF_INET6 socket; None where the witness does not tell, and for AF_INET."""
    interface: str | None = None
    """The device the socket is bound to (SO_BINDTODEVICE, or the zone of a link-local address)."""
    vrf: str | None = None
    """The VRF of that device, where the ports of each are its own; None outside of all VRFs."""

    @property
    def is_ipv6(self) -> bool:
        return len(self.address) == 16

    @property
    def ipv4(self) -> bytes | None:
        """The IPv4 address that the socket occupies by itself: its own, or the one mapped into ::ffff:0:0/96."""
        if not self.is_ipv6:
            return self.address
        return self.address[12:] if self.address.startswith(MAPPED_PREFIX) else None

    @property
    def is_wildcard(self) -> bool:
        return self.address in _WILDCARDS

    def __str__(self) -> str:
        return socket.inet_ntop(socket.AF_INET6 if self.is_ipv6 else socket.AF_INET, self.address)


class Socket(t.NamedTuple):
    """One row of the socket table of this network namespace."""

    protocol: str
    endpoint: Endpoint
    port: int
    state: str
    inode: int = 0
    """As in ``/proc/PID/fd/N -> socket:[INODE]``; 0 when no process has the socket any more, or the source hides it."""
    uid: int | None = None
    peer: str | None = None
    """``ADDRESS:PORT`` of the other end of a connected socket."""
    seconds_left: int | None = None
    """Until TIME_WAIT is over, where the source tells."""
    pids: tuple[int, ...] = ()
    """The processes that have it, where the source knows them already."""


def state_of(protocol: str, kernel_state: int, inode: int) -> str:
    """The word for the kernel's number of a state."""
    if kernel_state in (TCP_CLOSE, TCP_BOUND_INACTIVE):
        return BOUND
    if protocol == TCP and kernel_state == TCP_LISTEN:
        return LISTENING
    if kernel_state == TCP_TIME_WAIT or (kernel_state in _TCP_DYING and not inode):
        return CLOSING
    return CONNECTED


def bind_sets_v6only(address: bytes) -> bool:
    """Whether bind(2) itself turns IPV6_V6ONLY on: for an IPv6 literal, and not for an IPv4 one mapped into IPv6."""
    return len(address) == 16 and address != ANY6 and not address.startswith(MAPPED_PREFIX)


def v6only_of(address: bytes, state: str) -> bool | None:
    """IPV6_V6ONLY where the table does not tell it: known of what was bound, and not of what is only connected."""
    return True if state in (LISTENING, BOUND) and bind_sets_v6only(address) else None


def peer_name(address: bytes, port: int) -> str:
    """``10.0.0.9:443`` or ``[2001:db8::9]:443``."""
    if len(address) == 4:
        return f"{socket.inet_ntop(socket.AF_INET, address)}:{port}"
    return f"[{socket.inet_ntop(socket.AF_INET6, address)}]:{port}"
