# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text and dicts of the ``ports`` option -> Requirement records, and the errors of whoever wrote them.

The grammar is ``[ADDRESS:]PORT[-PORT][/PROTOCOL]``; a dict says the same with one key each.
"""

from __future__ import annotations

import re
import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._addresses import ANY4, ANY6, Endpoint
from ansible_collections.preflight.ports.plugins.module_utils._sockets import TCP, UDP

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._held_by import Pattern

FREE, LISTENING = "free", "listening"

_KEYS = ("port", "protocol", "address", "name", "state", "held_by")
LAST_PORT = 65535
_WILDCARDS = (Endpoint(ANY4), Endpoint(ANY6, v6only=True))

ServiceLookup = t.Callable[[str, str], int]
"""getservbyname(3): (name, protocol) -> port, or OSError."""


class RequirementError(ValueError):
    """An entry that cannot be understood; the text names the entry, its value and what would be right."""


class Requirement(t.NamedTuple):
    """One entry of the request, for one protocol."""

    protocol: str
    first: int
    last: int
    address: str | None
    """As it was asked for; None for the wildcard addresses of the families that the host has."""
    endpoints: tuple[Endpoint, ...]
    """What a server would bind: one socket for each."""
    name: str | None = None
    state: str = FREE
    held_by: tuple[Pattern, ...] = ()

    @property
    def ports(self) -> range:
        return range(self.first, self.last + 1)


def parse(
    entries: t.Sequence[t.Any],
    state: str = FREE,
    held_by: t.Sequence[str] = (),
    service: ServiceLookup = socket.getservbyname,
) -> list[Requirement]:
    """The requirements of *entries*, in their order, each once. *state* and *held_by* hold where a dict says nothing.

    Raises RequirementError.
    """
    patterns = _patterns(held_by, "held_by")
    requirements: list[Requirement] = []
    for index, entry in enumerate(entries):
        try:
            requirements += _entry(entry, state, patterns, service)
        except RequirementError as error:
            raise _located(index, entry, error) from error
    return _once_each(requirements)


def parse_ranges(entries: t.Sequence[t.Any], service: ServiceLookup = socket.getservbyname) -> list[range]:
    """Ports alone, each an integer, ``FIRST-LAST`` or a TCP service name. Raises RequirementError."""
    ranges = []
    for index, entry in enumerate(entries):
        try:
            first, last = _port_range(entry, TCP, service)
        except RequirementError as error:
            raise _located(index, entry, error) from error
        ranges.append(range(first, last + 1))
    return ranges


def _located(index: int, entry: t.Any, error: RequirementError) -> RequirementError:
    shown = repr(entry)
    return RequirementError(f"ports[{index}] {shown if len(shown) <= 200 else shown[:200] + '...'}: {error}")


def ports_to_be_free(requirements: t.Iterable[Requirement]) -> t.Iterator[int]:
    """Every port that some requirement wants to be free."""
    return (port for requirement in requirements if requirement.state == FREE for port in requirement.ports)


def _once_each(requirements: t.Iterable[Requirement]) -> list[Requirement]:
    """The same requirement twice, with one name or none, is one requirement."""
    once: list[Requirement] = []
    places: dict[Requirement, list[int]] = {}
    for new in requirements:
        same = places.setdefault(new._replace(name=None), [])
        for place in same:
            name = once[place].name
            if name == new.name or None in (name, new.name):
                once[place] = new._replace(name=name or new.name)
                break
        else:
            same.append(len(once))
            once.append(new)
    return once


def _entry(entry: t.Any, state: str, held_by: tuple[Pattern, ...], service: ServiceLookup) -> list[Requirement]:
    if isinstance(entry, dict):
        return _from_dict(entry, state, held_by, service)
    if isinstance(entry, str):
        return [_from_text(entry.strip(), state, held_by, service)]
    if isinstance(entry, int) and not isinstance(entry, bool):
        return [Requirement(TCP, _number(entry), _number(entry), None, _WILDCARDS, None, state, held_by)]
    raise RequirementError(
        f"a port is an integer, a string such as '127.0.0.1:8080-8090/tcp', or a dict; not {_kind(entry)}"
    )


def _from_text(text: str, state: str, held_by: tuple[Pattern, ...], service: ServiceLookup) -> Requirement:
    rest, slash, protocol = text.partition("/")
    protocol = _protocol(protocol) if slash else TCP
    address, endpoints, port = _split(rest)
    first, last = _port_range(port, protocol, service)
    return Requirement(protocol, first, last, address, endpoints, None, state, held_by)


def _from_dict(
    entry: dict[t.Any, t.Any], state: str, held_by: tuple[Pattern, ...], service: ServiceLookup
) -> list[Requirement]:
    unknown = [str(key) for key in entry if key not in _KEYS]
    if unknown:
        raise RequirementError(f"unknown key {', '.join(map(repr, unknown))}; the keys are {', '.join(_KEYS)}")
    if entry.get("port") is None:
        raise RequirementError("the key 'port' is missing")
    address, endpoints = _address_of(entry.get("address"))
    name = entry.get("name")
    if not isinstance(name, (str, type(None))):
        raise RequirementError(f"'name' is a string; not {_kind(name)}")
    if entry.get("state") is not None:
        state = entry["state"]
        if state not in (FREE, LISTENING):
            raise RequirementError(f"unknown state {state!r}; it is '{FREE}' or '{LISTENING}'")
    if entry.get("held_by") is not None:
        held_by = _patterns(entry["held_by"], "'held_by'")
    requirements = []
    for protocol in _protocols(entry.get("protocol")):
        first, last = _port_range(entry["port"], protocol, service)
        requirements.append(Requirement(protocol, first, last, address, endpoints, name or None, state, held_by))
    if sum(len(requirement.ports) for requirement in requirements) > LAST_PORT:
        raise RequirementError(f"more than {LAST_PORT} ports in one entry; write one entry for each protocol")
    return requirements


def _protocols(value: t.Any) -> list[str]:
    values = [TCP] if value is None else value if isinstance(value, list) else [value]
    if not values:
        raise RequirementError(f"'protocol' is an empty list; it is '{TCP}', '{UDP}' or a list of both")
    return list(dict.fromkeys(_protocol(each) for each in values))


def _protocol(value: t.Any) -> str:
    if value not in (TCP, UDP):
        raise RequirementError(f"unknown protocol {value!r}; it is '{TCP}' or '{UDP}'")
    return str(value)


# A module of its own, imported only for those who name an address: on a target, each import costs time in each task.


def _split(text: str) -> tuple[str | None, tuple[Endpoint, ...], str]:
    """``127.0.0.1:80`` -> (``127.0.0.1``, what a server would bind, ``80``)."""
    if ":" not in text and not text.endswith("]"):
        return None, _WILDCARDS, text
    from ansible_collections.preflight.ports.plugins.module_utils import _endpoints

    try:
        address, port = _endpoints.split(text)
    except _endpoints.AddressError as error:
        raise RequirementError(str(error)) from error
    return address, (_endpoints.endpoint(address),), port


def _address_of(value: t.Any) -> tuple[str | None, tuple[Endpoint, ...]]:
    if value is None:
        return None, _WILDCARDS
    if not isinstance(value, str):
        raise RequirementError(f"'address' is a string with an IP address; not {_kind(value)}")
    from ansible_collections.preflight.ports.plugins.module_utils import _endpoints

    try:
        address = _endpoints.checked(value.strip(), socket.AF_INET6 if ":" in value else socket.AF_INET)
    except _endpoints.AddressError as error:
        raise RequirementError(str(error)) from error
    return address, (_endpoints.endpoint(address),)


def _port_range(value: t.Any, protocol: str, service: ServiceLookup) -> tuple[int, int]:
    if isinstance(value, int) and not isinstance(value, bool):
        return (_number(value),) * 2
    if not isinstance(value, str):
        raise RequirementError(f"a port is an integer, 'FIRST-LAST' or a service name; not {_kind(value)}")
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
    try:
        return service(name, protocol)
    except OSError:
        raise RequirementError(
            f"unknown service {name!r} for {protocol} in this host's services database; write the port's number"
        ) from None


def _patterns(values: t.Any, where: str) -> tuple[Pattern, ...]:
    if isinstance(values, str):
        values = [value.strip() for value in values.split(",")]
    if not isinstance(values, (list, tuple)):
        raise RequirementError(f"{where} is a list of patterns; not {_kind(values)}")
    if not values:
        return ()
    # Only now: on a target, each import costs time in each task.
    from ansible_collections.preflight.ports.plugins.module_utils._held_by import PatternError, parse_pattern

    try:
        return tuple(parse_pattern(value) for value in values)
    except PatternError as error:
        raise RequirementError(f"{where}: {error}") from error


def _kind(value: t.Any) -> str:
    return "nothing" if value is None else f"{value!r}, a {type(value).__name__}"
