# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings about sockets that are bound to devices -> which device the clients come in by."""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel import addresses
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import Findings
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError


def noted(findings: Findings) -> Findings:
    """The *findings* with the device that has the address that each is about, where that is one."""
    owners = _owners()
    return {
        question: finding._replace(device=owners.get(question.endpoint.ipv4 or question.endpoint.address))
        if finding
        else None
        for question, finding in findings.items()
    }


def _owners() -> dict[bytes, str | None]:
    found: dict[bytes, str | None] = {}
    for number, address in _addresses():
        found[address] = None if address in found else _name(number)
    return found


def _addresses() -> t.Sequence[tuple[int, bytes]]:
    try:
        return addresses.read()
    except SourceError:
        return ()


def _name(number: int) -> str | None:
    try:
        return socket.if_indextoname(number)
    except OSError:
        return None
