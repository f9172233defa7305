# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single values of an entry: its port and its protocol. Each is parsed, or an error says what would be right. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import LAST_PORT, TCP, UDP

ServiceLookup = t.Callable[[str, str], int]
"""getservbyname(3): (name, protocol) -> port, or OSError."""


class Ports(t.NamedTuple):
    """One port or a range of them."""

    first: int
    last: int
    is_range: bool = False


def protocols_of(value: t.Any) -> list[str]:
    """``udp``, ``TCP+udp``, or a list of such."""
    values = value if isinstance(value, list) else [value]
    words = [word.strip() for each in values for word in str(each).lower().split("+")]
    unknown = [word for word in words if word not in (TCP, UDP)]
    if unknown or not words:
        shown = f"unknown protocol {unknown[0]!r}" if unknown else "no protocol"
        raise RequirementError(f"{shown}; it is '{TCP}', '{UDP}' or '{TCP}+{UDP}'")
    return list(dict.fromkeys(words))


def ports_of(value: t.Any, protocol: str, service: ServiceLookup) -> Ports:
    if isinstance(value, int) and not isinstance(value, bool):
        return Ports(_number(value), _number(value))
    if not isinstance(value, str):
        hint = "; write an entry for each port" if isinstance(value, list) else ""
        raise RequirementError(f"a port is an integer, 'FIRST-LAST' or a service name; not {kind_of(value)}{hint}")
    text = value.strip()
    numbers = re.fullmatch(r"([0-9]+)(?:\s*-\s*([0-9]+))?", text)
    if not numbers:
        port = _service(text, protocol, service)
        return Ports(port, port)
    first, last = _number(numbers[1]), _number(numbers[2] or numbers[1])
    if first > last:
        raise RequirementError(f"the range runs backwards; write {last}-{first}")
    return Ports(first, last, is_range=numbers[2] is not None)


def _number(text: int | str) -> int:
    digits = str(text).lstrip("0") or "0"
    port = int(digits[:9])  # int() refuses texts of thousands of digits
    if not 1 <= port <= LAST_PORT:
        raise RequirementError(f"port {digits[:20]} does not exist; a port is 1 to {LAST_PORT}")
    return port


_USUAL_HINT = "write a number, FIRST-LAST or a service name"
_HINTS = (
    (r"[0-9]\s*[;|]\s*[0-9]", "separate ports by commas"),
    (r"[0-9]\s*,", "write an entry for each port"),
)


def _service(name: str, protocol: str, service: ServiceLookup) -> int:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+.*-]*", name):
        hint = next((hint for sign, hint in _HINTS if re.search(sign, name)), _USUAL_HINT)
        raise RequirementError(f"{name!r} is not a port; {hint}")
    if re.fullmatch(r"[0-9]+-", name):
        raise RequirementError(f"{name!r} is no range; a range is FIRST-LAST, as in {name}65535")
    if name.lower() in ("tcp", "udp"):
        raise RequirementError(f"{name!r} is a protocol; write it behind the port, as in 53/{name} or 53/tcp+udp")
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+){3}", name):
        raise RequirementError(f"no port after the address; write {name}:PORT")
    try:
        return service(name, protocol)
    except OSError:
        raise RequirementError(
            f"unknown service {name!r} for {protocol} in this host's services database; write the port's number"
        ) from None


def kind_of(value: t.Any) -> str:
    if value is None:
        return "nothing"
    kind = type(value).__name__
    return f"{value!r}, {'an' if kind[:1] in 'aeiou' else 'a'} {kind}"
