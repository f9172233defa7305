# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import operator

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import rules
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import INPUT, PREROUTING
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import flows_of, region
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Base, Outcome, Verdict
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.walk import TooMuchError, Walk
from support.nftables import packets

CHANCE = Doubt("chance")


class Rule:
    """Does one thing with the packets to some of the ports 80 and 81: 1, 2, or both of these bits."""

    def __init__(self, kind, chain="", ports=3, doubt=None):
        self.verdict, self.ports, self.doubt = Verdict(kind, chain), ports, doubt

    def outcomes(self, packets, parts):
        may = tuple((flows & self.ports, clients) for flows, clients in parts if flows & self.ports)
        if may:
            yield Outcome(self.verdict, packets, () if self.doubt else may, may, (self.doubt,) if self.doubt else ())


def base(*rules, priority=0, drops=False, **others):
    chains = {"base": rules, **others}
    return Base("nft", "ip t", "base", INPUT, priority, (4,), lambda name: chains.get(name, ()), drops=drops)


ACCEPT, DROP, RETURN = Rule(rules.ACCEPT), Rule(rules.DROP), Rule(rules.RETURN)
DROP_80, MAY_DROP_80, LOSE = Rule(rules.DROP, ports=1), Rule(rules.DROP, ports=1, doubt=CHANCE), Rule(rules.LOST)
JUMP, GOTO = Rule(rules.JUMP, "a"), Rule(rules.GOTO, "a")


@pytest.mark.parametrize(
    ("bases", "passed", "dropped"),
    [
        pytest.param([], 3, 0, id="nothing"),
        pytest.param([base()], 3, 0, id="no rules"),
        pytest.param([base(drops=True)], 0, 3, id="policy"),
        pytest.param([base(ACCEPT, DROP)], 3, 0, id="accept ends a chain"),
        pytest.param([base(ACCEPT), base(DROP, priority=1)], 0, 3, id="but not the next one"),
        pytest.param([base(DROP), base(ACCEPT, priority=-1)], 0, 3, id="a drop is final"),
        pytest.param([base(DROP_80)], 2, 1, id="some"),
        pytest.param([base(MAY_DROP_80)], 3, 1, id="perhaps"),
        pytest.param([base(MAY_DROP_80, DROP)], 0, 3, id="perhaps, otherwise surely"),
        pytest.param([base(RETURN, DROP)], 3, 0, id="return from the base chain"),
        pytest.param([base(RETURN, drops=True)], 0, 3, id="return to the policy"),
        pytest.param([base(JUMP, DROP, a=(RETURN,))], 0, 3, id="jump and return"),
        pytest.param([base(JUMP, DROP, a=(ACCEPT,))], 3, 0, id="jump and accept"),
        pytest.param([base(GOTO, DROP, a=(RETURN,))], 3, 0, id="goto and return"),
        pytest.param([base(GOTO, drops=True)], 0, 3, id="goto and policy"),
    ],
)
def test_fates(bases, passed, dropped):
    walk, sent = Walk(bases, 100), packets(ports=(80, 81), hook=PREROUTING)
    streams = walk.past(INPUT, {sent: region(3)})
    through = [flows_of(parts) for parts in streams.values()]
    stopped = functools.reduce(operator.or_, (flows_of(parts) for _packets, parts, _way in walk.dropped), 0)
    assert (sum(through), stopped) == (passed, dropped)


def test_ways():
    walk = Walk([base(Rule(rules.JUMP, "a"), a=(DROP_80, DROP))], 100)
    walk.past(INPUT, {packets(ports=(80, 81)): region(3)})
    assert [(way.chains, [place for place, _rule in way.passed]) for _packets, _parts, way in walk.dropped] == [
        (("base", "a"), [0, 0]), (("base", "a"), [0, 1]),
    ]  # fmt: skip


def test_what_nobody_knows():
    walk = Walk([base(LOSE)], 100)
    assert walk.past(INPUT, {packets(ports=(80, 81)): region(3)}) == {}
    assert [parts for _packets, parts, _doubts in walk.lost] == [region(3)]


def test_steps_are_bounded():
    with pytest.raises(TooMuchError):
        Walk([base(*[MAY_DROP_80] * 11)], 10).past(INPUT, {packets(ports=(80, 81)): region(3)})


def test_circles():
    with pytest.raises(SourceError, match="circle"):
        Walk([base(JUMP, a=(JUMP,))], 1000).past(INPUT, {packets(ports=(80, 81)): region(3)})
