# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oracle over more than a thousand cases; and the oracle itself: it fails when the module is broken."""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path
from typing import Callable

import pytest
from oracle.compare import DOCUMENTED, Look
from oracle.run import COLLECTIONS, EVERY_LOOK, Setting, Tally, explain, judge

SETTING = Setting(EVERY_LOOK, COLLECTIONS)
CASES = 1000
SEED = 20260101

# What is added at the end of a module_utils file, and the kind of error it has to show as.
BREAKAGES: dict[str, tuple[str, str, str]] = {
    "the probe says free": ("_kernel/bind", "def probe(_question): return FREE", "wrong free"),
    "only equal addresses overlap": (
        "_model/overlap",
        "def overlap(wanted, held): return wanted.address == held.address",
        "wrong state",
    ),
    "no SO_REUSEADDR": (
        "_kernel/bind",
        "_by_options = _bind\ndef _bind(question, port, reuse_address=False): return _by_options(question, port)",
        "wrong taken",
    ),
    "whoever listens is allowed": (
        "_verdict/served",
        "def _strangers(_requirement, _holders): return ()",
        "wrong listening",
    ),
    "an address that may come later is missed": (
        "_kernel/bind",
        "_asked = _socket\ndef _socket(question): return _asked(question._replace(may_come_later=False))",
        "wrong taken",
    ),
    "the youngest process counts": (
        "_model/holder",
        "class Process(Process): pass\n_true = holder_of\n"
        "def holder_of(held, census): return _true(held, census._replace("
        "processes={pid: it._replace(started=-(it.started or 0.0)) for pid, it in census.processes.items()}))",
        "wrong holder",
    ),
}

if os.geteuid() == 0:  # only root may make policies
    BREAKAGES["a policy does not count"] = (
        "_kernel/bind",
        "_asked = probe\ndef probe(question): return _asked(question).replace(REFUSED, FREE)",
        "wrong free",
    )


@pytest.fixture(scope="module")
def tally() -> Tally:
    return judge(SETTING, CASES, SEED, os.cpu_count() or 1)


@pytest.fixture(scope="module")
def explained(tally: Tally) -> Callable[[str], str]:
    """Kind -> the first case of it under any look, which takes a while to shrink."""
    return functools.lru_cache(lambda kind: "\n".join(explain(SETTING, kind, *tally.examples[kind])))


@pytest.mark.parametrize("look", EVERY_LOOK, ids=str)
def test_the_module_says_what_the_kernel_says(tally: Tally, explained: Callable[[str], str], look: Look) -> None:
    assert tally.cases[str(look)] >= CASES
    wrong = [kind for kind in tally.kinds[str(look)] if kind not in DOCUMENTED]
    assert not wrong, "\n".join(map(explained, wrong))


def test_the_truth_held_still(tally: Tally) -> None:
    assert not tally.unsteady()


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_module_is_caught(breakage: str, tmp_path: Path) -> None:
    part, code, kind = BREAKAGES[breakage]
    broken = tmp_path / "ansible_collections/preflight/ports/plugins"
    shutil.copytree(COLLECTIONS / "ansible_collections/preflight/ports/plugins", broken)
    with (broken / f"module_utils/{part}.py").open("a") as file:
        file.write(f"\n\n{code}\n")
    tally = judge(Setting((Look("netlink"),), tmp_path, direct=True), cases=1, seed=SEED, jobs=1)
    assert kind in tally.examples
