# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""firewalld and ufw with random settings: what is said about them, beside what becomes of packets."""

from __future__ import annotations

import contextlib
import random
from typing import Callable, ContextManager, Iterator

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.passage import UNKNOWN
from firewall import judge, settings
from firewall.world import World, run
from support.firewalls import Firewalld, ufw

QUESTIONS = 4  # times nine
MOST_UNKNOWN = 0.02


@contextlib.contextmanager
def firewalld(dice: random.Random) -> Iterator[list[str]]:
    """The calls that it took; it refuses what contradicts others."""
    with Firewalld() as firewall:
        taken = []
        for call in settings.firewalld(dice):
            with contextlib.suppress(AssertionError):
                firewall(*call)
                taken.append(" ".join(call))
        yield taken


@contextlib.contextmanager
def uncomplicated(dice: random.Random) -> Iterator[list[str]]:
    commands = list(settings.ufw(dice))
    ufw(*(f"{command} || true" for command in commands))
    yield commands


@pytest.mark.parametrize("tool", [firewalld, uncomplicated], ids=["firewalld", "ufw"])
def test_random_settings(tool: Callable[[random.Random], ContextManager[list[str]]], pytestconfig):
    first, count = pytestconfig.getoption("seed"), max(1, pytestconfig.getoption("cases") // 20)
    faults, unknown, asked = [], 0, 0
    for seed in range(first, first + count):
        dice = random.Random(f"settings {seed}")
        with World() as world, tool(dice) as done:
            questions = [each for _unused in range(QUESTIONS) for each in judge.questions(dice)]
            answers = judge.answers(world, questions)
            rules = run("nft", "list", "ruleset").stdout
        wrong = [answer for answer in answers if answer.is_wrong]
        if wrong:
            faults.append("\n".join([f"seed {seed}", *done, *map(str, wrong), rules if count == 1 else ""]))
        unknown += sum(answer.passage.verdict == UNKNOWN for answer in answers)
        asked += len(answers)
    assert not faults, "\n\n".join(faults)
    assert unknown <= MOST_UNKNOWN * asked, f"{unknown} of {asked} unknown"
