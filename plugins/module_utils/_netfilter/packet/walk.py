# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where chains of NAT rules send a packet, pure: every end that it may come to."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import rules

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.targets import Server


Comments = t.Tuple[rules.Comment, ...]


class Way(t.NamedTuple):
    """How a packet came to a rule that changes its destination."""

    base: rules.Base
    chains: tuple[str, ...]
    comments: Comments
    target: rules.Target | None


class Ends:
    """Every end that a packet may come to."""

    def __init__(self) -> None:
        self.arrives = False
        """It may go where it was sent."""
        self.ways: list[Way] = []
        """It may go elsewhere."""
        self.doubts: list[str] = []
        """What it depends on, if there are several ends."""
        self.named_ports: set[int] = set()
        """The ports that the rules on its way name."""

    def are_for_some(self, who: str) -> None:
        """Others' packets arrive."""
        self.doubts = [who, *(self.doubts if self.arrives else ())]
        self.arrives = True


_GOES_ON = frozenset((rules.RETURN, rules.ACCEPT))
_ARRIVES, _ELSEWHERE = "arrives", "elsewhere"


def walk(bases: t.Iterable[rules.Base], packet: rules.Packet, server: Server) -> Ends:
    """Every end. Raises SourceError, NeedsPortError.

    The first base chain that changes the destination, even to what it is, is the last that is asked. Which of several
    with one priority is the first, the kernel does not tell.
    """
    ends = Ends()
    called = sorted((base for base in bases if base.sees(packet)), key=_priority_of)
    for _priority, equals in itertools.groupby(called, _priority_of):
        deciding = 0
        for base in equals:
            leaving = _Walk(base, packet, server, ends).follow((base.name,), ())
            ends.arrives = ends.arrives or _ARRIVES in leaving
            deciding += _GOES_ON.isdisjoint(leaving)
        if deciding > 1:
            ends.doubts.append("the order of chains with one priority")
        if deciding:
            return ends
    ends.arrives = True
    return ends


def _priority_of(base: rules.Base) -> int:
    return base.priority


class _Walk:
    """Through one table."""

    def __init__(self, base: rules.Base, packet: rules.Packet, server: Server, ends: Ends) -> None:
        self._base = base
        self._packet = packet
        self._server = server
        self._ends = ends
        self._known: dict[str, frozenset[str]] = {}

    def follow(self, chains: tuple[str, ...], comments: Comments) -> frozenset[str]:
        """How the packet may leave the last of *chains*."""
        name = chains[-1]
        if name not in self._known:
            if name in chains[:-1]:
                raise SourceError(f"the chains of {self._base.table} run in a circle: {' > '.join(chains)}")
            self._known[name] = frozenset(self._leaving(chains, comments))
        return self._known[name]

    def _leaving(self, chains: tuple[str, ...], comments: Comments) -> t.Iterator[str]:
        chain = self._base.chain(chains[-1])
        self._ends.named_ports.update(chain.by_port)
        for rule in chain.concerning(self._packet.port):
            goes_on = False
            for verdict, doubts, comment in rule(self._packet):
                leaving = self._apply(verdict, chains, (*comments, comment))
                if verdict.kind in (rules.JUMP, rules.CONTINUE):
                    goes_on = goes_on or rules.RETURN in leaving
                    leaving -= {rules.RETURN}
                if leaving:
                    yield from leaving
                    self._ends.doubts += doubts
                if not doubts:
                    if not goes_on:
                        return
                    break
        yield rules.RETURN

    def _apply(self, verdict: rules.Verdict, chains: tuple[str, ...], comments: Comments) -> frozenset[str]:
        if verdict.kind in (rules.JUMP, rules.GOTO):
            return self.follow((*chains, verdict.chain), comments)
        if verdict.kind in (rules.RETURN, rules.CONTINUE):
            return frozenset((rules.RETURN,))
        if verdict.kind == rules.ACCEPT:
            return frozenset((rules.ACCEPT,))
        if verdict.kind == rules.DROP:
            return frozenset((_ARRIVES,))  # or nowhere: that is what firewalls do, and no redirect
        kept = self._server.gets(self._packet, verdict.target)
        if kept is not True:
            self._ends.ways.append(Way(self._base, chains, comments, verdict.target))
        if isinstance(kept, str):
            self._ends.doubts.append(kept)
            return frozenset((_ARRIVES, _ELSEWHERE))
        return frozenset((_ARRIVES if kept else _ELSEWHERE,))
