# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel as judge of what is said about random rule sets."""

from __future__ import annotations

from firewall import judge
from firewall.run import Tally, examine
from firewall.world import World

MOST_UNDECIDED = 0.05


def test_random_rules(pytestconfig):
    first, tally = pytestconfig.getoption("seed"), Tally()
    with World() as world:
        judge.prepare()
        faults = [examine(world, first + number, tally) for number in range(pytestconfig.getoption("cases"))]
    print(tally)
    assert not any(faults), "\n\n".join(filter(None, faults))
    assert tally.undecided() <= MOST_UNDECIDED, str(tally)
