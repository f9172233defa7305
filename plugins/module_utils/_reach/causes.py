# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel of a client says about an attempt -> state and reason. Pure.

The numbers are those of Linux: ICMP types and codes from RFC 792, RFC 1812 and RFC 4443, errors from
net/ipv4/icmp.c (icmp_err_convert) and net/ipv6/icmp.c (tab_unreach).
"""

from __future__ import annotations

import errno
import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import TCP
from ansible_collections.preflight.ports.plugins.module_utils._reach import states

UNREACHABLE4, UNREACHABLE6 = 3, 1
_EXCEEDED4, _EXCEEDED6 = 11, 3

_NO_NET, _NO_HOST, _NO_PORT, _PROHIBITED = "net unreachable", "host unreachable", "port unreachable", "prohibited"
_LOOP = "time exceeded"
_CODES = {
    (UNREACHABLE4, 0): _NO_NET,
    (UNREACHABLE4, 1): _NO_HOST,
    (UNREACHABLE4, 3): _NO_PORT,
    (UNREACHABLE4, 6): _NO_NET,
    (UNREACHABLE4, 7): _NO_HOST,
    (UNREACHABLE4, 9): _PROHIBITED,
    (UNREACHABLE4, 10): _PROHIBITED,
    (UNREACHABLE4, 13): _PROHIBITED,
    (_EXCEEDED4, 0): _LOOP,
}
_CODES6 = {
    (UNREACHABLE6, 0): _NO_NET,
    (UNREACHABLE6, 1): _PROHIBITED,
    (UNREACHABLE6, 3): _NO_HOST,
    (UNREACHABLE6, 4): _NO_PORT,
    (UNREACHABLE6, 5): _PROHIBITED,
    (UNREACHABLE6, 6): _PROHIBITED,
    (_EXCEEDED6, 0): _LOOP,
}

# Routes of the types unreachable and blackhole (ip-route(8)); a link-local address without its device has none at all.
_BY_ROUTES = {
    errno.EHOSTUNREACH: "a route of this client says that the address is not to be reached",
    errno.EINVAL: "the route to the address is of the type blackhole, or the device of a link-local address is missing",
}

# Linux waits three seconds for an answer to ARP or neighbour discovery; an ICMP message comes at once.
_NEIGHBOUR_SECONDS = 1.0


class Icmp(t.NamedTuple):
    """An ICMP message about an attempt, as the error queue of its socket has it (IP_RECVERR)."""

    type: int
    code: int
    sender: str
    ipv6: bool


class Attempted(t.NamedTuple):
    """An attempt that failed."""

    protocol: str
    address: str
    seconds: float
    has_responder: bool
    """Whether a responder of ours is known to be up on that port."""
    source: str | None = None
    """The address of this client that the attempt was made from."""
    is_refused: bool = False
    """Whether the kernel of this client refused it before it sent anything."""


def judge(attempted: Attempted, error: int, icmp: Icmp | None) -> tuple[str, str]:
    """(state, reason) of an attempt that ended with an error of the kernel."""
    return _by_icmp(attempted, icmp) if icmp else _by_errno(attempted, error)


def _by_icmp(attempted: Attempted, icmp: Icmp) -> tuple[str, str]:
    meaning = (_CODES6 if icmp.ipv6 else _CODES).get((icmp.type, icmp.code), f"type {icmp.type}, code {icmp.code}")
    at_target = icmp.sender == attempted.address
    is_own = icmp.sender == attempted.source and not at_target
    # Where nobody answers to ARP or neighbour discovery, the kernel sends itself "host unreachable".
    if is_own and meaning != _NO_HOST:
        return states.REJECTED, f"the firewall of this client itself ({icmp.sender}) rejects it with ICMP {meaning!r}"
    who = "the target" if at_target else "this client" if is_own else None
    sender = f"{icmp.sender}, {who} itself," if who else icmp.sender
    said = f"{sender} answered with ICMP {meaning!r}"
    if meaning == _NO_PORT and attempted.protocol != TCP and at_target:
        return _nobody_listens(attempted, said)
    if meaning == _NO_PORT and attempted.protocol == TCP:
        return states.REJECTED, f"{said}, as a firewall does: a host on which nobody listens resets the connection"
    if meaning == _LOOP:
        return states.NO_ROUTE, f"{said}: the routes lead in a circle"
    if meaning == _NO_NET and not at_target:
        return states.NO_ROUTE, f"{said}: it has no route to the target"
    if meaning == _NO_HOST and not at_target:
        return states.NO_HOST, f"{said}: no host with this address answers on its link"
    return states.REJECTED, f"{said}, as a firewall does"


def _by_errno(attempted: Attempted, error: int) -> tuple[str, str]:
    what = os.strerror(error)
    if attempted.is_refused and error in _BY_ROUTES:
        return states.NO_ROUTE, f"{_BY_ROUTES[error]} ({what})"
    if error in (errno.ECONNREFUSED, errno.ECONNRESET):
        return _nobody_listens(attempted, "the connection was reset" if attempted.protocol == TCP else what)
    if error == errno.EHOSTUNREACH and attempted.seconds >= _NEIGHBOUR_SECONDS:
        return states.NO_HOST, f"no host answers at this address on the link ({what})"
    if error == errno.EHOSTUNREACH:
        return states.REJECTED, f"an ICMP message said at once that the host is not to be reached ({what})"
    if error == errno.EACCES:
        return states.REJECTED, f"an ICMP message, a route or a policy of this client prohibits it ({what})"
    if error == errno.EPERM:
        return states.REJECTED, f"the firewall of this client drops what it sends ({what})"
    if error in (errno.ENETUNREACH, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.ENETDOWN):
        return states.NO_ROUTE, f"this client has no route to the address ({what})"
    if error == errno.ETIMEDOUT:
        return states.NO_ANSWER, "no answer"
    return states.NOT_TESTED, f"this client could not try: {what}"


def _nobody_listens(attempted: Attempted, said: str) -> tuple[str, str]:
    if attempted.has_responder:
        return states.REFUSED, f"{said} although the responder is up: something on the way rejects it"
    return states.ANSWERED, f"{said}: nobody listens there, unless a firewall answers in its place"
