# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is published: ``[[ADDRESS:]PORT:]CONTAINER_PORT[/PROTOCOL]``, as docker-run(1) and podman-run(1) have it."""

from __future__ import annotations

import re
import socket
import typing as t

_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_LAST_PORT = 65535


class SpecError(ValueError):
    """What is written there is not a port that can be checked."""


class Published(t.NamedTuple):
    """Ports of the host."""

    first: int
    last: int
    protocol: str
    address: str | None = None

    def entry(self, name: str, held_by: t.Sequence[str]) -> dict[str, t.Any]:
        """As port_check takes it."""
        port: t.Any = self.first if self.first == self.last else f"{self.first}-{self.last}"
        entry = {"port": port, "protocol": self.protocol, "name": name, "held_by": list(held_by)}
        return {**entry, "address": self.address} if self.address else entry


def parse(text: str) -> Published | None:
    """None if the engine chooses the port of the host. Raises SpecError."""
    ports, _slash, protocol = text.partition("/")
    before, _colon, container = ports.rpartition(":")
    address, _colon, host = before.rpartition(":")
    return published(host, container, protocol or "tcp", address.strip("[]") or None)


def published(host: str, container: str, protocol: str, address: str | None) -> Published | None:
    """None if the engine chooses the port of the host, be it among all or in a range. Raises SpecError."""
    inside = _range(container)
    if not host:
        return None
    outside = _range(host)
    if address and not _is_address(address):
        raise SpecError(f"{address!r} is no address; write an IPv4 address, an IPv6 address in brackets, or none")
    if protocol.lower() not in ("tcp", "udp"):
        raise SpecError(f"{protocol!r} cannot be checked; tcp and udp can")
    if len(inside) == 1 < len(outside):
        return None
    if len(inside) != len(outside):
        raise SpecError(f"{host} are {len(outside)} ports, {container} are {len(inside)}")
    return Published(outside[0], outside[-1], protocol.lower(), address)


def _is_address(text: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text.partition("%")[0])
            return True
        except OSError:
            continue
    return False


def _range(text: str) -> range:
    found = _PORTS.fullmatch(text)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 0 < first <= last <= _LAST_PORT:
        raise SpecError(f"{text!r} is no port; write [[ADDRESS:]PORT:]CONTAINER_PORT[/PROTOCOL], in quotes")
    return range(first, last + 1)
