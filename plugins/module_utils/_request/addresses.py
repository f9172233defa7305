# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An address as people write it -> what a server there would bind."""

from __future__ import annotations

import re
import socket

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    Endpoint,
    bind_sets_v6only,
    is_link_local,
)


class AddressError(ValueError):
    """No address that a server could bind; the text says what would be one."""


def split(text: str) -> tuple[str, str]:
    """``[::1]:80`` -> (``::1``, ``80``), ``127.0.0.1:80`` -> (``127.0.0.1``, ``80``). Raises AddressError."""
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text)
    if bracketed:
        if bracketed[2] is None:
            raise AddressError(f"no port after the address; write [{bracketed[1]}]:PORT")
        return checked(bracketed[1], socket.AF_INET6), bracketed[2]
    address, _colon, port = text.rpartition(":")
    if ":" in address:
        raise AddressError("an IPv6 address stands in brackets before the port, as in [::1]:8080")
    return checked(address, socket.AF_INET), port


def checked(text: str, family: int) -> str:
    """*text* itself. Raises AddressError."""
    address, percent, zone = text.partition("%")
    try:
        packed = socket.inet_pton(family, address)
    except (OSError, ValueError):
        kind, example = ("IP", "10.0.0.5") if family == socket.AF_INET else ("IPv6", "2001:db8::5")
        raise AddressError(
            f"the address {text!r} is not an {kind} address; host names are not looked up, write one such as {example}"
        ) from None
    link_local = is_link_local(packed) or _is_link_local_multicast(packed)
    if link_local and not zone:
        raise AddressError(f"the link-local address {text!r} needs its interface, as in {address}%eth0")
    if zone and not (zone.isprintable() and len(zone.encode()) <= 15 and not set(zone) & set(" /")):
        raise AddressError(f"{zone!r} is no name of an interface; write one as in {address}%eth0")
    if percent and not link_local:
        raise AddressError(f"the address {text!r} has an interface, which only link-local addresses take")
    return text


def _is_link_local_multicast(packed: bytes) -> bool:
    """Of the scopes of RFC 7346, the interface's and the link's: the kernel binds neither without an interface."""
    return len(packed) == 16 and packed[0] == 0xFF and packed[1] & 0x0F in (1, 2)


def endpoint(address: str) -> Endpoint:
    """What a server would bind for an address that is checked."""
    text, _percent, zone = address.partition("%")
    if ":" not in text:
        return Endpoint(socket.inet_pton(socket.AF_INET, text))
    packed = socket.inet_pton(socket.AF_INET6, text)
    return Endpoint(packed, bind_sets_v6only(packed), _interface(zone))


def _interface(zone: str) -> str | None:
    """The name of an interface from its name or, as RFC 4007 allows too, its number."""
    if zone.isascii() and zone.isdigit():
        names = dict(socket.if_nameindex())
        if zone not in names.values():
            return names.get(int(zone), zone)
    return zone or None
