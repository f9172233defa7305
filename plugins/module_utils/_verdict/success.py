# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request that is met, in one sentence. Pure."""

from __future__ import annotations

from ansible_collections.preflight.ports.plugins.module_utils._model.text import joined


def all_are(what: str, wanted: int) -> str:
    """One sentence for a request of *wanted* ports that is met."""
    if not wanted:
        return "No ports are required."
    return f"The required port is {what}." if wanted == 1 else f"All {wanted} required ports are {what}."


def success(wanted: int, held: int, listening: int) -> str:
    """One sentence for a request of *wanted* ports that is met."""
    counts = {"free": wanted - held - listening, "listening": listening, "held by whom held_by allows": held}
    present = {what: count for what, count in counts.items() if count}
    if len(present) < 2:
        return all_are("".join(present), wanted)
    return all_are(f"as required: {joined([f'{count} {what}' for what, count in present.items()])}", wanted)
