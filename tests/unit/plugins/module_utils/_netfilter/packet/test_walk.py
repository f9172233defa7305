# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import functools
import operator

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import rules
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import (
    INGRESS,
    INPUT,
    NEW,
    NOT_YET,
    OUTPUT,
    PREROUTING,
    UNTRACKED,
)
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


class Marks:
    """Does what a rule does that marks packets and goes on."""

    def __init__(self, mark):
        self.mark = mark

    def outcomes(self, packets, parts):
        yield Outcome(Verdict(rules.CONTINUE), packets._replace(mark=self.mark), parts, parts)


class Asks:
    """Drops what has a mark."""

    def __init__(self, mark):
        self.mark = mark

    def outcomes(self, packets, parts):
        if packets.mark == self.mark:
            yield Outcome(Verdict(rules.DROP), packets, parts, parts)


@pytest.mark.parametrize(
    ("bases", "passed", "dropped", "is_in_doubt"),
    [
        pytest.param([base(Marks(b"a")), base(Asks(b"a"))], True, True, True, id="order decides"),
        pytest.param([base(Asks(b"a")), base(Marks(b"a"))], True, True, True, id="whichever comes first"),
        pytest.param([base(Marks(b"a")), base(Asks(b"a"), priority=1)], False, True, False, id="order is known"),
        pytest.param([base(Marks(b"a")), base(Asks(b"a"), priority=-1)], True, False, False, id="other order"),
        pytest.param([base(DROP_80), base(Asks(b"a"))], True, True, False, id="drops alone have no order"),
    ],
)
def test_the_order_of_chains_with_one_priority(bases, passed, dropped, is_in_doubt):
    walk = Walk(bases, 1000)
    streams = walk.past(INPUT, {packets(ports=(80, 81)): region(3)})
    assert (any(streams.values()), bool(walk.dropped)) == (passed, dropped)
    doubts = [doubt.what for _packets, _parts, doubts in walk.doubts for doubt in doubts]
    assert doubts == (["the order of chains with one priority"] if is_in_doubt else [])


class Nat:
    def outcomes(self, packets, parts):
        yield Outcome(Verdict(rules.NAT), packets, parts, parts)


@pytest.mark.parametrize(
    ("hook", "priority", "is_early"),
    [
        (PREROUTING, -201, True),
        (PREROUTING, -200, True),
        (PREROUTING, -199, False),
        (OUTPUT, -200, True),
        (OUTPUT, -100, False),
        (INGRESS, 0, True),
        (INPUT, -300, False),
    ],
)
def test_connections_are_tracked_from_prerouting_on(hook, priority, is_early):
    seen = []

    class Looks:
        def outcomes(self, packets, parts):
            seen.append((packets.tracking, packets.hook))
            return []

    chain = base(Looks(), priority=priority)._replace(hook=hook)
    Walk([chain], 100).past(hook, {packets(ports=(80, 81), tracking=NOT_YET): region(3)})
    assert seen == [(NOT_YET if is_early else NEW, hook)]


@pytest.mark.parametrize(("tracking", "is_sent"), [(NOT_YET, True), (NEW, True), (UNTRACKED, False)])
def test_what_is_not_tracked_is_not_sent_elsewhere(tracking, is_sent):
    chain = base(Nat())._replace(hook=PREROUTING, is_nat=True)
    walk = Walk([chain], 100)
    streams = walk.past(PREROUTING, {packets(ports=(80, 81), tracking=tracking): region(3)})
    assert (bool(walk.sent), bool(streams)) == (is_sent, not is_sent)


def test_only_chains_behind_nat_see_what_was_sent_on():
    early, late = (base(DROP, priority=each)._replace(hook=PREROUTING) for each in (-100, -99))
    for chain, is_seen in ((early, False), (late, True)):
        walk = Walk([chain], 100)
        walk.past(PREROUTING, {packets(ports=(80, 81)): region(3)}, is_sent_on=True)
        assert bool(walk.dropped) is is_seen


@pytest.mark.parametrize(
    ("devices", "passed", "dropped"), [({"wan0"}, 0, 3), ({"lan0"}, 3, 0), ({"wan0", "lan0"}, 0, 3), (set(), 3, 0)]
)
def test_chains_of_devices(devices, passed, dropped):
    walk = Walk([base(DROP)._replace(devices=frozenset(devices))], 100)
    streams = walk.past(INPUT, {packets(ports=(80, 81)): region(3)})
    assert sum(flows_of(parts) for parts in streams.values()) == passed
    assert sum(flows_of(parts) for _packets, parts, _way in walk.dropped) == dropped


@pytest.mark.parametrize(("depth", "is_circle"), [(16, False), (17, True)])
def test_how_deep_chains_may_lead(depth, is_circle):
    others = {str(place): (Rule(rules.JUMP, str(place + 1)),) for place in range(1, depth - 1)}
    chain = base(Rule(rules.JUMP, "1"), **others)
    walk = Walk([chain], 1000)
    with pytest.raises(SourceError) if is_circle else contextlib.nullcontext():
        walk.past(INPUT, {packets(ports=(80, 81)): region(3)})
