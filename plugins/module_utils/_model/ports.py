# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Neighbouring ports as one: ``8080`` or ``9000-9002``. Pure."""

from __future__ import annotations

import typing as t


def runs(ports: t.Iterable[int]) -> list[tuple[int, int]]:
    """(first, last) of each run of neighbours among sorted *ports*."""
    found: list[tuple[int, int]] = []
    for port in ports:
        if found and port == found[-1][1] + 1:
            found[-1] = (found[-1][0], port)
        else:
            found.append((port, port))
    return found


def span(port: int | str) -> range:
    """``8080`` and ``9000-9002`` as ranges. Raises ValueError."""
    first, dash, last = str(port)[:12].partition("-")
    if isinstance(port, bool) or not (first.isdecimal() and first.isascii()):
        raise ValueError("no port")
    return range(int(first), int(last if dash else first) + 1)


def shown(first: int, last: int) -> int | str:
    """As results have it."""
    return first if first == last else f"{first}-{last}"
