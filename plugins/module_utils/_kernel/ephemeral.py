# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ports that any outgoing connection may take: net.ipv4.ip_local_port_range, as ip(7) describes it."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.ports import runs, shown
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import LAST_PORT

_FOLDER = "/proc/sys/net/ipv4"
_LONGEST = 1 << 18  # bytes: every second of 65,535 ports


class Ephemeral(t.NamedTuple):
    """The kernel's settings, for IPv4 and IPv6, TCP and UDP alike."""

    first: int
    last: int
    reserved: frozenset[int]

    def threatened(self, ports: t.Iterable[int]) -> list[int]:
        """Those of *ports* that the kernel may give to an outgoing connection, each once, in order."""
        return sorted({port for port in ports if self.first <= port <= self.last and port not in self.reserved})

    def sysctl(self, ports: t.Iterable[int]) -> str:
        """The line that reserves *ports* besides those that are reserved already."""
        return f"net.ipv4.ip_local_reserved_ports = {merged(self.reserved.union(ports))}"


def read(folder: str = _FOLDER) -> Ephemeral | None:
    """The settings of this network namespace; None where the kernel has no such files."""
    try:
        first, last = map(int, _text(f"{folder}/ip_local_port_range").split())
        return Ephemeral(first, last, frozenset(expanded(_text(f"{folder}/ip_local_reserved_ports"))))
    except (OSError, ValueError):
        return None


def _text(path: str) -> str:
    """The file in one read(2): the kernel answers the first one alone, and open() would ask for 8 KiB."""
    file = os.open(path, os.O_RDONLY)
    try:
        return os.read(file, _LONGEST).decode("ascii")
    finally:
        os.close(file)


def expanded(text: str) -> t.Iterator[int]:
    """``8080,9000-9002`` -> 8080, 9000, 9001, 9002. Raises ValueError."""
    for part in filter(None, text.strip().split(",")):
        first, _dash, last = part.partition("-")
        if int(last or first) > LAST_PORT:
            raise ValueError(part)
        yield from range(int(first), int(last or first) + 1)


def merged(ports: t.Iterable[int]) -> str:
    """The inverse of expanded()."""
    return ",".join(str(shown(*run)) for run in runs(sorted(ports)))
