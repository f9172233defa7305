# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a wrong world to the smallest one that still is: Hypothesis searches the worlds that are plainer than it."""

from __future__ import annotations

import json
import random
from typing import Any, Callable

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from oracle.worlds import KINDS, World

# Nearly every draw keeps what it finds, so that the search starts from the wrong world; shrinking takes it from there.
INERTIA = 200
TRIES = 400
# Hypothesis would go on for minutes after the last step that helped.
PATIENCE = 30


def smallest(wrong: World, fails: Callable[[World], bool]) -> World:
    known = {json.dumps(wrong): True}
    in_vain = 0

    def remembered(world: World) -> bool:
        nonlocal in_vain
        key = json.dumps(world)
        if key not in known and in_vain < PATIENCE:
            known[key] = fails(world)
            in_vain = 0 if known[key] else in_vain + 1
        return known.get(key, False)

    settings = hypothesis.settings(
        max_examples=TRIES,
        phases=[Phase.generate, Phase.shrink],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return hypothesis.find(plainer(wrong), remembered, settings=settings, random=random.Random(0))


def plainer(world: World) -> st.SearchStrategy[World]:
    return st.fixed_dictionaries(
        {
            "low": _rather(world["low"], [False]),
            # a dropped operation leaves its place empty: others refer to operations by number
            "ops": st.tuples(*(_rather(True, [False]).flatmap(_kept(op)) for op in world["ops"])).map(list),
            "asks": st.tuples(*(_rather(True, [False]).flatmap(_kept(ask)) for ask in world["asks"])).map(list),
        }
    )


def _kept(part: Any) -> Callable[[bool], st.SearchStrategy[Any]]:
    def strategy(keep: bool) -> st.SearchStrategy[Any]:
        if part is None or not keep:
            return st.none()
        return st.fixed_dictionaries({field: _rather(value, _before(part, field)) for field, value in part.items()})

    return strategy


def _before(part: dict[str, Any], field: str) -> list[Any]:
    choices = KINDS[part["kind"]].get(field, [])
    return choices[: choices.index(part[field])] if part[field] in choices else choices


def _rather(value: Any, plainer: list[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([*plainer, *[value] * INERTIA])
