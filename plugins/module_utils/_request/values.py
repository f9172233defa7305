# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single values of an entry: port, protocol, patterns. Each is parsed, or an error says what would be right. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import LAST_PORT, TCP, UDP

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.pattern import Pattern

ServiceLookup = t.Callable[[str, str], int]
"""getservbyname(3): (name, protocol) -> port, or OSError."""


def protocol_of(value: t.Any) -> str:
    if value not in (TCP, UDP):
        raise RequirementError(f"unknown protocol {value!r}; it is '{TCP}' or '{UDP}'")
    return str(value)


def port_range(value: t.Any, protocol: str, service: ServiceLookup) -> tuple[int, int]:
    if isinstance(value, int) and not isinstance(value, bool):
        return (_number(value),) * 2
    if not isinstance(value, str):
        raise RequirementError(f"a port is an integer, 'FIRST-LAST' or a service name; not {kind_of(value)}")
    text = value.strip()
    numbers = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", text)
    if not numbers:
        return (_service(text, protocol, service),) * 2
    first, last = _number(numbers[1]), _number(numbers[2] or numbers[1])
    if first > last:
        raise RequirementError(f"the range runs backwards; write {last}-{first}")
    return first, last


def _number(text: int | str) -> int:
    port = int(str(text)[:9])  # int() refuses texts of thousands of digits
    if not 1 <= port <= LAST_PORT:
        raise RequirementError(f"port {str(text)[:20]} does not exist; a port is 1 to {LAST_PORT}")
    return port


def _service(name: str, protocol: str, service: ServiceLookup) -> int:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+.*-]*", name):
        raise RequirementError(f"{name!r} is not a port; write a number, FIRST-LAST or a service name")
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+){3}", name):
        raise RequirementError(f"no port after the address; write {name}:PORT")
    try:
        return service(name, protocol)
    except OSError:
        raise RequirementError(
            f"unknown service {name!r} for {protocol} in this host's services database; write the port's number"
        ) from None


def patterns_of(values: t.Any, where: str) -> tuple[Pattern, ...]:
    if isinstance(values, str):
        values = [value.strip() for value in values.split(",")]
    if not isinstance(values, (list, tuple)):
        raise RequirementError(f"{where} is a list of patterns; not {kind_of(values)}")
    if not values:
        return ()
    from ansible_collections.preflight.ports.plugins.module_utils._request.held_by import PatternError, parse_pattern

    try:
        return tuple(parse_pattern(value) for value in values)
    except PatternError as error:
        raise RequirementError(f"{where}: {error}") from error


def kind_of(value: t.Any) -> str:
    return "nothing" if value is None else f"{value!r}, a {type(value).__name__}"
