# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An address or a network as people write it -> Network. Pure."""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.passage import Network
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import MAPPED_PREFIX, is_loopback

_MULTICAST = {32: b"\xe0", 128: b"\xff"}
"""How the addresses of groups begin, and behind them those that are reserved."""


def parse(value: t.Any, option: str) -> Network:
    """``10.0.0.0/8``, ``2001:db8::/32``, ``192.0.2.7``. Raises RequirementError."""
    text, slash, prefix = value.strip().partition("/") if isinstance(value, str) else ("", "", "")
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        address = socket.inet_pton(family, text)
    except (OSError, ValueError):
        raise RequirementError(
            f"{option}: {value!r} is neither an address nor a network; write, for example, 192.0.2.7, 10.0.0.0/8 or "
            "2001:db8::/32"
        ) from None
    bits = 8 * len(address)
    if len(address) == 16 and address.startswith(MAPPED_PREFIX):
        plain = socket.inet_ntop(socket.AF_INET, address[12:])
        raise RequirementError(f"{option}: {value!r} is IPv4 in the form of IPv6; write {plain}")
    if is_loopback(address) or address[:1] >= _MULTICAST[bits]:
        raise RequirementError(f"{option}: {value!r} is the address of no other host; write where clients send from")
    if not slash:
        return Network(address, bits)
    version = "IPv4" if family == socket.AF_INET else "IPv6"
    if not (prefix.isascii() and prefix.isdigit() and int(prefix) <= bits):
        problem = f"{prefix!r} is not a prefix length; for {version} it is 0 to {bits}"
        problem += "; write an entry for each network" if "," in prefix else ""
        raise RequirementError(f"{option}: {value!r}: {problem}")
    length = int(prefix)
    first = int.from_bytes(address, "big") >> (bits - length) << (bits - length)
    if first != int.from_bytes(address, "big"):
        network = socket.inet_ntop(family, first.to_bytes(bits // 8, "big"))
        hint = f"write {network}/{length} for the network, or {text} for the host"
        raise RequirementError(f"{option}: {value!r} has host bits set; {hint}")
    return Network(address, length)
