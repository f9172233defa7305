# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matches of iptables, as the kernel keeps them: C structures, in nf_tables as in its older tables. Pure.

Their layout is that of the kernel's include/uapi/linux/netfilter/xt_*.h. What is not understood makes everything depend
on it.
"""

from __future__ import annotations

import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import flows, packets
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Answer, Doubt, inverted
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import Packets
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import masked

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.ipsets import IpSets

Ask = t.Callable[[Packets], Answer]

# Of both: source ports, ports; at the end what is inverted. Between them TCP has an option, a mask of flags, and flags.
TCP, UDP = struct.Struct("=HHHHBBBB"), struct.Struct("=HHHHB")
NOT_SOURCE_PORT, NOT_PORT, NOT_FLAGS, NOT_OPTION = 1, 2, 4, 8
EVERY_PORT = (0, 0xFFFF)
MULTIPORT = struct.Struct("=BB15H15BB")  # which ends, how many ports, ports, which of them begin a range, inverted
OF_SOURCE, OF_DESTINATION, OF_EITHER = range(3)
ADDRTYPE = struct.Struct("=HHI")
NOT_SOURCE_TYPE, NOT_TYPE = 1, 2
_UNICAST, _LOCAL = 1 << 1, 1 << 2  # RTN_UNICAST, RTN_LOCAL of linux/rtnetlink.h, as bits
IPRANGE = struct.Struct("=16s16s16s16sB")
RANGE_OF_SOURCE, RANGE_OF_DESTINATION, NOT_RANGE_OF_SOURCE, NOT_RANGE_OF_DESTINATION = 1, 2, 16, 32
MARK = struct.Struct("=IIB")  # value, mask, inverted
PKTTYPE = struct.Struct("=ii")
DEVGROUP = struct.Struct("=5I")
GROUP_OF_SOURCE, NOT_GROUP_OF_SOURCE, _GROUP_OF_DESTINATION = 1, 2, 4
RECENT = struct.Struct("=8xBB")
RECENT_SET = 2
_NO_WAY_BACK = 8  # XT_RPFILTER_INVERT
# Ends of the original direction with their masks, protocol, ports, what is asked, inverted, states, status.
CONNTRACK = struct.Struct("=16s16s16s16s64x8xH4HHHHH")
STATE, PROTOCOL, FROM, TO, STATUS, FROM_PORT, TO_PORT, DIRECTION, _ALIAS = 1, 2, 4, 8, 64, 256, 512, 4096, 8192
_STATE_DNAT, _STATE_UNTRACKED = 1 << 7, 1 << 8  # XT_CONNTRACK_STATE_*
_XT_STATE_UNTRACKED = 1 << 6
SET = struct.Struct("=HBB")  # xt_set_info: index, dimensions, flags, one of them for each dimension
_NOT_IN_SET, _RETURNS_NOMATCH = 1, 1 << 7
_WITH_COUNTERS, SET_COUNTERS = 3, struct.Struct("=16xB15xB7xI")  # how packets and bytes are compared, flags

_DEPENDS = {
    "limit": "a rate limit",
    "hashlimit": "a rate limit for each client",
    "recent": "how often a client has come",
    "connlimit": "the number of connections",
    "quota": "a quota",
    "time": "the time",
    "statistic": "chance",
    "cpu": "the processor that takes it",
    "length": "its length",
    "mac": "the MAC address of the sender",
    "policy": "whether IPsec protects it",
    "tcpmss": "the TCP options of the client",
    "physdev": "the port of a bridge that it comes in by",
    **dict.fromkeys(("ttl", "hl"), "the time to live"),
    **dict.fromkeys(("dscp", "tos", "ecn"), "the type of service"),
}


def decode(name: str, revision: int, info: bytes, ipsets: t.Callable[[], IpSets]) -> Ask:
    """What a match asks."""
    make = _MATCHES.get((name, revision)) or _ALL_REVISIONS.get(name)
    try:
        if make:
            return make(info)
        if name == "set" and revision:
            return _set(info, revision, ipsets)
    except struct.error:
        pass
    return _depends(Doubt(_DEPENDS[name]) if name in _DEPENDS else Doubt(f"the match {name!r}", is_understood=False))


def _depends(answer: Answer) -> Ask:
    return lambda packets: answer


def _ports(name: str, first: int, last: int, inverts: t.Any) -> Ask | None:
    if (first, last) == EVERY_PORT and not inverts:
        return None
    ends = first.to_bytes(2, "big"), last.to_bytes(2, "big")
    return lambda packets: inverted(packets.flows.between(packets.flows.load(name), *ends), inverts)


def _every(asks: t.Iterable[Ask | None]) -> Ask:
    wanted = [ask for ask in asks if ask]
    return wanted[0] if len(wanted) == 1 else lambda packets: packets.flows.every(ask(packets) for ask in wanted)


def _tcp(info: bytes) -> Ask:
    first_source, last_source, first, last, option, mask, flags, inverts = TCP.unpack_from(info)

    def has_flags(packets: Packets) -> Answer:
        found = masked(packets.payload(2, 13, 1), mask, 0)
        return inverted(packets.flows.equal(found, bytes((flags,))), inverts & NOT_FLAGS)

    return _every((
        _ports(flows.SOURCE_PORT, first_source, last_source, inverts & NOT_SOURCE_PORT),
        _ports(flows.PORT, first, last, inverts & NOT_PORT),
        has_flags if mask or inverts & NOT_FLAGS else None,
        _depends(Doubt("the TCP options of the client")) if option else None,
    ))  # fmt: skip


def _udp(info: bytes) -> Ask:
    first_source, last_source, first, last, inverts = UDP.unpack_from(info)
    return _every((
        _ports(flows.SOURCE_PORT, first_source, last_source, inverts & NOT_SOURCE_PORT),
        _ports(flows.PORT, first, last, inverts & NOT_PORT),
    ))  # fmt: skip


def spans(count: int, numbers: t.Sequence[int]) -> t.Iterator[tuple[int, int]]:
    """The ranges of ports of a multiport match."""
    ports, begins_range = numbers[:15], numbers[15:]
    place = 0
    while place < count:
        last = place + 1 if begins_range[place] else place
        yield ports[place], ports[last]
        place = last + 1


def _multiport(info: bytes) -> Ask:
    which, count, *numbers, inverts = MULTIPORT.unpack_from(info)
    names = {OF_SOURCE: [flows.SOURCE_PORT], OF_DESTINATION: [flows.PORT]}.get(which, [flows.PORT, flows.SOURCE_PORT])
    ranges = [(first.to_bytes(2, "big"), last.to_bytes(2, "big")) for first, last in spans(count, numbers)]

    def ask(packets: Packets) -> Answer:
        seen = packets.flows
        answers = [seen.between(seen.load(name), *ends) for name in names for ends in ranges]
        return inverted(seen.some(answers), inverts)

    return ask


def _addrtype(info: bytes) -> Ask:
    source, address, is_inverted = ADDRTYPE.unpack_from(info)
    if is_inverted & ~(NOT_SOURCE_TYPE | NOT_TYPE):
        return _depends(packets.ROUTES)  # of one device

    def ask(seen: Packets) -> Answer:
        came_from = _LOCAL if seen.hook in packets.SENT_HERE else _UNICAST
        goes_to = _LOCAL if seen.flows.is_local else _UNICAST
        has_source = not source or inverted(bool(source & came_from), is_inverted & NOT_SOURCE_TYPE)
        return has_source and (not address or inverted(bool(address & goes_to), is_inverted & NOT_TYPE))

    return ask


def _iprange(info: bytes) -> Ask:
    *ends, which = IPRANGE.unpack_from(info)

    def ask(seen: Packets) -> Answer:
        size = seen.flows.bits // 8
        first_source, last_source, first, last = (each[:size] for each in ends)
        answers: list[Answer] = []
        if which & RANGE_OF_SOURCE:
            found = seen.flows.between(seen.flows.load(flows.SOURCE), first_source, last_source)
            answers.append(inverted(found, which & NOT_RANGE_OF_SOURCE))
        if which & RANGE_OF_DESTINATION:
            found = seen.flows.between(seen.flows.load(flows.ADDRESS), first, last)
            answers.append(inverted(found, which & NOT_RANGE_OF_DESTINATION))
        return seen.flows.every(answers)

    return ask


def _mark(info: bytes) -> Ask:
    value, mask, inverts = MARK.unpack_from(info)
    return lambda seen: _has_mark(seen, seen.mark, value, mask, inverts)


def _connmark(info: bytes) -> Ask:
    value, mask, inverts = MARK.unpack_from(info)
    return lambda seen: seen.tracking == packets.NEW and _has_mark(seen, seen.ct_mark, value, mask, inverts)


def _has_mark(seen: Packets, mark: t.Any, value: int, mask: int, inverts: int) -> Answer:
    kept = masked(mark, packets.bits(mask), 0)
    return inverted(seen.flows.equal(kept, packets.native(value)), inverts)


def _state(info: bytes) -> Ask:
    (states,) = struct.unpack_from("=I", info)
    return lambda seen: bool(states & (_XT_STATE_UNTRACKED if seen.tracking == packets.UNTRACKED else seen.tracking))


def _conntrack(info: bytes, has_ranges: bool = False) -> Ask:
    source, source_mask, address, address_mask, protocol, *rest = CONNTRACK.unpack_from(info)
    source_port, port, _reply_source_port, _reply_port, asks, inverts, states, status = rest
    highs = _LAST_PORTS.unpack_from(info, CONNTRACK.size) if has_ranges else (source_port, port)
    ends = [struct.pack(">H" if has_ranges else "=H", each) for each in (source_port, highs[0], port, highs[1])]
    parts: list[tuple[int, str, bytes, bytes]] = [
        (FROM, flows.SOURCE, source, source_mask),
        (TO, flows.ADDRESS, address, address_mask),
        (FROM_PORT, flows.SOURCE_PORT, ends[0], ends[1]),
        (TO_PORT, flows.PORT, ends[2], ends[3]),
    ]

    first_end: dict[int, t.Callable[[bytes, int], bool]] = {
        TO: lambda to, _port: not any((a ^ b) & c for a, b, c in zip(to, address, address_mask)),
        TO_PORT: lambda _to, to_port: ends[2] <= struct.pack(">H", to_port) <= ends[3],
    }

    def of_tuple(seen: Packets) -> t.Iterator[Answer]:
        for flag, name, first, last in parts:
            if asks & flag and flag in (TO, TO_PORT) and seen.is_sent_on:
                yield inverted(seen.flows.went_first(first_end[flag]), inverts & flag)
            elif asks & flag in (FROM, TO):
                size = seen.flows.bits // 8
                kept = masked(seen.flows.load(name), int.from_bytes(last[:size], "big"), 0)
                yield inverted(seen.flows.equal(kept, first[:size]), inverts & flag)
            elif asks & flag:
                yield inverted(seen.flows.between(seen.flows.load(name), first, last), inverts & flag)

    def ask(seen: Packets) -> Answer:
        state = _STATE_UNTRACKED if seen.tracking == packets.UNTRACKED else seen.tracking
        state |= _STATE_DNAT if seen.is_sent_on else 0
        if asks & STATE and bool(states & state) == bool(inverts & STATE):
            return False
        if seen.tracking != packets.NEW:
            return bool(asks & STATE)
        if asks & ~_KNOWN or (asks & STATUS and status & ~packets.IPS_OF_NEW):
            return Doubt("the connection's tracking", is_understood=False)
        has_status = bool(status & (packets.IPS_DST_NAT if seen.is_sent_on else 0)) != bool(inverts & STATUS)
        return seen.flows.every((
            not asks & DIRECTION or not inverts & DIRECTION,
            not asks & PROTOCOL or (protocol == seen.flows.protocol) != bool(inverts & PROTOCOL),
            not asks & STATUS or has_status,
            *of_tuple(seen),
        ))  # fmt: skip

    return ask


_KNOWN = STATE | PROTOCOL | FROM | TO | STATUS | FROM_PORT | TO_PORT | DIRECTION | _ALIAS
_LAST_PORTS = struct.Struct("=HH")


def _devgroup(info: bytes) -> Ask:
    asks, group, mask, _goes, _goes_mask = DEVGROUP.unpack_from(info)
    if asks & _GROUP_OF_DESTINATION:
        return _depends(Doubt("the device that it leaves by"))

    def ask(seen: Packets) -> Answer:
        kept = masked(seen.flows.load(flows.IIFGROUP), packets.bits(mask), 0)
        return inverted(seen.flows.equal(kept, packets.native(group)), asks & NOT_GROUP_OF_SOURCE)

    return ask if asks & GROUP_OF_SOURCE else _depends(True)


def _pkttype(info: bytes) -> Ask:
    kind, inverts = PKTTYPE.unpack_from(info)
    return _depends(bool(kind) == bool(inverts))  # PACKET_HOST, which is 0


def _rpfilter(info: bytes) -> Ask:
    (flags,) = struct.unpack_from("=B", info)

    def ask(seen: Packets) -> Answer:
        are_routed = all(arrival.is_routed for arrival in seen.flows.arrivals)
        return not flags & _NO_WAY_BACK if are_routed else packets.ROUTES

    return ask


def _recent(info: bytes) -> Ask:
    how, _inverts = RECENT.unpack_from(info)
    return _depends(True if how & RECENT_SET else Doubt(_DEPENDS["recent"]))


def _set(info: bytes, revision: int, ipsets: t.Callable[[], IpSets]) -> Ask:
    index, dimensions, flags = SET.unpack_from(info)
    counts = revision >= _WITH_COUNTERS and any(SET_COUNTERS.unpack_from(info))
    if counts or flags & _RETURNS_NOMATCH:
        return _depends(Doubt("the counters of an ipset"))
    are_sources = [bool(flags & 1 << place) for place in range(1, dimensions + 1)]

    def ask(seen: Packets) -> Answer:
        if index in seen.updated:
            return Doubt(f"what is in the ipset {ipsets().name(index)} then")
        return inverted(ipsets().has(index, seen.flows, are_sources), flags & _NOT_IN_SET)

    return ask


_MATCHES: dict[tuple[str, int], t.Callable[[bytes], Ask]] = {
    ("addrtype", 1): _addrtype,
    ("connmark", 1): _connmark,
    ("conntrack", 2): _conntrack,
    ("conntrack", 3): lambda info: _conntrack(info, has_ranges=True),
    ("devgroup", 0): _devgroup,
    ("iprange", 1): _iprange,
    ("mark", 1): _mark,
    ("multiport", 1): _multiport,
    ("pkttype", 0): _pkttype,
    ("state", 0): _state,
    ("tcp", 0): _tcp,
    ("udp", 0): _udp,
}
_ALL_REVISIONS: dict[str, t.Callable[[bytes], Ask]] = {
    "comment": lambda info: _depends(True),
    "helper": lambda info: _depends(bool(struct.unpack_from("=i", info)[0])),  # only of connections that others open
    "nfacct": lambda info: _depends(True),
    "recent": _recent,
    "rpfilter": _rpfilter,
    **{name: lambda info: _depends(False) for name in ("dst", "frag", "hbh", "rt")},  # headers that clients do not send
}
