# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A TCP socket that is bound on all addresses, that no table lists and that no process has.

Its descriptor is in a message between two processes, or its process is in another network namespace now. A connection
that a server left behind keeps bind(2) from telling of it, but only on the connection's own address.
"""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel import bind
from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import overlap
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import TCP, Endpoint, Socket

_LAST_LOOPBACK = 0x7FFFFFFE  # 127.255.255.254


def has_bound(port: int, listed: t.Collection[Socket]) -> bool:
    """Whether bind(2) meets a socket where none of those that are *listed* is. Raises ProbeError."""
    used = {held.endpoint.ipv4 or held.endpoint.address for held in listed}
    number = _LAST_LOOPBACK
    while number.to_bytes(4, "big") in used:
        number -= 1
    spare = Endpoint(number.to_bytes(4, "big"))
    if any(overlap(spare, held.endpoint) is not False for held in listed):
        return False  # that one explains the answer
    return bind.probe(Question(TCP, spare, port)) in (bind.IN_USE, bind.REUSABLE)
