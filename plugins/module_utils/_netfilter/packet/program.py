# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules as programs: steps that ask for something or do something, one after the other. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import rules
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import (
    Answer,
    Doubt,
    doubt_of,
    narrow,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import Packets
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import Region, minus
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Outcome, Verdict

Notes = t.Any
"""What steps hand each other: the registers of nf_tables; nothing in older tables."""

Fork = t.List[t.Tuple[t.Union[Verdict, Notes], Answer]]
"""The ways that a rule may go on, and for which packets: the first whose doubt turns out well."""

Done = t.Union[Answer, Verdict, Packets, Fork]
"""The packets for which the rule goes on; or how it ends; or what it makes of them."""

Step = t.Callable[[Packets, Notes], Done]

_CONTINUE = Verdict(rules.CONTINUE)


def unknown_end(what: str) -> Fork:
    """It may do anything with a packet, or nothing."""
    return [(Verdict(rules.LOST), Doubt(what, is_understood=False))]


def run(steps: t.Sequence[Step], packets: Packets, region: Region, notes: Notes = None) -> t.Iterator[Outcome]:
    """What a rule does to the packets of a region."""
    return _run(steps, 0, packets, packets, notes, region, region, ())


def _run(
    steps: t.Sequence[Step],
    place: int,
    entered: Packets,
    packets: Packets,
    notes: Notes,
    sure: Region,
    may: Region,
    doubts: tuple[Doubt, ...],
) -> t.Iterator[Outcome]:
    """From the step at *place* on. What a rule has made of packets stays, even if it does not match them then."""
    for here in range(place, len(steps)):
        done = steps[here](packets, notes)
        if done is True:
            continue
        if done is False:
            break
        if isinstance(done, Packets):
            packets = done
            continue
        if isinstance(done, Verdict):
            if done.kind == rules.CONTINUE:
                continue
            yield Outcome(done, packets, sure, may, doubts)
            return
        for way, where in done if isinstance(done, list) else [(_CONTINUE, done)]:
            its_sure, its_may = narrow(where, sure, may)
            if its_may:
                doubt = doubt_of(where)
                known = (*doubts, doubt) if doubt else doubts
                if isinstance(way, Verdict) and way.kind != rules.CONTINUE:
                    yield Outcome(way, packets, its_sure, its_may, known)
                else:
                    left = notes if isinstance(way, Verdict) else way
                    yield from _run(steps, here + 1, entered, packets, left, its_sure, its_may, known)
                sure, may = minus(sure, its_sure), minus(may, its_sure)
        break
    if packets != entered and may:
        yield Outcome(_CONTINUE, packets, sure, may, doubts)
