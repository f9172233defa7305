# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of random worlds, each judged in a process and a namespace of its own."""

from __future__ import annotations

import concurrent.futures
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, NamedTuple

from oracle.compare import DOCUMENTED, Look
from oracle.worlds import World, world

TESTS = Path(__file__).parents[1]
# Of a batch: enough to make the start of Ansible small, few enough for one lifetime of TIME_WAIT and for the low ports.
WORLDS = 240


class Setting(NamedTuple):
    looks: tuple[Look, ...]
    collections: Path
    direct: bool = False

    def play(self, batch: list[World]) -> list[dict[str, Any]]:
        """One report per look."""
        job = {
            "worlds": batch,
            "looks": [look._asdict() for look in self.looks],
            "collections": str(self.collections),
            "direct": self.direct,
        }
        done = subprocess.run(
            [sys.executable, "-m", "oracle.arena"],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            check=False,
            cwd=TESTS,
        )
        if done.returncode:
            raise RuntimeError(f"the oracle itself failed:\n{done.stderr}")
        reports: list[dict[str, Any]] = json.loads(done.stdout)
        return reports


class Batch(NamedTuple):
    worlds: list[World]
    reports: list[dict[str, Any]]


def draw(seed: int, number: int) -> list[World]:
    rng = random.Random(f"{seed}/{number}")
    return [world(rng) for _unused in range(WORLDS)]


def batches(setting: Setting, cases: int, seed: int, jobs: int) -> Iterator[Batch]:
    """Judged batches, until every look has had so many cases."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        waiting: list[tuple[list[World], Any]] = []
        number = judged = 0
        while judged < cases:
            while len(waiting) < jobs and judged + sum(map(_asks, (batch for batch, _unused in waiting))) < cases:
                batch = draw(seed, number)
                waiting.append((batch, pool.submit(setting.play, batch)))
                number += 1
            batch, playing = waiting.pop(0)
            reports = playing.result()
            judged += min(report["cases"] for report in reports)
            yield Batch(batch, reports)


def _asks(batch: list[World]) -> int:
    """A few fewer than these become cases: the port that one asks about may have come to nothing."""
    return sum(len(each["asks"]) for each in batch)


def unexpected(report: dict[str, Any]) -> list[list[Any]]:
    return [fault for fault in report["wrong"] if fault[2] not in DOCUMENTED]
