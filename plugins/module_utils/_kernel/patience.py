# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long other users may let this module wait in vain, all together."""

from __future__ import annotations

import time

_SECONDS = 6.0
_LEAST_SECONDS = 0.2  # what usually takes less is still worth a try


class Patience:
    """It is lost with each wait that came to nothing, so that asking again and again does not add up."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._left = seconds
        self.was_tried = False
        """Whether a wait came to nothing."""

    def at_most(self, seconds: float) -> float:
        """The *seconds*, or fewer."""
        return min(seconds, max(self._left, _LEAST_SECONDS))

    def lose(self, seconds: float) -> None:
        self._left -= seconds
        self.was_tried = True


class Deadline:
    """The end of a walk over what other users may make as long as they like."""

    def __init__(self, seconds: float, patience: Patience) -> None:
        self._patience, self._began = patience, time.monotonic()
        self._end = self._began + patience.at_most(seconds)

    def check(self) -> None:
        """Raises TimeoutError when it is over, and takes the time from all further walks."""
        now = time.monotonic()
        if now > self._end:
            self._patience.lose(now - self._began)
            raise TimeoutError


PATIENCE = Patience()
