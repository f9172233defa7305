# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole socket table with its holders, on a host with many listeners and processes."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from bench.looks import run
from bench.tasks import FACTS, INFO, SS, SS_TASK, play
from support import sandbox
from support.people import listener, start

LISTENERS, PROCESSES = 500, 1000
PLAYS = 4
TURNS = 5  # of a play


def measure(scratch: Path) -> dict[str, float]:
    """Seconds of ss and of the tasks, medians. Enters a network namespace."""
    sandbox.enter()
    for number in range(PROCESSES):
        start(listener if number < LISTENERS else os.getpid)
    seconds: dict[str, list[float]] = defaultdict(list)
    for _unused in range(PLAYS):
        for _unused in range(TURNS):
            started = time.perf_counter()
            run(*SS.split())
            seconds[SS].append(time.perf_counter() - started)
        for name, took, _size in play([INFO, SS_TASK] * TURNS + [FACTS], scratch):
            seconds[name].append(took)
    return {name: median(each) for name, each in seconds.items()}
