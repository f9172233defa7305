# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The NAT table of the iptables that is not built on nf_tables: getsockopt(2) gives it, as one row of entries.

The layout is that of linux/netfilter_ipv4/ip_tables.h and its likes. An entry is a rule, or begins a chain.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._nat import rules, views, xtables
from ansible_collections.preflight.ports.plugins.module_utils._sockets import SourceError


class Layout(t.NamedTuple):
    """What differs between IPv4 and IPv6."""

    family: int
    level: int
    address_bytes: int
    table: str
    entry: struct.Struct
    """ipt_entry: addresses and masks, devices and masks, protocol, flags, ..., offsets of the target and the next."""
    offsets: int
    """Where these two are in it."""
    goto: int


_ENTRY4, _ENTRY6 = struct.Struct("@4s4s4s4s16s16s16s16sHBBIHHIQQ"), struct.Struct("@16s16s16s16s16s16s16s16sHxBBIHHIQQ")
IPV4 = Layout(socket.AF_INET, socket.IPPROTO_IP, 4, "ip nat", _ENTRY4, 88, 2)
IPV6 = Layout(socket.AF_INET6, socket.IPPROTO_IPV6, 16, "ip6 nat", _ENTRY6, 140, 4)

_GET_INFO, _GET_ENTRIES = 64, 65
_NAME = b"nat".ljust(32, b"\0")
_INFO = struct.Struct("@32s13I")  # ipt_getinfo: name, valid hooks, 5 beginnings, 5 ends, count of entries, bytes
_ENTRIES = struct.Struct("@32sI0Q")  # ipt_get_entries: name, bytes
_EXTENSION = struct.Struct("@H29sB0Q")  # xt_entry_match, xt_entry_target: bytes, name, revision
_CODE = struct.Struct("@i")
_OFFSETS, _NAME_OFFSET = struct.Struct("@HH"), 2
_STANDARD, _ERROR = "", b"ERROR\0"

_BASES = {rules.PREROUTING: "PREROUTING", rules.OUTPUT: "OUTPUT"}
_PRIORITY = -100
# Of the fourth: who takes queued packets lets them go on, or not.
_VERDICTS = {-1: rules.DROP, -2: rules.ACCEPT, -5: rules.RETURN, -4: rules.ACCEPT}

_NOT_IN, _NOT_OUT, _NOT_SOURCE, _NOT_ADDRESS, _NOT_PROTOCOL = 1, 2, 8, 16, 64


def bases(layout: Layout) -> list[rules.Base]:
    """The base chains of the table. Raises SourceError."""
    begins, entries = _read(layout)
    places = places_of(layout, begins, entries)
    chains: dict[str, rules.Chain] = {}

    def chain(name: str) -> rules.Chain:
        if name not in chains:
            ruled = (Entry(layout, begins, entries, at) for at in places[name])
            chains[name] = rules.Chain((entry.ports(), entry.outcomes) for entry in ruled)
        return chains[name]

    return [
        rules.Base("iptables-legacy", layout.table, name, hook, _PRIORITY, (layout.address_bytes,), chain)
        for hook, name in _BASES.items()
    ]


def _read(layout: Layout) -> tuple[dict[int, str], bytes]:
    """({where a base chain begins: its name}, the entries)."""
    with socket.socket(layout.family, socket.SOCK_DGRAM) as channel:
        _name, _hooks, *numbers = _INFO.unpack(_ask(channel, layout.level, _GET_INFO, _NAME, _INFO.size))
        head = _ENTRIES.pack(_NAME, numbers[-1])
        entries = _ask(channel, layout.level, _GET_ENTRIES, head, _ENTRIES.size + numbers[-1])
    return {numbers[hook]: name for hook, name in _BASES.items()}, entries[_ENTRIES.size :]


def _ask(channel: socket.socket, level: int, option: int, question: bytes, size: int) -> bytes:
    """Python's own getsockopt() cannot say what it asks for."""
    answer = ctypes.create_string_buffer(question, size)
    length = ctypes.c_uint(size)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.getsockopt(channel.fileno(), level, option, answer, ctypes.byref(length)):
        raise SourceError(os.strerror(ctypes.get_errno()))
    return answer.raw


def places_of(layout: Layout, begins: dict[int, str], entries: bytes) -> dict[str, list[int]]:
    """Where the rules of each chain are. *begins* gains the chains that users made. Raises SourceError."""
    places: dict[str, list[int]] = {}
    name, at = "", 0
    while at < len(entries):
        to_target, to_next = _OFFSETS.unpack_from(entries, at + layout.offsets)
        if not to_next:
            raise SourceError("an entry of no length")
        name = begins.get(at, name)
        if entries.startswith(_ERROR, at + to_target + _NAME_OFFSET):
            begins[at + to_next] = _text(entries[at + to_target + _EXTENSION.size : at + to_next])
        else:
            places.setdefault(name, []).append(at)
        at += to_next
    return places


class Entry:
    """A rule."""

    def __init__(self, layout: Layout, begins: t.Mapping[int, str], entries: bytes, at: int) -> None:
        fields = layout.entry.unpack_from(entries, at)
        *self._tests, self._flags, self._inverts, _cache, to_target, to_next, _from, _packets, _bytes = fields
        self._layout = layout
        self._begins = begins
        self._matches = entries[at + layout.entry.size : at + to_target]
        self._next = at + to_next
        self._target = entries[at + to_target : self._next]

    def ports(self) -> t.Collection[int] | None:
        """The only destination ports that it can match, where they are known."""
        found = (xtables.ports(*match) for match in self._each_match())
        return next((ports for ports in found if ports is not None), None)

    def outcomes(self, packet: rules.Packet) -> t.Iterator[rules.Outcome]:
        doubts: list[str] = []
        for answer in self._answers(packet):
            if answer is False:
                return
            doubts += [answer] if isinstance(answer, str) else []
        verdict, doubt = self._verdict()
        if verdict:
            yield verdict, (*doubts, doubt) if doubt else tuple(doubts), self._comment

    def _answers(self, packet: rules.Packet) -> t.Iterator[rules.Answer]:
        source, address, source_mask, address_mask, comes, goes, comes_mask, goes_mask, protocol = self._tests
        seen = views.view(packet)
        yield not protocol or rules.inverted(protocol == packet.protocol, self._inverts & _NOT_PROTOCOL)
        for data, value, mask, inverting in (
            (packet.address, address, address_mask, _NOT_ADDRESS),
            (seen.source, source, source_mask, _NOT_SOURCE),
            (seen.meta(views.META_IIFNAME), comes, comes_mask, _NOT_IN),
            (seen.meta(views.META_OIFNAME), goes, goes_mask, _NOT_OUT),
        ):
            if any(mask):
                wanted = bytes(byte & kept for byte, kept in zip(value, mask))
                yield rules.inverted(views.equal(views.masked(data, mask), wanted), self._inverts & inverting)
        for name, revision, info in self._each_match():
            yield xtables.test(name, revision, info)(packet)

    def _each_match(self) -> t.Iterator[tuple[str, int, bytes]]:
        at = 0
        while at < len(self._matches):
            size, name, revision = _extension(self._matches, at)
            yield name, revision, self._matches[at + _EXTENSION.size : at + size]
            at += size

    def _comment(self) -> str | None:
        return next((_text(info) for name, _revision, info in self._each_match() if name == "comment"), None)

    def _verdict(self) -> tuple[rules.Verdict | None, str | None]:
        _size, name, revision = _extension(self._target, 0)
        info = self._target[_EXTENSION.size :]
        if name != _STANDARD:
            return xtables.target(name, revision, info, self._layout is IPV6)
        (code,) = _CODE.unpack_from(info)
        if code < 0:
            return rules.Verdict(_VERDICTS[code]), None
        if code == self._next:
            return None, None
        return rules.Verdict(rules.GOTO if self._flags & self._layout.goto else rules.JUMP, self._begins[code]), None


def _extension(entries: bytes, at: int) -> tuple[int, str, int]:
    size, name, revision = _EXTENSION.unpack_from(entries, at)
    if not size:
        raise SourceError("a match of no length")
    return size, _text(name), revision


def _text(value: bytes) -> str:
    return value.partition(b"\0")[0].decode("utf-8", "surrogateescape")
