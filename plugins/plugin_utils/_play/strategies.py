# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The strategy of a play: whether its hosts wait for each other after each task."""

from __future__ import annotations

import typing as t

_IN_STEP = ("linear", "debug")


def strategy_of(task: t.Any) -> str:
    """Of the play that the *task* is in."""
    block = task._parent
    while block is not None and getattr(block, "_play", None) is None:
        block = getattr(block, "_parent", None)
    return str(getattr(getattr(block, "_play", None), "strategy", "linear"))


def keeps_step(strategy: str) -> bool:
    """Those of others have the name of the one that they follow at the end, as in ``mitogen_linear``."""
    return strategy.endswith(_IN_STEP)
