# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the expressions of an nf_tables rule hand each other. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import (
    Unknown,
    Value,
    cut,
    joined,
    size_of,
)

UNSET = Doubt("a value that is not understood", is_understood=False)


class Registers:
    """64 bytes, by the place where each value in them begins."""

    def __init__(self, values: t.Mapping[int, Value] | None = None) -> None:
        self._values = dict(values or {})

    def copy(self) -> Registers:
        return Registers(self._values)

    def store(self, at: int, value: Value) -> None:
        """The kernel fills up the last four bytes, so that values that are put together can be compared."""
        size = size_of(value)
        end = at + size + -size % 4
        for place, other in list(self._values.items()):
            if place < end and at < place + size_of(other):
                del self._values[place]
        self._values[at] = value

    def read(self, at: int, size: int) -> Value:
        """Zeros behind a value that does not end at a multiple of four."""
        whole = self._values.get(at)
        if whole is not None and size_of(whole) == size:
            return whole
        found: list[Value] = []
        end = at + size
        while at < end:
            begin, value = next(
                (item for item in self._values.items() if item[0] <= at < item[0] + _filled(item[1])), (at, None)
            )
            if value is None:
                found.append(Unknown(UNSET, end - at))
                break
            known = min(begin + size_of(value), end) - at
            found.append(cut(value, at - begin, known) if known > 0 else b"")
            at += max(known, 0)
            filling = min(begin + _filled(value), end) - at
            found.append(bytes(filling))
            at += filling
        return joined(part for part in found if size_of(part))


def _filled(value: Value) -> int:
    size = size_of(value)
    return size + -size % 4
