# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text and dicts of the ``ports`` option -> Requirement records, and the errors of whoever wrote them.

The grammar is ``[ADDRESS[%INTERFACE]:]PORT[-PORT][/PROTOCOL[+PROTOCOL]]``; a dict says the same with one key each.
"""

from __future__ import annotations

import re
import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import (
    WILDCARDS,
    Requirement,
    RequirementError,
    count_ports,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import TCP, Endpoint
from ansible_collections.preflight.ports.plugins.module_utils._request.terms import terms
from ansible_collections.preflight.ports.plugins.module_utils._request.values import (
    ServiceLookup,
    kind_of,
    ports_of,
    protocols_of,
)

_MOST_PORTS = 200_000
"""In one request: each of them is asked about."""


def parse(
    entries: t.Sequence[t.Any], service: ServiceLookup = socket.getservbyname, **options: t.Any
) -> list[Requirement]:
    """The requirements of *entries*, in their order, each once. The *options* hold where a dict says nothing.

    Raises RequirementError.
    """
    defaults = terms(options)
    requirements: list[Requirement] = []
    count = 0
    for index, entry in _spread(entries):
        try:
            found = _entry(entry, defaults, service)
        except RequirementError as error:
            raise _located(index, entry, error) from error
        requirements += found
        count += count_ports(found)
        if count > _MOST_PORTS:
            raise RequirementError(f"more than {_MOST_PORTS} ports in one request; split it into several tasks")
    return _once_each(requirements)


def parse_ranges(
    entries: t.Sequence[t.Any], protocols: t.Iterable[str], service: ServiceLookup = socket.getservbyname
) -> list[range]:
    """Ports without address or protocol, each an integer, ``FIRST-LAST`` or a service name of one of the *protocols*.

    Raises RequirementError.
    """
    ranges: list[range] = []
    for index, entry in _spread(entries):
        if isinstance(entry, str) and "/" in entry:
            raise _located(index, entry, RequirementError("name the protocol in 'protocols', and the port alone here"))
        found, problem = [], None
        for protocol in protocols:
            try:
                ports = ports_of(entry, protocol, service)
                found.append(range(ports.first, ports.last + 1))
            except RequirementError as error:
                problem = error
        if problem and not found:
            raise _located(index, entry, problem) from problem
        ranges += dict.fromkeys(found)
    return ranges


def _spread(entries: t.Sequence[t.Any]) -> t.Iterator[tuple[int, t.Any]]:
    """(place of the entry, entry), where a text may have several between commas or blanks."""
    if len(entries) > 1 and entries[-1] == "" and all(isinstance(entry, str) for entry in entries):
        entries = entries[:-1]  # after a trailing comma, where Ansible has split one text
    for index, entry in enumerate(_without_brackets(entries)):
        if isinstance(entry, str):
            parts = [part for part in re.split(r"[,\s]+", re.sub(r"\s*([-/+])\s*", r"\1", entry)) if part]
            yield from ((index, part.strip("'\"")) for part in parts or [""])
        else:
            yield index, entry


def _without_brackets(entries: t.Sequence[t.Any]) -> t.Sequence[t.Any]:
    """``[80, 443]`` written as one text, which Ansible splits at its commas."""
    if not entries or not all(isinstance(entry, str) for entry in entries):
        return entries
    whole = ",".join(entries).strip()
    if not (whole.startswith("[") and whole.endswith("]")) or re.match(r"\[[^][,]*:[^][,]*\]", whole):
        return entries
    return [whole[1:-1]]


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


def _entry(entry: t.Any, defaults: t.Mapping[str, t.Any], service: ServiceLookup) -> list[Requirement]:
    if isinstance(entry, dict):
        # Only now: on a target, each import costs time in each task.
        from ansible_collections.preflight.ports.plugins.module_utils._request import dict_entry

        return dict_entry.requirements(entry, defaults, service)
    if isinstance(entry, str):
        return _from_text(entry, defaults, service)
    if isinstance(entry, int) and not isinstance(entry, bool):
        return [Requirement(TCP, *ports_of(entry, TCP, service)[:2], None, WILDCARDS, **defaults)]
    raise RequirementError(
        f"a port is an integer, a string such as '127.0.0.1:8080-8090/tcp', or a dict; not {kind_of(entry)}"
    )


def _from_text(text: str, defaults: t.Mapping[str, t.Any], service: ServiceLookup) -> list[Requirement]:
    if "://" in text:
        raise RequirementError("this is a URL; write the port alone, or ADDRESS:PORT")
    rest, slash, protocol = text.partition("/")
    address, endpoints, port = _split(rest)
    made = []
    for each in protocols_of(protocol) if slash else [TCP]:
        first, last, is_range = ports_of(port, each, service)
        made.append(Requirement(each, first, last, address, endpoints, None, is_range, **defaults))
    return made


def _split(text: str) -> tuple[str | None, tuple[Endpoint, ...], str]:
    """``127.0.0.1:80`` -> (``127.0.0.1``, what a server would bind, ``80``)."""
    if ":" not in text and not text.endswith("]"):
        return None, WILDCARDS, text
    # Only now, too: most name no address.
    from ansible_collections.preflight.ports.plugins.module_utils._request import addresses

    try:
        address, port = addresses.split(text)
        return (*addresses.bound(address), port)
    except addresses.AddressError as error:
        raise RequirementError(str(error)) from error
