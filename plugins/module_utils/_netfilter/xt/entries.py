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

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import port_matches


class Layout(t.NamedTuple):
    """What differs between IPv4 and IPv6."""

    family: int
    level: int
    entry_bytes: int
    """Of ipt_entry: addresses and masks, devices and masks, protocol, ..., offsets of the target and the next, ..."""
    offsets: int
    """Where these two are in it."""


IPV4 = Layout(socket.AF_INET, socket.IPPROTO_IP, 112, 88)
IPV6 = Layout(socket.AF_INET6, socket.IPPROTO_IPV6, 168, 140)
BASES = {0: "PREROUTING", 3: "OUTPUT"}  # by NF_INET_PRE_ROUTING and NF_INET_LOCAL_OUT of linux/netfilter.h

_GET_INFO, _GET_ENTRIES = 64, 65
_NAME = b"nat".ljust(32, b"\0")
_INFO = struct.Struct("@32s13I")  # ipt_getinfo: name, valid hooks, 5 beginnings, 5 ends, count of entries, bytes
_HEAD = struct.Struct("@32sI0Q")  # ipt_get_entries: name, bytes
_EXTENSION = struct.Struct("@H29sB0Q")  # xt_entry_match, xt_entry_target: bytes, name, revision
_OFFSETS, _NAME_OFFSET, _CODE = struct.Struct("@HH"), 2, struct.Struct("@i")
_BEGINS_CHAIN = b"ERROR\0"

Extension = t.Tuple[str, int, bytes]
"""A match or a target: name, revision, and what it is told."""


class Entry:
    """A rule."""

    def __init__(self, layout: Layout, entries: bytes, at: int) -> None:
        to_target, to_next = _OFFSETS.unpack_from(entries, at + layout.offsets)
        behind = at + layout.entry_bytes
        self.fields = entries[at:behind]
        self.next = at + to_next
        self._matches = entries[behind : at + to_target]
        (self.target,) = _extensions(entries[at + to_target : self.next])

    def matches(self) -> t.Iterator[Extension]:
        return _extensions(self._matches)

    def ports(self) -> t.Collection[int] | None:
        """The only destination ports that it can match, where they are known."""
        found = (port_matches.only(*match) for match in self.matches())
        return next((ports for ports in found if ports is not None), None)

    def code(self) -> int | None:
        """A verdict, which is negative, or where it jumps to. None if it goes on, or a target decides."""
        name, _revision, info = self.target
        code = None if name else _CODE.unpack_from(info)[0]
        return None if code == self.next else code


class Table:
    """One table, as it was at one time."""

    def __init__(self, layout: Layout, begins: dict[int, str], entries: bytes) -> None:
        """*begins* tells where the base chains begin. Raises SourceError."""
        self.layout = layout
        self.begins = begins
        """Of those that users made, too."""
        self._entries = entries
        self._places: dict[str, list[int]] = {}
        self._rules: dict[str, list[Entry]] = {}
        name, at = "", 0
        while at < len(entries):
            to_target, to_next = _OFFSETS.unpack_from(entries, at + layout.offsets)
            if not to_next:
                raise SourceError("an entry of no length")
            name = begins.get(at, name)
            if entries.startswith(_BEGINS_CHAIN, at + to_target + _NAME_OFFSET):
                begins[at + to_next] = text(entries[at + to_target + _EXTENSION.size : at + to_next])
            else:
                self._places.setdefault(name, []).append(at)
            at += to_next

    def rules(self, chain: str) -> list[Entry]:
        if chain not in self._rules:
            self._rules[chain] = [Entry(self.layout, self._entries, at) for at in self._places[chain]]
        return self._rules[chain]


def read(layout: Layout) -> Table:
    """Raises SourceError."""
    with socket.socket(layout.family, socket.SOCK_DGRAM) as channel:
        _name, _hooks, *numbers = _INFO.unpack(_ask(channel, layout.level, _GET_INFO, _NAME, _INFO.size))
        head = _HEAD.pack(_NAME, numbers[-1])
        entries = _ask(channel, layout.level, _GET_ENTRIES, head, _HEAD.size + numbers[-1])
    return Table(layout, {numbers[hook]: name for hook, name in BASES.items()}, entries[_HEAD.size :])


def _ask(channel: socket.socket, level: int, option: int, question: bytes, size: int) -> bytes:
    """Python's own getsockopt() cannot say what it asks for."""
    answer = ctypes.create_string_buffer(question, size)
    length = ctypes.c_uint(size)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.getsockopt(channel.fileno(), level, option, answer, ctypes.byref(length)):
        raise SourceError(os.strerror(ctypes.get_errno()))
    return answer.raw


def _extensions(row: bytes) -> t.Iterator[Extension]:
    at = 0
    while at < len(row):
        size, name, revision = _EXTENSION.unpack_from(row, at)
        if not size:
            raise SourceError("an extension of no length")
        yield text(name), revision, row[at + _EXTENSION.size : at + size]
        at += size


def text(value: bytes) -> str:
    return value.partition(b"\0")[0].decode("utf-8", "surrogateescape")
