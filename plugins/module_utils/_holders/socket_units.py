# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd's socket units: PID 1 listens for them, so no cgroup tells their names."""

from __future__ import annotations

import re

from ansible_collections.preflight.ports.plugins.module_utils._kernel import command

_PROTOCOLS = {"Stream": "tcp", "Datagram": "udp"}
_LISTEN = re.compile(r"Listen=\[?([0-9A-Fa-f:.]+)\]?:([0-9]{1,5}) \((Stream|Datagram)\)")


def find() -> dict[tuple[str, str, int], str]:
    """{(protocol, address, port): unit}. A host without systemctl has no socket units."""
    try:
        return parse(command.output("systemctl", "show", "--property=Id,Listen", "*.socket"))
    except command.CommandError:
        return {}


def parse(output: str) -> dict[tuple[str, str, int], str]:
    """What the command printed -> {(protocol, address, port): unit}."""
    units = {}
    for block in output.split("\n\n"):
        identity = re.search(r"^Id=(.+)$", block, re.MULTILINE)
        for address, port, kind in _LISTEN.findall(block):
            if identity:
                units[_PROTOCOLS[kind], address, int(port)] = identity[1]
    return units
