# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An address as people write it -> what a server there would bind."""

from __future__ import annotations

import re
import socket

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import WILDCARDS
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    Endpoint,
    bind_sets_v6only,
    is_link_local,
)

_ANY = "*"
_NUMBERS = r"[0-9]+(?:-[0-9]+)?"


class AddressError(ValueError):
    """No address that a server could bind; the text says what would be one."""


def split(text: str) -> tuple[str, str]:
    """``[::1]:80`` -> (``::1``, ``80``), ``127.0.0.1:80`` -> (``127.0.0.1``, ``80``). Raises AddressError."""
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text)
    if bracketed:
        if bracketed[2] is None:
            raise AddressError(f"no port after the address; write [{bracketed[1]}]:PORT")
        address, port = bracketed[1], bracketed[2]
        _refuse_compose(f"[{address}]:", port)
        return _checked(address, socket.AF_INET6), port
    _refuse_compose("", text)
    address, _colon, port = text.rpartition(":")
    if ":" in address:
        ipv4, _colon, rest = text.partition(":")
        _refuse_compose(f"{ipv4}:", rest)
        raise AddressError("an IPv6 address stands in brackets before the port, as in [::1]:8080")
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9.-]*", address):
        example = (
            f"127.0.0.1:{port} or [::1]:{port}" if address == "localhost" else f"an IP address, as in 10.0.0.5:{port}"
        )
        raise AddressError(f"{address!r} is a host name, and host names are not looked up; write {example}")
    return (address if address.partition("%")[0] == _ANY else _checked(address, socket.AF_INET)), port


def _refuse_compose(before: str, text: str) -> None:
    ports = re.fullmatch(rf"({_NUMBERS}):{_NUMBERS}", text)
    if ports:
        first, last = text.split(":")
        is_range = "-" not in text and int(first[:9]) < int(last[:9])
        also = f", or the range {before}{first}-{last}" if is_range else ""
        raise AddressError(
            f"this looks like Compose's HOST:CONTAINER; write the port of the host, {before}{ports[1]}{also}"
        )


def located(address: str | None, interface: str | None) -> str:
    """What a dict says in two keys, checked, as one text. Raises AddressError."""
    if address is None:
        return f"{_ANY}%{interface}"
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    if interface is None:
        return _checked(address, family)
    text, _percent, zone = address.partition("%")
    if zone not in ("", interface):
        raise AddressError(
            f"'address' names the interface {zone!r} and 'interface' names {interface!r}; write one of them"
        )
    return _checked(f"{text}%{interface}", family)


def _checked(text: str, family: int) -> str:
    """*text* itself. Raises AddressError."""
    address, percent, zone = text.partition("%")
    try:
        packed = socket.inet_pton(family, address)
    except (OSError, ValueError):
        kind, example = ("IP", "10.0.0.5") if family == socket.AF_INET else ("IPv6", "2001:db8::5")
        raise AddressError(
            f"the address {text!r} is not an {kind} address; host names are not looked up, write one such as {example}"
        ) from None
    if not zone and (is_link_local(packed) or _is_link_local_multicast(packed)):
        raise AddressError(f"the link-local address {text!r} needs its interface, as in {address}%eth0")
    if percent:
        _check_interface(zone, address)
    return text


def _check_interface(name: str, address: str) -> None:
    if not name or not name.isprintable() or len(name.encode()) > 15 or set(name) & set(" /"):
        raise AddressError(f"{name!r} is no name of an interface; write one as in {address}%eth0")


def _is_link_local_multicast(packed: bytes) -> bool:
    """Of the scopes of RFC 7346, the interface's and the link's: the kernel binds neither without an interface."""
    return len(packed) == 16 and packed[0] == 0xFF and packed[1] & 0x0F in (1, 2)


def bound(address: str) -> tuple[str | None, tuple[Endpoint, ...]]:
    """(the address as it is shown, what a server would bind) for an address that is checked. Raises AddressError."""
    text, _percent, zone = address.partition("%")
    if text != _ANY:
        return address, (endpoint(address),)
    if not zone:
        return None, WILDCARDS
    _check_interface(zone, _ANY)
    return address, tuple(each._replace(interface=_interface(zone)) for each in WILDCARDS)


def endpoint(address: str) -> Endpoint:
    """What a server would bind for an address that is checked."""
    text, _percent, zone = address.partition("%")
    if ":" not in text:
        return Endpoint(socket.inet_pton(socket.AF_INET, text), interface=_interface(zone))
    packed = socket.inet_pton(socket.AF_INET6, text)
    return Endpoint(packed, bind_sets_v6only(packed), _interface(zone))


def _interface(zone: str) -> str | None:
    """The name of an interface from its name or, as RFC 4007 allows too, its number."""
    if zone.isascii() and zone.isdigit():
        names = dict(socket.if_nameindex())
        if zone not in names.values():
            return names.get(int(zone), zone)
    return zone or None
