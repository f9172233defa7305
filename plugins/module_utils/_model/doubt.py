# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doubt: what speaks against a port that counts as free, or as served. Pure."""

from __future__ import annotations

import typing as t

NAT, EPHEMERAL, NOT_PROBED, SELINUX, FIREWALL, CLAIM = "nat", "ephemeral", "not_probed", "selinux", "firewall", "claim"


class Doubt(t.NamedTuple):
    """Neighbouring ports of one requirement that have the same against them. All text is printable."""

    entry: int
    """The index of the requirement."""
    first: int
    last: int
    kind: str
    reason: str
    """Follows the port and a colon: ``it may go to any outgoing connection``."""
    advice: str | None = None
    """A whole sentence, or several."""
