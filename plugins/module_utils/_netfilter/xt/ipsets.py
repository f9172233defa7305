# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sets of ipset(8), over netlink(7), and which packets they have.

The numbers are those of include/uapi/linux/netfilter/ipset/ip_set.h.
"""

from __future__ import annotations

import itertools
import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attribute, attributes, dump
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import flows as fields
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Answer, Doubt, Where
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Flows
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.keys import Element, find
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.regions import NOTHING, join, minus
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import Value, size_of

_NETLINK_NETFILTER, _IPSET_LIST, _PROTOCOL = 12, 6 << 8 | 7, 7
_HEAD_BYTES = 4  # nfgenmsg
_ATTR_PROTOCOL, _ATTR_SETNAME, _ATTR_TYPENAME, _ATTR_FAMILY, _ATTR_DATA, _ATTR_ADT, _ATTR_INDEX = 1, 2, 3, 5, 7, 8, 11
_ATTR_IP, _ATTR_CIDR, _ATTR_PORT, _ATTR_PROTO, _ATTR_CADT_FLAGS, _ATTR_NAME = 1, 3, 4, 7, 8, 18
_ATTR_IP2, _ATTR_CIDR2, _ATTR_NETMASK = 20, 21, 20
_FLAG_NOMATCH = 4
_DEEPEST = 8

Entry = t.Dict[int, bytes]
"""Its attributes."""


class IpSet(t.NamedTuple):
    """One set."""

    name: str
    kind: str
    """``hash:net,port``."""
    is_ipv6: bool
    netmask: int | None
    """To how many bits addresses are cut before they are looked for."""
    entries: list[Entry]


class IpSets:
    """All sets, read when the first is asked for."""

    def __init__(self) -> None:
        self._sets: dict[int, IpSet] = {}

    def has(self, index: int, flows: Flows, are_sources: t.Sequence[bool]) -> Answer:
        """Which packets the set of this *index* has; *are_sources*: which of their ends go into a key.

        Raises SourceError.
        """
        self._sets = self._sets or dict(_read())
        return self._has(self._sets[index], flows, are_sources) if index in self._sets else _not_understood(index)

    def name(self, index: int) -> str:
        """Raises SourceError."""
        self._sets = self._sets or dict(_read())
        return self._sets[index].name if index in self._sets else str(index)

    def _has(self, the_set: IpSet, flows: Flows, are_sources: t.Sequence[bool], depth: int = 0) -> Answer:
        family, _colon, kinds = the_set.kind.partition(":")
        if family == "list" and depth < _DEEPEST:
            names = {_text(entry.get(_ATTR_NAME)) for entry in the_set.entries}
            inner = [each for each in self._sets.values() if each.name in names]
            return flows.some(self._has(each, flows, are_sources, depth + 1) for each in inner)
        parts = kinds.split(",")
        if not set(parts) <= {"ip", "net", "port"} or len(parts) > len(are_sources):
            return _not_understood(the_set.name)
        if the_set.is_ipv6 is not flows.is_ipv6 and the_set.kind != "bitmap:port":
            return False
        key = [value for each in zip(parts, are_sources) for value in _seen(*each, flows, family == "bitmap")]
        sure = may = NOTHING
        # The longest prefix decides; some say that what is in them is not in the set.
        for (_length, is_exception), same in itertools.groupby(sorted(the_set.entries, key=_order), _order):
            elements = [_element(the_set, parts, entry) for entry in same]
            for where in find(flows, _sliced(key), elements)[0].values():
                if is_exception:
                    sure, may = minus(sure, where.may), minus(may, where.sure)
                else:
                    sure, may = join(sure, where.sure), join(may, where.may)
        return Where(sure, may, None if sure == may else Doubt("the source port")) if may else False


def _read() -> t.Iterator[tuple[int, IpSet]]:
    """Large sets come in several messages. Raises SourceError."""
    found: dict[str, tuple[int, IpSet]] = {}
    body = bytes(_HEAD_BYTES) + attribute(_ATTR_PROTOCOL, bytes((_PROTOCOL,))) + bytes(3)
    for payload in dump(_NETLINK_NETFILTER, _IPSET_LIST, _IPSET_LIST, body):
        told = dict(attributes(payload, _HEAD_BYTES))
        name = _text(told.get(_ATTR_SETNAME))
        if _ATTR_TYPENAME in told:
            head = dict(attributes(told.get(_ATTR_DATA, b"")))
            made = IpSet(
                name,
                _text(told[_ATTR_TYPENAME]),
                told.get(_ATTR_FAMILY) == bytes((socket.AF_INET6,)),
                head[_ATTR_NETMASK][0] if _ATTR_NETMASK in head else None,
                [],
            )
            found[name] = int.from_bytes(told.get(_ATTR_INDEX, b""), "big"), made
        entries = (dict(attributes(entry)) for _kind, entry in attributes(told.get(_ATTR_ADT, b"")))
        found[name][1].entries.extend(entries)
    return iter(found.values())


def _seen(kind: str, is_source: bool, flows: Flows, is_bitmap: bool) -> list[Value]:
    """What packets have for one part of a key."""
    if kind == "port":
        port = flows.load(fields.SOURCE_PORT if is_source else fields.PORT)
        return [port] if is_bitmap else [bytes((flows.protocol,)), port]
    return [flows.load(fields.SOURCE if is_source else fields.ADDRESS)]


def _sliced(key: t.Iterable[Value]) -> list[tuple[slice, Value]]:
    ends = list(itertools.accumulate(size_of(value) for value in key))
    return [(slice(end - size_of(value), end), value) for value, end in zip(key, ends)]


def _element(the_set: IpSet, parts: t.Sequence[str], entry: Entry) -> Element:
    """The keys that an entry covers."""
    first, last = b"", b""
    addresses = [(_ATTR_IP, _ATTR_CIDR), (_ATTR_IP2, _ATTR_CIDR2)]
    for kind in parts:
        if kind == "port":
            made = b"" if the_set.kind == "bitmap:port" else entry.get(_ATTR_PROTO, b"\0")
            made += entry.get(_ATTR_PORT, bytes(2))
            first, last = first + made, last + made
            continue
        ip, cidr = addresses.pop(0)
        address = next((value for _kind, value in attributes(entry.get(ip, b""))), b"")
        bits = 8 * len(address)
        length = entry[cidr][0] if cidr in entry else bits if the_set.netmask is None else the_set.netmask
        rest = (1 << bits - length) - 1
        number = int.from_bytes(address, "big") & ~rest
        first, last = first + number.to_bytes(len(address), "big"), last + (number | rest).to_bytes(len(address), "big")
    return Element(first, last)


def _order(entry: Entry) -> tuple[int, bool]:
    length = entry[_ATTR_CIDR][0] if _ATTR_CIDR in entry else 128
    return length, bool(int.from_bytes(entry.get(_ATTR_CADT_FLAGS, b""), "big") & _FLAG_NOMATCH)


def _not_understood(what: t.Any) -> Doubt:
    return Doubt(f"the ipset {what}", is_understood=False)


def _text(value: bytes | None) -> str:
    return (value or b"").rstrip(b"\0").decode("utf-8", "surrogateescape")
