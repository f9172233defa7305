# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What rules may look at: the headers of packets, and what the kernel keeps with them. Pure.

The numbers are those of linux/netfilter/nf_tables.h and linux/netfilter/nf_conntrack_common.h.
"""

from __future__ import annotations

import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import flows as fields
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Flows
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import (
    Unknown,
    Value,
    cut,
    size_of,
)

PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING, INGRESS = range(6)  # NF_INET_*
EGRESS, BRIDGED, UNSEEN = 6, 7, 8  # of devices and bridges; the kernel has numbers for them that IP has, too
SENT_HERE = (OUTPUT, POSTROUTING)
"""Where packets have no device any more that they came in by, if this host sends them itself."""

NOT_YET, NEW, UNTRACKED = 1, 1 << 3, 1 << 6  # NF_CT_STATE_*; a packet that is not tracked yet counts as invalid
IPS_DST_NAT, IPS_OF_NEW = 0x20, 0x2F  # the latter: what is known of a connection that begins

_NETWORK, _TRANSPORT = 1, 2
MOST_BYTES = 16  # that anything but a header has
_ALL_REGISTERS = 64  # bytes that they have
_WORD = 4  # bytes that most of it has
_LEN, _PROTOCOL, MARK, _IIF, _OIF, IIFNAME, OIFNAME, _IIFTYPE = 0, 1, 3, 4, 5, 6, 7, 8
_SKUID, _SKGID, _NFPROTO, _L4PROTO, _PKTTYPE, _CPU, _IIFGROUP, _CGROUP = 10, 11, 15, 16, 19, 20, 21, 23
_PRANDOM, _SECPATH, _TIME_NS, _TIME_DAY, _TIME_HOUR = 24, 25, 30, 31, 32
_FIELDS = {
    _IIF: fields.IIF, IIFNAME: fields.IIFNAME, _IIFTYPE: fields.IIFTYPE, _IIFGROUP: fields.IIFGROUP,
    _OIF: fields.OIF, OIFNAME: fields.OIFNAME,
}  # fmt: skip
_DOUBTS = {
    _LEN: Doubt("its length"),
    _CPU: Doubt("the processor that takes it"),
    _PRANDOM: Doubt("chance"),
    _SECPATH: Doubt("whether IPsec protects it"),
    **dict.fromkeys((_TIME_NS, _TIME_DAY, _TIME_HOUR), Doubt("the time")),
}
_BYTES = {_TIME_NS: 8, **dict.fromkeys((17, 18, 26, 27, 34), MOST_BYTES)}  # names of bridges, kinds of devices
_CT_STATE, _CT_DIRECTION, _CT_STATUS, CT_MARK, _CT_HELPER, _CT_L3PROTOCOL = 0, 1, 2, 3, 6, 7
_CT_SRC, _CT_DST, _CT_PROTOCOL, _CT_PROTO_SRC, _CT_PROTO_DST = 8, 9, 10, 11, 12
_CT_OF_HEADERS = {
    _CT_SRC: fields.SOURCE, 19: fields.SOURCE, 21: fields.SOURCE,
    _CT_DST: fields.ADDRESS, 20: fields.ADDRESS, 22: fields.ADDRESS,
    _CT_PROTO_SRC: fields.SOURCE_PORT, _CT_PROTO_DST: fields.PORT,
}  # fmt: skip
_FIB_OIF, _FIB_OIFNAME, _FIB_ADDRTYPE, _FIB_SOURCE, _FIB_DESTINATION, _FIB_PRESENT = 1, 2, 3, 1, 2, 32
_RTN_UNICAST, _RTN_LOCAL = 1, 2

HEADER = Doubt("the header")
_TRACKING = Doubt("the connection's tracking", is_understood=False)
ROUTES = Doubt("the routes")


class Packets(t.NamedTuple):
    """All packets that are asked about, at one hook, and what rules have made of them on their way."""

    flows: Flows
    hook: int
    tracking: int = NOT_YET
    mark: Value = bytes(4)
    ct_mark: Value = bytes(4)
    is_sent_on: bool = False
    """Whether NAT has changed their destination."""
    updated: frozenset[int] = frozenset()
    """The ipsets that they have changed themselves."""

    def untracked(self) -> Packets:
        """Not to be tracked, if they are not yet."""
        return self._replace(tracking=UNTRACKED) if self.tracking == NOT_YET else self

    def payload(self, base: int, offset: int, size: int) -> Value:
        """What a header has there."""
        size = min(size, _ALL_REGISTERS)
        if base in (_NETWORK, _TRANSPORT):
            header = self.flows.header(base == _NETWORK)
            if offset + size <= size_of(header):
                return cut(header, offset, size)
        return Unknown(HEADER, size)

    def meta(self, key: int) -> Value | None:
        """None where there is no such thing, so that a rule that asks does not match."""
        if key == MARK:
            return self.mark
        if key in _FIELDS:
            return self.flows.load(_FIELDS[key])
        if key == _L4PROTO:
            return bytes((self.flows.protocol,))
        if key == _PROTOCOL:
            return b"\x86\xdd" if self.flows.is_ipv6 else b"\x08\x00"
        if key == _NFPROTO:
            return b"\x0a" if self.flows.is_ipv6 else b"\x02"
        if self.hook not in SENT_HERE:
            if key == _PKTTYPE:
                return b"\0"  # PACKET_HOST
            if key in (_SKUID, _SKGID, _CGROUP):
                return None  # of a socket, which is looked for behind all hooks
        doubt = _DOUBTS.get(key) or Doubt(f"the meta key {key}", is_understood=False)
        return Unknown(doubt, _BYTES.get(key, _WORD))

    def connection(self, key: int, is_reply: int = 0) -> Value | None:
        """What conntrack knows of a connection that the packet opens; None as with meta()."""
        if key == _CT_STATE:
            return native(self.tracking)
        if self.tracking != NEW or key == _CT_HELPER:
            return None
        if key == CT_MARK:
            return self.ct_mark
        if key == _CT_DIRECTION:
            return b"\0"
        if key == _CT_STATUS:
            return Unknown(_TRACKING, 4, bits(IPS_OF_NEW), bits(IPS_DST_NAT if self.is_sent_on else 0))
        if key == _CT_PROTOCOL:
            return bytes((self.flows.protocol,))
        if key == _CT_L3PROTOCOL:
            return b"\x0a" if self.flows.is_ipv6 else b"\x02"
        if key in _CT_OF_HEADERS and not is_reply and not self.is_sent_on:
            return self.flows.load(_CT_OF_HEADERS[key])
        return Unknown(_TRACKING, MOST_BYTES)

    def route(self, result: int, flags: int) -> Value:
        """What the routing tables say of an end of the packet."""
        if result == _FIB_ADDRTYPE and flags == _FIB_DESTINATION:
            return native(_RTN_LOCAL if self.flows.is_local else _RTN_UNICAST)
        if result == _FIB_ADDRTYPE and flags == _FIB_SOURCE:
            return native(_RTN_LOCAL if self.hook in SENT_HERE else _RTN_UNICAST)
        if flags & _FIB_SOURCE and result != _FIB_ADDRTYPE and all(each.is_routed for each in self.flows.arrivals):
            if flags & _FIB_PRESENT:
                return b"\1"
            return self.flows.load(fields.IIF if result == _FIB_OIF else fields.IIFNAME)
        return Unknown(ROUTES, MOST_BYTES if result == _FIB_OIFNAME else _WORD)


def native(number: int) -> bytes:
    """In this host's own order."""
    return struct.pack("=I", number)


def bits(number: int) -> int:
    """Those of native(), as they are in bytes that count as big-endian."""
    return int.from_bytes(native(number & 0xFFFFFFFF), "big")
