# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option ``to`` -> where to connect. Pure.

The grammar is ``HOST:PORT[-PORT][/PROTOCOL]``; a dict says the same with one key each.
"""

from __future__ import annotations

import re
import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import TCP
from ansible_collections.preflight.ports.plugins.module_utils._reach.states import OPEN
from ansible_collections.preflight.ports.plugins.module_utils._request.values import (
    ServiceLookup,
    kind_of,
    ports_of,
    protocols_of,
)

MOST = 20000
"""How many flows one call tries at most."""

EXPECTATIONS = ("open", "closed")
_KEYS = ("host", "port", "protocol", "name", "expect", "responder")


class Destination(t.NamedTuple):
    """Where one flow goes."""

    host: str
    """A name or an address; an IPv6 address without brackets."""
    port: int
    protocol: str
    name: str | None = None
    expect: str = OPEN
    responder: str | None = None
    """The name of the responder that has to answer; None if a service, or nobody, is to be expected."""


def parse(
    entries: t.Sequence[t.Any], expect: str = OPEN, service: ServiceLookup = socket.getservbyname
) -> list[Destination]:
    """The destinations of *entries*, in order. *expect* holds where a dict says nothing. Raises RequirementError."""
    found: list[Destination] = []
    if not entries:
        raise RequirementError("to is empty; write HOST:PORT, as in db1:5432")
    for index, entry in enumerate(entries):
        try:
            found += _destinations(entry, expect, service)
        except RequirementError as error:
            raise RequirementError(f"to[{index}] {repr(entry)[:200]}: {error}") from error
        if len(found) > MOST:
            raise RequirementError(f"to: these are more than {MOST} flows; name fewer ports or hosts")
    return found


def _destinations(entry: t.Any, expect: str, service: ServiceLookup) -> t.Iterator[Destination]:
    if isinstance(entry, str):
        if "://" in entry:
            raise RequirementError("this is a URL; write HOST:PORT")
        text, slash, protocols = entry.strip().partition("/")
        host, port = _split(text)
        entry = {"host": host, "port": port, "protocol": protocols if slash else TCP}
    if not isinstance(entry, dict):
        raise RequirementError(f"write HOST:PORT, HOST:PORT/udp, or a dict; not {kind_of(entry)}")
    unknown = sorted(set(map(str, entry)) - set(_KEYS))
    if unknown:
        raise RequirementError(f"unknown key {unknown[0]!r}; the keys are {', '.join(_KEYS)}")
    host = host_of(entry.get("host"))
    expect = entry.get("expect") or expect
    if expect not in EXPECTATIONS:
        raise RequirementError(f"expect is 'open' or 'closed'; not {kind_of(expect)}")
    name, responder = (_text(entry, key) for key in ("name", "responder"))
    for protocol in protocols_of(entry.get("protocol") or TCP):
        ports = ports_of(entry.get("port"), protocol, service)
        for number in range(ports.first, ports.last + 1):
            yield Destination(host, number, protocol, name, expect, responder)


def _split(text: str) -> tuple[str, str]:
    """``db1:5432`` -> (``db1``, ``5432``), ``[::1]:53`` -> (``::1``, ``53``)."""
    bracketed = re.fullmatch(r"\[([^\]]+)\]:(.+)", text)
    if bracketed:
        return bracketed[1], bracketed[2]
    host, _colon, port = text.rpartition(":")
    if re.fullmatch(r"[^:]+:\d+(\s.*)?", host):
        raise RequirementError("a host has one port, or a range: 5432-5434; separate entries with commas")
    if ":" in host:
        raise RequirementError("an IPv6 address stands in brackets before the port, as in [2001:db8::5]:5432")
    if not host:
        raise RequirementError("a host and a port are needed, as in db1:5432")
    return host, port


def host_of(value: t.Any) -> str:
    """A name, or an address without brackets. Raises RequirementError."""
    if not isinstance(value, str) or not value.strip():
        raise RequirementError(f"host is a name or an address; not {kind_of(value)}")
    host = value.strip().strip("[]")
    if len(host) > 253 or not host.isprintable() or set(host) & set(" /"):
        raise RequirementError(f"{host[:80]!r} is not a name or an address")
    if host.count(":") == 1:
        raise RequirementError(f"the host {host!r} has a port; write it as the port alone")
    if _is_unspecified(host):
        raise RequirementError(
            f"{host} is no host's address: connect(2) takes it for this host itself; write 127.0.0.1"
        )
    return host


def _is_unspecified(host: str) -> bool:
    for parse in (socket.inet_aton, lambda text: socket.inet_pton(socket.AF_INET6, text)):
        try:
            return not any(parse(host))
        except OSError:
            continue
    return False


def _text(entry: dict[str, t.Any], key: str) -> str | None:
    value = entry.get(key)
    if value is None or isinstance(value, str):
        return value
    raise RequirementError(f"{key} is text; not {kind_of(value)}")
