# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries of one request that want the same port under different names."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import overlap
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, Requirement


def find(requirements: t.Sequence[Requirement]) -> dict[tuple[int, int], list[str]]:
    """(index of a requirement, port) -> the other names that want that port free on an overlapping address."""
    wanting: dict[tuple[str, int], list[int]] = {}
    for index, requirement in enumerate(requirements):
        if requirement.name is not None and requirement.state == FREE:
            for port in requirement.ports:
                wanting.setdefault((requirement.protocol, port), []).append(index)
    found: dict[tuple[int, int], list[str]] = {}
    for (_protocol, port), indexes in wanting.items():
        for index in indexes if len(indexes) > 1 else ():
            names = {
                str(requirements[other].name)
                for other in indexes
                if requirements[other].name != requirements[index].name
                and _meet(requirements[index], requirements[other])
            }
            if names:
                found[index, port] = sorted(names)
    return found


def _meet(one: Requirement, other: Requirement) -> bool:
    return any(overlap(left, right) for left in one.endpoints for right in other.endpoints)
