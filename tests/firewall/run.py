# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random rule sets, as many as wanted: what is said about packets, beside what the kernel does with them."""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter

from ansible_collections.preflight.ports.plugins.module_utils._model.passage import LIMITED, UNKNOWN
from firewall import judge
from firewall.generator import rule_set
from firewall.rule_sets import flush, text
from firewall.world import World


class Tally:
    """How many answers there were of each kind."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, bool, str]] = Counter()

    def add(self, kind: str, answer: judge.Answer) -> None:
        self.answers[kind, bool(answer.question.clients), answer.passage.verdict] += 1

    def undecided(self) -> float:
        """The share of those about one client that are neither open nor blocked."""
        one = {key: count for key, count in self.answers.items() if key[1]}
        undecided = sum(count for (_kind, _one, verdict), count in one.items() if verdict in (LIMITED, UNKNOWN))
        return undecided / max(1, sum(one.values()))

    def __str__(self) -> str:
        lines = []
        for kind in sorted({kind for kind, _one, _verdict in self.answers}):
            for is_one, who in ((True, "one client"), (False, "any client")):
                found = {v: n for (k, one, v), n in sorted(self.answers.items()) if (k, one) == (kind, is_one)}
                lines.append(f"{kind:16} {who:11} " + ", ".join(f"{count} {each}" for each, count in found.items()))
        return "\n".join([*lines, f"{sum(self.answers.values())} answers, {self.undecided():.1%} undecided"])


def examine(world: World, seed: int, tally: Tally) -> str:
    """What is wrong with the answers about one rule set; empty if nothing is."""
    kind, wanted = rule_set(seed)
    for tool in ("nft", "iptables-legacy", "ip6tables-legacy"):
        flush(tool)
    loaded = judge.load(wanted)
    asked = judge.questions(random.Random(seed))
    answers = judge.answers(world, asked)
    for answer in answers:
        tally.add(kind, answer)
    wrong = [answer for answer in answers if answer.is_wrong]
    if wrong:  # a packet that is late is no fault
        smallest, wrong = judge.shrunk(world, loaded, [answer.question for answer in wrong])
    if not wrong:
        return ""
    return "\n".join([f"seed {seed}, {kind}", text(smallest), *map(str, wrong)])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=1000, help="how many questions")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tally, faults, seed = Tally(), 0, options.seed
    with World() as world:
        judge.prepare()
        while sum(tally.answers.values()) < options.cases:
            fault = examine(world, seed, tally)
            if fault:
                faults += 1
                print(fault, flush=True)
            seed += 1
    print(tally, f"{faults} wrong", sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
