# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leave some mutants in a session of cosmic-ray: one each of so many random places.

A plus sign has a dozen mutants, most of which any test would notice. One for each place keeps them from hiding the
others.
"""

from __future__ import annotations

import argparse
import ast
import functools
import random
from pathlib import Path

from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, WorkItem

Position = tuple[int, int]


@functools.cache
def types_of(path: Path) -> list[tuple[Position, Position]]:
    """Where a file speaks of types alone, so that no test could tell a mutant: from where to where."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        is_block = isinstance(node, ast.If) and ast.unparse(node.test) == "t.TYPE_CHECKING"
        for each in (getattr(node, "annotation", None), getattr(node, "returns", None), node if is_block else None):
            if each:
                found.append(((each.lineno, each.col_offset), (each.end_lineno, each.end_col_offset)))
    return found


def is_run(mutation: MutationSpec) -> bool:
    return not any(begin <= mutation.start_pos < end for begin, end in types_of(mutation.module_path))


def sample(items: list[WorkItem], size: int, seed: int) -> list[WorkItem]:
    places: dict[tuple[str, Position], list[WorkItem]] = {}
    for item in items:
        (mutation,) = item.mutations
        if is_run(mutation):
            places.setdefault((str(mutation.module_path), mutation.start_pos), []).append(item)
    print(f"{sum(map(len, places.values()))} mutants of {len(places)} places", flush=True)
    chance = random.Random(seed)
    chosen = chance.sample(sorted(places), min(size, len(places)))
    by_name = [sorted(places[place], key=lambda item: item.mutations[0].operator_name) for place in chosen]
    return [chance.choice(each) for each in by_name]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("session")
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with use_db(options.session, WorkDB.Mode.open) as session:
        chosen = sample(list(session.pending_work_items), options.sample, options.seed)
        session.clear()  # also of those that a filter has skipped, which cr-rate would count as killed
        session.add_work_items(chosen)


if __name__ == "__main__":
    main()
