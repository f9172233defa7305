# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Claim: who will take a port when something starts, or at the next boot. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.pattern import Pattern


class Claim(t.NamedTuple):
    """Ports that somebody will take. All text is printable."""

    protocol: str
    address: str | None
    """None for all."""
    first: int
    last: int
    field: str
    """What ``held_by`` patterns call the claimant: ``unit`` or ``container``."""
    name: str
    reason: str
    """Follows the port and a colon."""
    remedy: str
    """What keeps the claimant from the port, without a full stop."""
    unit: str | None = None
    """The one that runs a container."""

    def is_allowed(self, held_by: t.Iterable[Pattern]) -> bool:
        """Whether ``held_by`` names the claimant."""
        unit = self.name if self.field == "unit" else self.unit
        names = {self.field: [self.name], "unit": [unit, unit.rpartition(".")[0]] if unit else []}
        return any(pattern.matches(names) for pattern in held_by)
