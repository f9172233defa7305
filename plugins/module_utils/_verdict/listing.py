# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets and their holders -> who has which port, in words. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Holder
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SERVING, Socket
from ansible_collections.preflight.ports.plugins.module_utils._model.text import joined
from ansible_collections.preflight.ports.plugins.module_utils._verdict.names import who

_MOST_LINES = 200


def listing(found: t.Iterable[tuple[Socket, Holder]]) -> str:
    """A line for each holder of a port: ``53/tcp+udp on 0.0.0.0 and ::: dnsmasq (pid 4502, user root)``."""
    together: dict[tuple[int, str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for held, holder in found:
        protocols, addresses = together.setdefault((held.port, _state(holder), who(holder)), ({}, {}))
        protocols[held.protocol] = None
        addresses[_address(holder)] = None
    lines = [
        f"{port}/{'+'.join(protocols)} on {joined(list(addresses))}: {holder}{state}"
        for (port, state, holder), (protocols, addresses) in sorted(together.items(), key=lambda line: line[0][0])
    ]
    more = len(lines) - _MOST_LINES
    if more > 0:
        lines[_MOST_LINES:] = [f"and {more} more, listed in 'sockets'"]
    return "\n".join(lines) or "No socket matches."


def _state(holder: Holder) -> str:
    """What the socket does, unless it serves the port."""
    if holder.state == SERVING[holder.protocol]:
        return ""
    return f", {holder.state}"


def _address(holder: Holder) -> str:
    device = f" on {holder.interface}" if holder.interface else ""
    return f"{joined(holder.addresses)}{device}"
