# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole socket table with its holders, for those who want to see it."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._holders import census
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Holder, holder_of
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    EVERY_STATE,
    LAST_PORT,
    TCP,
    Socket,
)
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import Source


class Filter(t.NamedTuple):
    """Which sockets to list."""

    ports: t.Sequence[range]
    """All if empty."""
    protocols: t.Collection[str]
    states: frozenset[str]

    def passes(self, held: Socket) -> bool:
        in_ports = not self.ports or any(held.port in ports for ports in self.ports)
        return in_ports and held.state in self.states


def take(wanted: Filter, source: Source) -> list[tuple[Socket, Holder]]:
    """The sockets that pass, each with its holder, by protocol, port and address. Raises SourceError."""
    sockets = [held for protocol in sorted(set(wanted.protocols)) for held in _read(protocol, wanted, source)]
    known = census.take(sockets)
    sockets.sort(key=lambda held: (held.protocol, held.port, len(held.endpoint.address), held.endpoint.address))
    return [(held, holder_of(held, known)) for held in sockets]


def _read(protocol: str, wanted: Filter, source: Source) -> list[Socket]:
    first = min((ports.start for ports in wanted.ports), default=1)
    last = max((ports.stop - 1 for ports in wanted.ports), default=LAST_PORT)
    sockets = source.read(protocol, first, last, wanted.states)
    if protocol == TCP and BOUND in wanted.states and source.find_bound:
        listed = {held.inode for held in source.read(TCP, 1, LAST_PORT, EVERY_STATE)}
        sockets += filter(_has_its_port, filter(wanted.passes, source.find_bound(listed).sockets))
    return [held for held in sockets if wanted.passes(held)]


def _has_its_port(held: Socket) -> bool:
    """Whether the kernel keeps the port for it. One that was reset tells its port even if anybody may bind that now."""
    # Only now: on a target, each import costs time in each task.
    from ansible_collections.preflight.ports.plugins.module_utils._kernel import bind
    from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question

    try:
        return bool(held.endpoint.vrf) or bind.probe(Question(TCP, held.endpoint, held.port)) != bind.FREE
    except bind.ProbeError:
        return True
