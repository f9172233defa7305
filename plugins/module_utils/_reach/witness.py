# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sees first packets of flows arrive without opening a port: before the firewall of this host, and after it.

A packet socket is given each packet before any rule of netfilter sees it, those of the hook ingress included; a raw
socket is given it after the hook input, just before the protocol itself (net/core/dev.c, __netif_receive_skb_core;
net/ipv4/ip_input.c, ip_protocol_deliver_rcu). What only the first has seen, this host itself has dropped.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import TCP, UDP
from ansible_collections.preflight.ports.plugins.module_utils._reach.visits import ARRIVED, PASSED, Visit

_ETH_P_ALL, _PACKET_HOST = 3, 0
_SO_ATTACH_FILTER, _SO_MEMINFO, _SO_RCVBUFFORCE = 26, 55, 33
_MEMINFO, _DROPS = struct.Struct("=9I"), 8
_IPV6_RECVPKTINFO, _IPV6_PKTINFO = 49, 50
_BUFFER_BYTES = 2 << 20
_HEADER_BYTES = 128
_AT_A_TIME = 256
_SYN, _ACK = 0x02, 0x10

# Classic BPF (linux/filter.h): load half-word or byte at an offset, jump, return.
_LOAD_HALF, _LOAD_BYTE, _LOAD_BYTE_AFTER_X, _X_IS_HEADER, _AND = 0x28, 0x30, 0x50, 0xB1, 0x54
_IF_EQUAL, _RETURN = 0x15, 0x06
_ANCILLARY_PROTOCOL = 0xFFFFF000
_IPV4, _IPV6 = 0x0800, 0x86DD

_Step = t.Tuple[int, int, int, int]


def _syn_or_udp() -> list[_Step]:
    """Of what arrives from others: first packets of TCP connections, and UDP; from the IP header on."""
    return [
        (_LOAD_HALF, 0, 0, _ANCILLARY_PROTOCOL),
        (_IF_EQUAL, 0, 7, _IPV4),
        (_LOAD_BYTE, 0, 0, 9),
        (_IF_EQUAL, 11, 0, socket.IPPROTO_UDP),
        (_IF_EQUAL, 0, 11, socket.IPPROTO_TCP),
        (_X_IS_HEADER, 0, 0, 0),
        (_LOAD_BYTE_AFTER_X, 0, 0, 13),
        (_AND, 0, 0, _SYN | _ACK),
        (_IF_EQUAL, 6, 7, _SYN),
        (_IF_EQUAL, 0, 6, _IPV6),
        (_LOAD_BYTE, 0, 0, 6),
        (_IF_EQUAL, 3, 0, socket.IPPROTO_UDP),
        (_IF_EQUAL, 0, 3, socket.IPPROTO_TCP),
        (_LOAD_BYTE, 0, 0, 40 + 13),
        (_IF_EQUAL, 0, 1, 0x02),
        (_RETURN, 0, 0, _HEADER_BYTES),
        (_RETURN, 0, 0, 0),
    ]


def _syn(start: list[_Step], load: _Step) -> list[_Step]:
    """Of TCP packets, the first ones of connections. *load* loads the flags."""
    return [
        *start,
        load,
        (_AND, 0, 0, _SYN | _ACK),
        (_IF_EQUAL, 0, 1, _SYN),
        (_RETURN, 0, 0, _HEADER_BYTES),
        (_RETURN, 0, 0, 0),
    ]


_RAW_FILTERS = {
    (socket.AF_INET, TCP): _syn([(_X_IS_HEADER, 0, 0, 0)], (_LOAD_BYTE_AFTER_X, 0, 0, 13)),
    (socket.AF_INET, UDP): [(_RETURN, 0, 0, _HEADER_BYTES)],
    (socket.AF_INET6, TCP): _syn([], (_LOAD_BYTE, 0, 0, 13)),
    (socket.AF_INET6, UDP): [(_RETURN, 0, 0, _HEADER_BYTES)],
}


class Witness:
    """The sockets that see packets of these ports."""

    def __init__(self, ports: t.Collection[tuple[str, int]]) -> None:
        """Opens them. Raises OSError where this user may not, or the kernel cannot."""
        self._ports = frozenset(ports)
        self.sockets: dict[socket.socket, t.Callable[[socket.socket], list[tuple[Visit, int]]]] = {}
        try:
            packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
            self._add(packets, _syn_or_udp(), self._arrived)
            for (family, protocol), steps in _RAW_FILTERS.items():
                self._add_raw(family, protocol, steps)
        except OSError:
            self.close()
            raise

    def _add_raw(self, family: int, protocol: str, steps: list[_Step]) -> None:
        number = socket.IPPROTO_TCP if protocol == TCP else socket.IPPROTO_UDP
        try:
            raw = socket.socket(family, socket.SOCK_RAW, number)
        except OSError:
            if family == socket.AF_INET6 and not socket.has_ipv6:
                return
            raise
        if family == socket.AF_INET6:
            raw.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
            self._add(raw, steps, lambda sock: self._passed6(sock, protocol))
        else:
            self._add(raw, steps, self._passed4)

    def _add(
        self, sock: socket.socket, steps: list[_Step], read: t.Callable[[socket.socket], list[tuple[Visit, int]]]
    ) -> None:
        self.sockets[sock] = read
        sock.setblocking(False)
        code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
        program = struct.pack("@HP", len(steps), ctypes.addressof(code))
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)

    def read(self, sock: socket.socket) -> list[tuple[Visit, int]]:
        """What this one of the sockets has seen since: at most so many at a time."""
        return self.sockets[sock](sock)

    def missed(self) -> int:
        """How many packets came too fast to be seen."""
        return sum(
            _MEMINFO.unpack_from(sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))[_DROPS]
            for sock in self.sockets
        )

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()

    def _arrived(self, sock: socket.socket) -> list[tuple[Visit, int]]:
        seen = []
        for packet, address in _messages(lambda: sock.recvfrom(_HEADER_BYTES)):
            if address[2] == _PACKET_HOST:
                seen.append((packet_visit(packet), ARRIVED))
        return self._of_our_ports(seen)

    def _passed4(self, sock: socket.socket) -> list[tuple[Visit, int]]:
        packets = _messages(lambda: sock.recvfrom(_HEADER_BYTES))
        return self._of_our_ports([(packet_visit(packet), PASSED) for packet, _address in packets])

    def _passed6(self, sock: socket.socket, protocol: str) -> list[tuple[Visit, int]]:
        seen: list[tuple[Visit | None, int]] = []
        for data, control, _flags, address in _messages(lambda: sock.recvmsg(_HEADER_BYTES, 128)):
            for level, kind, value in control:
                if (level, kind) == (socket.IPPROTO_IPV6, _IPV6_PKTINFO) and len(value) >= 16:
                    source = socket.inet_pton(socket.AF_INET6, address[0].partition("%")[0])
                    seen.append((_visit(protocol, source, value[:16], data), PASSED))
        return self._of_our_ports(seen)

    def _of_our_ports(self, seen: list[tuple[Visit | None, int]]) -> list[tuple[Visit, int]]:
        return [(visit, stage) for visit, stage in seen if visit and (visit.protocol, visit.port) in self._ports]


def _messages(receive: t.Callable[[], t.Any]) -> t.Iterator[t.Any]:
    for _count in range(_AT_A_TIME):
        try:
            yield receive()
        except OSError:  # nothing more; or the device went down, which a packet socket tells once
            return


def packet_visit(packet: bytes) -> Visit | None:
    """The flow of a packet that starts with its IP header; None if it is the first packet of none."""
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        offset = struct.unpack_from("!H", packet, 6)[0] & 0x1FFF
        body = packet[4 * (packet[0] & 0xF) :]
        return None if offset else _visit(_name(packet[9]), packet[12:16], packet[16:20], body)
    if len(packet) >= 40 and packet[0] >> 4 == 6:
        return _visit(_name(packet[6]), packet[8:24], packet[24:40], packet[40:])
    return None


def _name(number: int) -> str | None:
    return {socket.IPPROTO_TCP: TCP, socket.IPPROTO_UDP: UDP}.get(number)


def _visit(protocol: str | None, source: bytes, destination: bytes, body: bytes) -> Visit | None:
    if not protocol or len(body) < (14 if protocol == TCP else 8):
        return None
    if protocol == TCP and body[13] & (_SYN | _ACK) != _SYN:
        return None
    family = socket.AF_INET if len(source) == 4 else socket.AF_INET6
    source_port, port = struct.unpack_from("!HH", body)
    return Visit(protocol, socket.inet_ntop(family, source), source_port, socket.inet_ntop(family, destination), port)
