# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oracle: does port_check say what the kernel says?

    python -m oracle.run --cases 10000 --seed 1
    python -m oracle.run --source procfs --no-probe
    python -m oracle.run --user nobody
    python -m oracle.run --replay '{"low": false, "ops": [...], "asks": [...]}' --source netlink

Run it in `tests`. Needs root, or unprivileged user namespaces; the host's network is never touched.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from oracle.campaign import Setting, batches, unexpected
from oracle.compare import DOCUMENTED, Look
from oracle.listing import listing
from oracle.worlds import World

COLLECTIONS = Path(__file__).parents[2] / ".collections"
SOURCES = ("auto", "netlink", "procfs", "psutil")
EVERY_LOOK = (
    *(Look(source) for source in SOURCES),
    *(Look(source, probe=False) for source in SOURCES[1:]),
    Look("auto", user="nobody"),
)
UNJUDGED = 0.01  # of the cases


class Tally:
    def __init__(self) -> None:
        self.cases: dict[str, int] = defaultdict(int)
        self.unjudged: dict[str, int] = defaultdict(int)
        self.seconds: dict[str, float] = defaultdict(float)
        self.kinds: dict[str, Counter[str]] = defaultdict(Counter)
        self.examples: dict[str, tuple[str, World, str]] = {}  # kind -> look, world, detail

    def add(self, worlds: list[World], reports: list[dict[str, Any]]) -> None:
        for report in reports:
            look = report["look"]
            self.cases[look] += report["cases"]
            self.unjudged[look] += report["unjudged"]
            self.seconds[look] += report["seconds"]
            self.kinds[look].update(kind for *_unused, kind, _unused in report["wrong"])
            for number, ask, kind, detail in unexpected(report):
                wrong = {**worlds[number], "asks": [worlds[number]["asks"][ask]]}
                self.examples.setdefault(kind, (look, wrong, detail))

    def unsteady(self) -> list[str]:
        """The looks during which the truth changed too often."""
        return [look for look, cases in self.cases.items() if self.unjudged[look] > UNJUDGED * cases]

    def failed(self) -> bool:
        return bool(self.examples or self.unsteady())

    def table(self) -> list[str]:
        lines = [f"{'look':24}{'cases':>8}{'wrong':>8}{'unjudged':>10}{'seconds':>9}"]
        for look, cases in self.cases.items():
            wrong = sum(count for kind, count in self.kinds[look].items() if kind not in DOCUMENTED)
            lines.append(f"{look:24}{cases:8}{wrong:8}{self.unjudged[look]:10}{self.seconds[look]:9.1f}")
            for kind, count in sorted(self.kinds[look].items()):
                lines.append(f"{count:32}  {'documented' if kind in DOCUMENTED else 'WRONG'}: {kind}")
        return lines


def explain(setting: Setting, kind: str, look: str, wrong: World, detail: str) -> list[str]:
    """The error, shrunk where Hypothesis is there to do it."""
    try:
        from oracle.shrink import smallest
    except ImportError:
        return [f"{look}: {kind} ({detail})", *_shown(wrong)]
    alone = setting._replace(looks=tuple(each for each in setting.looks if str(each) == look), direct=True)

    def faults(world: World) -> list[Any]:
        return [fault for fault in alone.play([world])[0]["wrong"] if fault[2] == kind]

    if not faults(wrong):
        return [f"{look}: {kind} ({detail}), but not when its world stands alone:", *_shown(wrong)]
    small = smallest(wrong, lambda world: bool(faults(world)))
    details = ", ".join(fault[3] for fault in faults(small)) or "not every time"
    return [f"{look}: {kind} ({details})", *_shown(small)]


def _shown(world: World) -> list[str]:
    lines = ["    " + line for line in listing(world)]
    return [*lines, f"    python -m oracle.run --replay '{json.dumps(world)}'"]


def judge(setting: Setting, cases: int, seed: int, jobs: int) -> Tally:
    tally = Tally()
    for batch in batches(setting, cases, seed, jobs):
        tally.add(batch.worlds, batch.reports)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000, help="requirements judged under each look (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--source", action="append", choices=SOURCES, help="this source only; may be repeated")
    parser.add_argument("--no-probe", action="store_true", help="by the table alone")
    parser.add_argument("--user", help="as this user")
    parser.add_argument("--direct", action="store_true", help="without Ansible's controller: the module as a process")
    parser.add_argument("--collections", type=Path, default=COLLECTIONS, help="where ansible_collections is")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--replay", type=json.loads, metavar="WORLD", help="judge this world alone")
    options = parser.parse_args()

    looks = EVERY_LOOK
    if options.source or options.no_probe or options.user:
        sources = options.source or SOURCES
        looks = tuple(Look(source, not options.no_probe, options.user) for source in sources)
    setting = Setting(looks, options.collections.resolve(), options.direct)
    tally = Tally()
    started = time.monotonic()
    if options.replay:
        tally.add([options.replay], setting.play([options.replay]))
    else:
        tally = judge(setting, options.cases, options.seed, options.jobs)
    print(*tally.table(), sep="\n")
    print(f"seed {options.seed}, {time.monotonic() - started:.0f} s")
    for kind, example in tally.examples.items():
        print("", *explain(setting, kind, *example), sep="\n", flush=True)
    return int(tally.failed())


if __name__ == "__main__":
    sys.exit(main())
