# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A packet as rules see it: bytes, some of them unknown."""

from __future__ import annotations

import functools
import socket
import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import is_loopback
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import (
    ANY_INTERFACE,
    ITS_DEVICE,
    OUTPUT,
    Answer,
    Packet,
)


class Unknown(t.NamedTuple):
    """A byte that may have any value."""

    why: str
    choices: int = 0
    """How many values the whole register can have, where that is known."""
    sure: int = 0
    """The bits that are known all the same,"""
    bits: int = 0
    """and what they are."""


Bytes = t.Sequence[t.Union[int, Unknown]]

_SOURCE, _SOURCE_PORT, _HEADER = Unknown("the source address"), Unknown("the source port"), Unknown("the header")
_DEVICE = Unknown(ITS_DEVICE)
_MARK, _ROUTES, _ELSE = Unknown("the mark"), Unknown("the routes"), Unknown("what is not known of the packet")
TCP_FLAGS = Unknown("the client's use of ECN", sure=0x3F, bits=0x02)
"""Of the packet that opens a connection: SYN, and perhaps ECE and CWR."""
REGISTER_BYTES = 64  # of all registers together
MOST_BYTES = 16  # that anything but a header has
_NETWORK, _TRANSPORT = 1, 2

META_IIFNAME, META_OIFNAME = 6, 7  # the kernel's NFT_META_*, like the other keys
_META_PROTOCOL, _META_MARK, _META_IIF, _META_OIF, _META_NFPROTO, _META_L4PROTO = 1, 3, 4, 5, 15, 16
_CT_STATE = 0
_NEW = 1 << 3
_FIB_ADDRTYPE, _FIB_SOURCE, _FIB_DESTINATION = 3, 1, 2
_RTN_UNICAST, _RTN_LOCAL = 1, 2


def equal(data: Bytes, value: bytes) -> Answer:
    """Whether *data* is *value*."""
    answer: Answer = True
    for known, wanted in zip(data, value):
        if isinstance(known, Unknown):
            if (known.bits ^ wanted) & known.sure:
                return False
            answer = known.why
        elif known != wanted:
            return False
    return answer


def between(data: Bytes, first: int, last: int) -> Answer:
    """Whether *data* is one of the numbers from *first* to *last*."""
    known = []
    for byte in data:
        if isinstance(byte, Unknown):
            return byte.why
        known.append(byte)
    return first <= int.from_bytes(known, "big") <= last


def masked(data: Bytes, mask: bytes, flips: bytes = b"") -> Bytes:
    """*data* & *mask* ^ *flips*. A byte stays unknown where the mask leaves bits of it that are not sure."""
    made: list[int | Unknown] = []
    for byte, keep, flip in zip(data, mask, flips or bytes(len(mask))):
        if not isinstance(byte, Unknown):
            made.append(byte & keep ^ flip)
        elif keep & ~byte.sure:
            made.append(byte._replace(sure=0))
        else:
            made.append(byte.bits & keep ^ flip)
    return made


class View:
    """What the rules may look at."""

    def __init__(self, packet: Packet) -> None:
        self.packet = packet
        self.source: Bytes = [_SOURCE] * len(packet.address)
        if packet.hook == OUTPUT:
            # Mostly the kernel takes the very address; from the first of 127.0.0.0/8 it reaches all of them.
            is_loopback4 = not packet.is_ipv6 and is_loopback(packet.address)
            self.source = b"\x7f\0\0\1" if is_loopback4 else packet.address
        self._network: Bytes = [*[_HEADER] * 9, packet.protocol, *[_HEADER] * 2, *self.source, *packet.address]
        if packet.is_ipv6:
            self._network = [*[_HEADER] * 6, packet.protocol, _HEADER, *self.source, *packet.address]
        index: Bytes = _native(packet.interface.number)
        name: Bytes = packet.interface.name.encode().ljust(MOST_BYTES, b"\0")
        if packet.interface == ANY_INTERFACE:
            index, name = [_DEVICE] * len(index), [_DEVICE] * MOST_BYTES
        comes_in = packet.hook != OUTPUT
        self._meta: dict[int, Bytes] = {
            _META_PROTOCOL: b"\x86\xdd" if packet.is_ipv6 else b"\x08\x00",
            _META_MARK: [_MARK] * 4,
            _META_IIF: index if comes_in else bytes(4),
            _META_OIF: bytes(4) if comes_in else index,
            META_IIFNAME: name if comes_in else bytes(MOST_BYTES),
            META_OIFNAME: bytes(MOST_BYTES) if comes_in else name,
            _META_NFPROTO: b"\x0a" if packet.is_ipv6 else b"\x02",
            _META_L4PROTO: bytes((packet.protocol,)),
        }

    def payload(self, base: int, offset: int, size: int) -> Bytes:
        """What a header has there. Raises NeedsPortError."""
        header: Bytes = []
        if base == _NETWORK:
            header = self._network
        elif base == _TRANSPORT:
            rest = [*[_HEADER] * 9, TCP_FLAGS] if self.packet.protocol == socket.IPPROTO_TCP else []
            header = [*[_SOURCE_PORT] * 2, *self.packet.known_port().to_bytes(2, "big"), *rest]
        loaded = header[offset : offset + size]
        return [*loaded, *[_HEADER] * (min(size, REGISTER_BYTES) - len(loaded))]

    def meta(self, key: int) -> Bytes:
        return self._meta.get(key) or [_ELSE] * MOST_BYTES

    def connection(self, key: int) -> Bytes:
        """What conntrack knows: NAT rules see the packet that opens the connection, and no other."""
        return _native(_NEW) if key == _CT_STATE else [_ELSE] * MOST_BYTES

    def route(self, result: int, flags: int) -> Bytes:
        """What the routing tables say of an end of the packet."""
        if result == _FIB_ADDRTYPE and flags == _FIB_DESTINATION:
            return _native(_RTN_LOCAL)
        if result == _FIB_ADDRTYPE and flags == _FIB_SOURCE:
            return _native(_RTN_LOCAL if self.packet.hook == OUTPUT else _RTN_UNICAST)
        return [_ROUTES] * MOST_BYTES


view = functools.lru_cache(maxsize=1)(View)
"""A packet is led past many rules before the next one is."""


def _native(number: int) -> bytes:
    return struct.pack("=I", number)
