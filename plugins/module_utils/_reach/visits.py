# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who came how far. Pure."""

from __future__ import annotations

import typing as t

ARRIVED, PASSED, ASKED, FINISHED = range(4)
"""The packet reached this host; it passed the firewall of this host; the responder read a question with the token; data
of full size came, too."""
STAGES = ("arrived", "passed", "asked", "finished")
MOST = 50000
"""How many flows are remembered at most."""


class Visit(t.NamedTuple):
    """One flow, as this host sees it."""

    protocol: str
    source: str
    source_port: int
    destination: str
    port: int


class Visits:
    """The furthest stage of each flow, in bounded memory."""

    def __init__(self) -> None:
        self.stages: dict[Visit, int] = {}
        self.forgotten = 0

    def note(self, visit: Visit, stage: int) -> None:
        known = self.stages.get(visit)
        if known is None and len(self.stages) >= MOST:
            self.forgotten += 1
        elif known is None or known < stage:
            self.stages[visit] = stage

    def rows(self, brief: bool) -> list[dict[str, t.Any]]:
        """*brief*: without those that came through."""
        return [
            {**visit._asdict(), "stage": STAGES[stage]}
            for visit, stage in self.stages.items()
            if not (brief and stage == FINISHED)
        ]
