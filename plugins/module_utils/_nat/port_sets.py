# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sets and maps of nf_tables that rules look a destination port up in: where it is not, a rule ends."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._nat import elements, nftables
from ansible_collections.preflight.ports.plugins.module_utils._nat.nftables import number, place, text
from ansible_collections.preflight.ports.plugins.module_utils._netlink_dump import attribute, attributes

_INTERVAL = 4
_KEY = slice(2, 4), attribute(1, b"")[2:]  # the kind of an element's first attribute: a catch-all has another
_KEY_BEGINS, _PORT_BYTES = 8, 2
_LOADS_PORT = ("payload", 2, 2, 2)  # the bytes 2 and 3 of the transport header


class PortSets:
    """Those of one table."""

    def __init__(self, table: nftables.Table, wanted: set[int]) -> None:
        self._table = table
        self._wanted = wanted
        self._keys = {port.to_bytes(_PORT_BYTES, "big") for port in wanted}
        self._known: dict[tuple[str, int], bool] = {}
        self._sets: dict[str, dict[int, bytes]] = {}

    def passed(self, rules: t.Iterable[bytes]) -> t.Iterator[bytes]:
        """What packets to the wanted ports pass of them, up to one that is enough. Raises SourceError, ChangedError."""
        for rule in rules:
            part = nftables.passed(rule, self._wanted)
            if nftables.looks_port_up(part):
                part = nftables.passed(self._before_a_miss(rule), self._wanted)
            yield part
            if nftables.changes(part):
                break

    def _before_a_miss(self, rule: bytes) -> bytes:
        passed = []
        loaded = None
        for _kind, element in attributes(dict(attributes(rule)).get(4, b"")):
            told = dict(attributes(element))
            parts = dict(attributes(told.get(2, b"")))
            name = text(told.get(1))
            asks = name == "lookup" and loaded is not None and not number(parts.get(5))  # not inverted
            if asks and not self._may_have(text(parts.get(1)), (loaded or 0) - place(parts.get(2))):
                break
            loads_port = (name, *(number(parts.get(kind)) for kind in (2, 3, 4))) == _LOADS_PORT
            loaded = place(parts.get(1)) if loads_port else None
            passed.append(element)
        return b"".join(passed)

    def _may_have(self, name: str, at: int) -> bool:
        """Whether it has a wanted port there in a key."""
        if (name, at) not in self._known:
            self._known[name, at] = self._read(name, at)
        return self._known[name, at]

    def _read(self, name: str, at: int) -> bool:
        self._sets = self._sets or elements.sets(self._table)
        the_set = self._sets.get(name, {})
        if number(the_set.get(3)) & _INTERVAL or not 0 <= at <= number(the_set.get(5)) - _PORT_BYTES:
            return True
        port, (kind, key) = slice(_KEY_BEGINS + at, _KEY_BEGINS + at + _PORT_BYTES), _KEY
        return any(
            element[kind] != key or element[port] in self._keys for element in elements.elements(self._table, name)
        )
