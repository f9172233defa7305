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

from ansible_collections.preflight.ports.plugins.module_utils._sockets import ANY4, ANY6, LAST_PORT, TCP, UDP, Endpoint

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._held_by import Pattern

FREE, LISTENING = "free", "listening"

WILDCARDS = (Endpoint(ANY4), Endpoint(ANY6, v6only=True))

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
    patterns = patterns_of(held_by, "held_by")
    requirements: list[Requirement] = []
    for index, entry in enumerate(entries):
        try:
            requirements += _entry(entry, state, patterns, service)
        except RequirementError as error:
            raise _located(index, entry, error) from error
    return _once_each(requirements)


def parse_ranges(
    entries: t.Sequence[t.Any], protocols: t.Iterable[str], service: ServiceLookup = socket.getservbyname
) -> list[range]:
    """Ports alone, each an integer, ``FIRST-LAST`` or a service name of one of the *protocols*.

    Raises RequirementError.
    """
    ranges: list[range] = []
    for index, entry in enumerate(entries):
        found, problem = [], None
        for protocol in protocols:
            try:
                first, last = port_range(entry, protocol, service)
                found.append(range(first, last + 1))
            except RequirementError as error:
                problem = error
        if problem and not found:
            raise _located(index, entry, problem) from problem
        ranges += dict.fromkeys(found)
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
        same = places.setdefault(new if new.name is None else new._replace(name=None), [])
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
        # Only now: on a target, each import costs time in each task.
        from ansible_collections.preflight.ports.plugins.module_utils import _dict_entries

        return _dict_entries.requirements(entry, state, held_by, service)
    if isinstance(entry, str):
        return [_from_text(entry.strip(), state, held_by, service)]
    if isinstance(entry, int) and not isinstance(entry, bool):
        return [Requirement(TCP, _number(entry), _number(entry), None, WILDCARDS, None, state, held_by)]
    raise RequirementError(
        f"a port is an integer, a string such as '127.0.0.1:8080-8090/tcp', or a dict; not {kind_of(entry)}"
    )


def _from_text(text: str, state: str, held_by: tuple[Pattern, ...], service: ServiceLookup) -> Requirement:
    rest, slash, protocol = text.partition("/")
    protocol = protocol_of(protocol) if slash else TCP
    address, endpoints, port = _split(rest)
    first, last = port_range(port, protocol, service)
    return Requirement(protocol, first, last, address, endpoints, None, state, held_by)


def protocol_of(value: t.Any) -> str:
    if value not in (TCP, UDP):
        raise RequirementError(f"unknown protocol {value!r}; it is '{TCP}' or '{UDP}'")
    return str(value)


def _split(text: str) -> tuple[str | None, tuple[Endpoint, ...], str]:
    """``127.0.0.1:80`` -> (``127.0.0.1``, what a server would bind, ``80``)."""
    if ":" not in text and not text.endswith("]"):
        return None, WILDCARDS, text
    # Only now, too: most name no address.
    from ansible_collections.preflight.ports.plugins.module_utils import _endpoints

    try:
        address, port = _endpoints.split(text)
    except _endpoints.AddressError as error:
        raise RequirementError(str(error)) from error
    return address, (_endpoints.endpoint(address),), port


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
    from ansible_collections.preflight.ports.plugins.module_utils._held_by import PatternError, parse_pattern

    try:
        return tuple(parse_pattern(value) for value in values)
    except PatternError as error:
        raise RequirementError(f"{where}: {error}") from error


def kind_of(value: t.Any) -> str:
    return "nothing" if value is None else f"{value!r}, a {type(value).__name__}"
