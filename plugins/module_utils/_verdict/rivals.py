# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries of one request that want the same port under different names."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import overlap
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Endpoint

_MOST_NAMES = 5


def find(requirements: t.Sequence[Requirement]) -> dict[tuple[int, int], list[str]]:
    """(index of a requirement, port) -> the other names that want that port free on an overlapping address.

    Of many, only the first ones are listed, and how many more there are.
    """
    wanting: dict[tuple[str, int], list[int]] = {}
    for index, requirement in enumerate(requirements):
        if requirement.name is not None and requirement.state == FREE:
            for port in requirement.ports:
                wanting.setdefault((requirement.protocol, port), []).append(index)
    found: dict[tuple[int, int], list[str]] = {}
    known: dict[tuple[int, ...], dict[int, list[str]]] = {}  # the ports of a range are wanted by the same ones
    for (_protocol, port), indexes in wanting.items():
        if len(indexes) > 1:
            among = tuple(indexes)
            if among not in known:
                known[among] = _among(requirements, among)
            found.update(((index, port), names) for index, names in known[among].items())
    return found


def _among(requirements: t.Sequence[Requirement], indexes: t.Iterable[int]) -> dict[int, list[str]]:
    """Of those who want one port. Mostly they want it on the same few addresses."""
    alike: dict[tuple[Endpoint, ...], list[int]] = {}
    for index in indexes:
        alike.setdefault(requirements[index].endpoints, []).append(index)
    found: dict[int, list[str]] = {}
    for endpoints, group in alike.items():
        meeting = (index for others, them in alike.items() if _meet(endpoints, others) for index in them)
        names = sorted({str(requirements[index].name) for index in meeting})
        if len(names) > 1:
            found.update((index, _without(str(requirements[index].name), names)) for index in group)
    return found


def _without(own: str, names: t.Sequence[str]) -> list[str]:
    listed = [name for name in names[: _MOST_NAMES + 1] if name != own][:_MOST_NAMES]
    more = len(names) - 1 - len(listed)
    return [*listed, f"{more} more"] if more else listed


def _meet(some: t.Iterable[Endpoint], others: t.Collection[Endpoint]) -> bool:
    return any(overlap(left, right) for left in some for right in others)
