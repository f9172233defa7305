# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packets on their way past base chains, with all that may become of them. Pure."""

from __future__ import annotations

import functools
import itertools
import time
import typing as t

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
    Packets,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import (
    NOTHING,
    Region,
    join,
    meet,
    minus,
)

Streams = t.Dict[Packets, Region]
"""Packets, by what rules have made of them. Where that depends on something, a packet is in several."""
_Parts = t.List[t.Tuple[Packets, Region]]

_CONNECTION_TRACKING = -200  # NF_IP_PRI_CONNTRACK
_NAT_PRIORITIES = {PREROUTING: -100, OUTPUT: -100, INPUT: 100}  # the kernel calls all of them there, one by one
_MOST_SECONDS = 6.0  # of processor time
_DEEPEST = 16  # NFT_JUMP_STACK_SIZE
_MOST_ORDERS = 6
_ORDER = Doubt("the order of chains with one priority", is_understood=False)


class TooMuchError(SourceError):
    """More rules than there is time for."""


def deadline() -> float:
    """Of walks that have their time together."""
    return time.process_time() + _MOST_SECONDS


class Way(t.NamedTuple):
    """How packets came to where something became of them."""

    base: rules.Base
    chains: tuple[str, ...]
    passed: tuple[tuple[int, rules.Rule], ...]
    """Of each of *chains* the rule that led on or decided, with its place; none of the last if its policy decided."""


class Sent(t.NamedTuple):
    """Packets that a NAT rule sends elsewhere."""

    packets: Packets
    region: Region
    target: rules.Target | None
    way: Way
    doubts: tuple[Doubt, ...]


class Walk:
    """Past the base chains of a host, and what became of packets there, besides that they went on."""

    def __init__(self, bases: t.Iterable[rules.Base], steps: int, end: float | None = None) -> None:
        """*bases* all see the packets' version of IP; *steps*: how often a rule may be asked; *end*: a deadline()."""
        self._bases = sorted(bases, key=lambda base: (_priority(base), base.priority))
        self._steps_left = steps
        self._end = deadline() if end is None else end
        self.dropped: list[tuple[Packets, Region, Way]] = []
        self.sent: list[Sent] = []
        self.lost: list[tuple[Packets, Region, tuple[Doubt, ...]]] = []
        """Nobody knows what became of these."""
        self.doubts: list[tuple[Packets, Region, tuple[Doubt, ...]]] = []
        """What it depended on, wherever something did."""

    def spend(self, steps: int) -> None:
        """Root bounds what the rules of others cost. Raises TooMuchError."""
        self._steps_left -= steps
        if self._steps_left < 0 or time.process_time() > self._end:
            raise TooMuchError("more rules than there is time for")

    def past(self, hook: int, streams: Streams, is_sent_on: bool = False) -> Streams:
        """What comes out behind all chains of a hook, or behind those after NAT. Raises SourceError."""
        for priority, equals in itertools.groupby(self._bases, _priority):
            called = [base for base in equals if base.hook == hook and (base.drops or base.chain(base.name))]
            if called and not (is_sent_on and priority <= _NAT_PRIORITIES[hook]):
                streams = merged((_seen_at(packets, hook, priority), region) for packets, region in streams.items())
                streams = self._past_equals(called, streams)
        return streams

    def _past_equals(self, bases: t.Sequence[rules.Base], streams: Streams) -> Streams:
        """Past chains of one priority. The kernel does not tell their order, but for that of NAT among themselves."""
        steps = [functools.partial(self._past_base, base) for base in bases if not base.is_nat]
        nat = [base for base in bases if base.is_nat]
        return self._past_all([*steps, functools.partial(self._past_nat, nat)] if nat else steps, streams)

    def _past_nat(self, bases: t.Sequence[rules.Base], streams: Streams) -> Streams:
        """The first chain that sets a destination, even to what it is, is the last that is asked.

        What is not tracked stays as it is: nf_nat_inet_fn() of the kernel's net/netfilter/nf_nat_core.c.
        """
        untracked = {packets: region for packets, region in streams.items() if packets.tracking != NEW}
        streams = {packets: region for packets, region in streams.items() if packets.tracking == NEW}
        for _priority, equals in itertools.groupby(bases, lambda base: base.priority):
            streams = self._past_all([functools.partial(self._past_base, base) for base in equals], streams)
        return {**streams, **untracked}

    def _past_all(self, steps: t.Sequence[t.Callable[[Streams], Streams]], streams: Streams) -> Streams:
        """In any order, if that may make a difference, because one step does more than drop packets."""
        through, count, are_changed = streams, len(self.sent), False
        for step in steps:
            before, through = through, step(through)
            are_changed = are_changed or not set(through) <= set(before) or len(self.sent) > count
        if len(steps) > 1 and are_changed:
            for order in itertools.islice(itertools.permutations(steps), 1, _MOST_ORDERS):
                other = functools.reduce(lambda left, step: step(left), order, streams)
                through = merged([*through.items(), *other.items()])
            self.doubts += [(packets, region, (_ORDER,)) for packets, region in streams.items()]
        return through

    def _past_base(self, base: rules.Base, streams: Streams) -> Streams:
        accepted: _Parts = []
        if base.devices is not None:
            others, streams = streams, {}
            for packets, region in others.items():
                sure, may = packets.flows.by_devices(base.devices)
                streams[packets] = meet(region, may)
                accepted.append((packets, minus(region, sure)))
        back = self._follow(Way(base, (base.name,), ()), streams, accepted)
        if not base.drops:
            return merged([*accepted, *back.items()])
        self.dropped += [(packets, region, Way(base, (base.name,), ())) for packets, region in back.items()]
        return merged(accepted)

    def _follow(self, way: Way, streams: Streams, accepted: _Parts) -> Streams:
        """What comes back out of the last chain of the *way*."""
        if len(way.chains) > _DEEPEST:
            raise SourceError(f"the chains of {way.base.table} run in a circle: {' > '.join(way.chains)}")
        back: _Parts = []
        for place, rule in enumerate(way.base.chain(way.chains[-1])):
            if not streams:
                break
            self.spend(len(streams))
            onward: _Parts = []
            is_seen = False
            for packets, region in streams.items():
                for outcome in rule.outcomes(packets, region):
                    is_seen = True
                    region = minus(region, outcome.sure)
                    if outcome.doubts:
                        self.doubts.append((packets, minus(outcome.may, outcome.sure), outcome.doubts))
                    self._apply(outcome, way._replace(passed=(*way.passed, (place, rule))), onward, back, accepted)
                onward.append((packets, region))
            if is_seen:
                streams = merged(onward)
        return merged([*streams.items(), *back])

    def _apply(self, outcome: rules.Outcome, way: Way, onward: _Parts, back: _Parts, accepted: _Parts) -> None:
        verdict, packets, region = outcome.verdict, outcome.packets, outcome.may
        if verdict.kind in (rules.JUMP, rules.GOTO):
            further = way._replace(chains=(*way.chains, verdict.chain))
            left = self._follow(further, {packets: region}, accepted)
            (onward if verdict.kind == rules.JUMP else back).extend(left.items())
        elif verdict.kind == rules.DROP:
            self.dropped.append((packets, region, way))
        elif verdict.kind == rules.NAT:
            self.sent.append(Sent(packets, region, verdict.target, way, outcome.doubts))
        elif verdict.kind == rules.LOST:
            self.lost.append((packets, region, outcome.doubts))
        else:
            {rules.CONTINUE: onward, rules.RETURN: back, rules.ACCEPT: accepted}[verdict.kind].append((packets, region))


def merged(parts: t.Iterable[tuple[Packets, Region]]) -> Streams:
    found: Streams = {}
    for packets, region in parts:
        if region:
            found[packets] = join(found.get(packets, NOTHING), region)
    return found


def _priority(base: rules.Base) -> int:
    return _NAT_PRIORITIES.get(base.hook, base.priority) if base.is_nat else base.priority


def _seen_at(packets: Packets, hook: int, priority: int) -> Packets:
    """Connections are tracked from prerouting on, or from output."""
    is_early = hook == INGRESS or (hook in (PREROUTING, OUTPUT) and priority <= _CONNECTION_TRACKING)
    is_new = packets.tracking == NOT_YET and not is_early
    return packets._replace(hook=hook, tracking=NEW if is_new else packets.tracking)
