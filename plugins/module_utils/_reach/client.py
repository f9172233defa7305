# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tries many flows at once: one selector, a bounded number of sockets."""

from __future__ import annotations

import collections
import heapq
import itertools
import selectors
import time
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._reach import names, states
from ansible_collections.preflight.ports.plugins.module_utils._reach.attempt import Attempt, Outcome, attempt
from ansible_collections.preflight.ports.plugins.module_utils._reach.destinations import Destination

AT_ONCE = 256


def reach(destinations: t.Sequence[Destination], token: str, timeout: float) -> list[list[Outcome]]:
    """The outcomes of each destination, one for each address that its name has. *timeout*: seconds for each attempt."""
    found = names.resolve((each.host for each in destinations), timeout)
    outcomes: list[list[Outcome]] = [[] for _count in destinations]
    attempts: list[tuple[int, Attempt]] = []
    for number, each in enumerate(destinations):
        addresses = found[each.host]
        if isinstance(addresses, names.Unresolved):
            outcomes[number].append(Outcome(states.UNRESOLVED, str(addresses)))
            continue
        for family, address in addresses:
            full = (address[0], each.port, *address[2:])
            attempts.append((number, attempt(each.protocol, family, full, token, each.responder is not None)))
    _run((tried for _number, tried in attempts), timeout)
    for number, tried in attempts:
        if tried.outcome:
            outcomes[number].append(tried.outcome)
    return outcomes


def _run(attempts: t.Iterable[Attempt], timeout: float, clock: t.Callable[[], float] = time.monotonic) -> None:
    """Each attempt has an outcome afterwards, and no socket."""
    waiting = collections.deque(attempts)
    room = AT_ONCE
    with selectors.DefaultSelector() as selector:
        running = _Running(selector, timeout)
        while waiting or running.deadlines:
            while waiting and len(running.deadlines) < room:
                each = waiting.popleft()
                try:
                    each.start(clock())
                except OSError as error:
                    if running.deadlines:  # those that run give their sockets back
                        waiting.appendleft(each)
                        room = len(running.deadlines)
                        continue
                    each.end(states.NOT_TESTED, f"this client may open no more sockets ({error.strerror})", clock())
                running.follow(each)
            for each in running.ready(clock()):
                each.turn(clock())
                running.follow(each)
            for each in running.late(clock()):
                each.expire(clock())
                running.follow(each)


class _Running:
    """The attempts that have begun and not ended."""

    def __init__(self, selector: selectors.BaseSelector, timeout: float) -> None:
        self.deadlines: dict[Attempt, float] = {}  # in the order in which they began, so the soonest first
        self._selector, self._timeout = selector, timeout
        self._turns: list[tuple[float, int, Attempt]] = []
        self._planned: dict[Attempt, float] = {}
        self._count = itertools.count()

    def follow(self, each: Attempt) -> None:
        """Wait for what the attempt waits for now, or for nothing any more."""
        if each.outcome or not each.sock:
            if self.deadlines.pop(each, None) and each.sock:
                self._selector.unregister(each.sock)
            self._planned.pop(each, None)
            each.close()
            return
        if each not in self.deadlines:
            self._selector.register(each.sock, each.events, each)
            self.deadlines[each] = each.began + self._timeout
        elif self._selector.get_key(each.sock).events != each.events:
            self._selector.modify(each.sock, each.events, each)
        if each.next_turn is not None and self._planned.get(each) != each.next_turn:
            self._planned[each] = each.next_turn
            heapq.heappush(self._turns, (each.next_turn, next(self._count), each))

    def ready(self, now: float) -> t.Iterator[Attempt]:
        """Those whose socket or whose turn has come; waits for the first."""
        soonest = next(iter(self.deadlines.values()), now)
        if self._turns:
            soonest = min(soonest, self._turns[0][0])
        events = self._selector.select(max(0.0, soonest - now)) if self.deadlines else []
        for key, _events in events:
            yield key.data
        while self._turns and self._turns[0][0] <= now:
            yield heapq.heappop(self._turns)[2]

    def late(self, now: float) -> list[Attempt]:
        return [each for each, deadline in self.deadlines.items() if deadline <= now]
