# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A table of the iptables that is not built on nf_tables: getsockopt(2) gives it, as one row of entries.

The layout is that of linux/netfilter_ipv4/ip_tables.h and its likes. An entry is a rule, or begins a chain.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError


class Layout(t.NamedTuple):
    """What differs between IPv4 and IPv6."""

    family: int
    level: int
    entry_bytes: int
    """Of ipt_entry: addresses and masks, devices and masks, protocol, ..., offsets of the target and the next, ..."""
    offsets: int
    """Where these two are in it."""


# Counters of 8 bytes end an entry; on i386 they need no padding before them.
IPV4 = Layout(socket.AF_INET, socket.IPPROTO_IP, struct.calcsize("@84xIHHIQQ"), 88)
IPV6 = Layout(socket.AF_INET6, socket.IPPROTO_IPV6, struct.calcsize("@136xIHHIQQ"), 140)

_GET_INFO, _GET_ENTRIES = 64, 65
_INFO = struct.Struct("@32s13I")  # ipt_getinfo: name, valid hooks, 5 beginnings, 5 policies, count of entries, bytes
_HEAD = struct.Struct("@32sI0Q")  # ipt_get_entries: name, bytes
_EXTENSION = struct.Struct("@H29sB0Q")  # xt_entry_match, xt_entry_target: bytes, name, revision
_OFFSETS, _NAME_OFFSET, _CODE = struct.Struct("@HH"), 2, struct.Struct("@i")
_BEGINS_CHAIN = b"ERROR\0"
_CHAINS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")  # by NF_INET_* of linux/netfilter.h

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
        targets = list(_extensions(entries[at + to_target : self.next]))
        if len(targets) != 1:
            raise SourceError(f"a rule with {len(targets)} targets")
        self.target = targets[0]

    def matches(self) -> t.Iterator[Extension]:
        return _extensions(self._matches)

    def code(self) -> int | None:
        """A verdict, which is negative, or where it jumps to. None if it goes on, or a target decides."""
        name, _revision, info = self.target
        code = None if name else _CODE.unpack_from(info)[0]
        return None if code == self.next else code


class Table:
    """One table, as it was at one time."""

    def __init__(self, layout: Layout, name: str, hooks: dict[int, int], policies: t.Iterable[int], entries: bytes):
        """*hooks*: the numbers of its hooks -> where their chains begin; *policies*: where these end.

        Raises SourceError.
        """
        self.layout = layout
        self.name = name
        self.hooks = {hook: _CHAINS[hook] for hook in hooks}
        """Their numbers -> the names of their chains."""
        self.begins = {begin: _CHAINS[hook] for hook, begin in hooks.items()}
        """Where chains begin, those that users made, too."""
        self.policies: dict[str, int | None] = {}
        """What becomes of a packet at the end of a base chain."""
        self._entries = entries
        self._places: dict[str, list[int]] = {}
        ends, chain, at = set(policies), "", 0
        while at < len(entries):
            to_target, to_next = _OFFSETS.unpack_from(entries, at + layout.offsets)
            if not to_next:
                raise SourceError("an entry of no length")
            chain = self.begins.get(at, chain)
            if entries.startswith(_BEGINS_CHAIN, at + to_target + _NAME_OFFSET):
                self.begins[at + to_next] = text(entries[at + to_target + _EXTENSION.size : at + to_next])
            elif at in ends:
                self.policies[chain] = Entry(layout, entries, at).code()
                self._places.setdefault(chain, [])
            else:
                self._places.setdefault(chain, []).append(at)
            at += to_next

    def rules(self, chain: str) -> list[Entry]:
        return [Entry(self.layout, self._entries, at) for at in self._places[chain]]


def read(layout: Layout, name: str) -> Table:
    """Raises SourceError."""
    with socket.socket(layout.family, socket.SOCK_DGRAM) as channel:
        called = name.encode().ljust(32, b"\0")
        _name, valid, *numbers = _INFO.unpack(_ask(channel, layout.level, _GET_INFO, called, _INFO.size))
        head = _HEAD.pack(called, numbers[-1])
        entries = _ask(channel, layout.level, _GET_ENTRIES, head, _HEAD.size + numbers[-1])
    hooks = [hook for hook in range(len(_CHAINS)) if valid & 1 << hook]
    policies = [numbers[len(_CHAINS) + hook] for hook in hooks]
    return Table(layout, name, {hook: numbers[hook] for hook in hooks}, policies, entries[_HEAD.size :])


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
