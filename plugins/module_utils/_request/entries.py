# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text and dicts of the ``ports`` option -> Requirement records, and the errors of whoever wrote them.

The grammar is ``[ADDRESS:]PORT[-PORT][/PROTOCOL]``; a dict says the same with one key each.
"""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import (
    FREE,
    WILDCARDS,
    Requirement,
    RequirementError,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import TCP, Endpoint
from ansible_collections.preflight.ports.plugins.module_utils._request.values import (
    ServiceLookup,
    _number,
    kind_of,
    patterns_of,
    port_range,
    protocol_of,
)

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.pattern import Pattern


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
        from ansible_collections.preflight.ports.plugins.module_utils._request import dict_entry

        return dict_entry.requirements(entry, state, held_by, service)
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


def _split(text: str) -> tuple[str | None, tuple[Endpoint, ...], str]:
    """``127.0.0.1:80`` -> (``127.0.0.1``, what a server would bind, ``80``)."""
    if ":" not in text and not text.endswith("]"):
        return None, WILDCARDS, text
    # Only now, too: most name no address.
    from ansible_collections.preflight.ports.plugins.module_utils._request import addresses

    try:
        address, port = addresses.split(text)
    except addresses.AddressError as error:
        raise RequirementError(str(error)) from error
    return address, (addresses.endpoint(address),), port
