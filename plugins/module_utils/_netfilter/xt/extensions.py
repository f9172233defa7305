# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matches and targets of iptables, as the kernel keeps them: C structures, in nf_tables as in its older tables.

Their layout is that of the kernel's include/uapi/linux/netfilter/xt_*.h and nf_nat.h. What is not understood makes
everything depend on it.
"""

from __future__ import annotations

import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import rules, seen_bytes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import port_matches

Test = t.Callable[[rules.Packet], rules.Answer]

_EVERY_PORT = (0, 0xFFFF)
_NOT_SOURCE_PORT, _NOT_FLAGS = 1, 4

_ADDRTYPE = struct.Struct("=HHI")
_NOT_SOURCE_TYPE, _NOT_TYPE = 1, 2
_UNICAST, _LOCAL = 1 << 1, 1 << 2  # RTN_UNICAST, RTN_LOCAL of linux/rtnetlink.h, as bits

_CONNTRACK_FLAGS = struct.Struct("=146xHHH")  # what is asked, what of that is inverted, states
_STATE, _STATE_ALIAS = 1, 1 << 13
_NEW = 1 << 3

_OLD_RANGE = struct.Struct("=4xI4s4s2s2s")  # nf_nat_ipv4_multi_range_compat
_RANGE, _RANGE2 = struct.Struct("=I16s16s2s2s"), struct.Struct("=I16s16s2s2s2s")
_WRITES_ADDRESS, _WRITES_PORT, _SHIFTS_PORTS = 1, 2, 32

_TO_NEXT_RULE = ("CONNMARK", "LOG", "MARK", "NFLOG", "SET", "TRACE")


def test(name: str, revision: int, info: bytes) -> Test:
    """What a match asks."""
    decode = _MATCHES.get((name, revision))
    try:
        return decode(info) if decode else _depends_on(f"the match {name!r}")
    except struct.error:
        return _depends_on(f"the match {name!r}")


def target(name: str, revision: int, info: bytes, is_ipv6: bool) -> tuple[rules.Verdict | None, str | None]:
    """What a target does to a packet, if anything, and what that depends on."""
    if name in _TO_NEXT_RULE:
        return None, None
    if name == "NETMAP":
        return rules.Verdict(rules.NAT), None
    if name not in ("DNAT", "REDIRECT"):
        return rules.Verdict(rules.ACCEPT), f"the target {name!r}"
    # The first revision of each has the old structure for IPv4; DNAT for IPv6 never had it.
    layout = _RANGE2 if revision >= 2 else _RANGE if is_ipv6 or revision else _OLD_RANGE
    try:
        flags, first, last, first_port, last_port, *base_port = layout.unpack_from(info)
    except struct.error:
        return rules.Verdict(rules.NAT), f"the target {name!r}"
    size = 16 if is_ipv6 else 4
    has_addresses = flags & _WRITES_ADDRESS and name == "DNAT"
    written = rules.Target(
        is_redirect=name == "REDIRECT",
        addresses=(first[:size], last[:size]) if has_addresses else (),
        ports=(_number(first_port), _number(last_port)) if flags & _WRITES_PORT else (),
        base_port=_number(base_port[0]) if flags & _SHIFTS_PORTS and base_port else None,
    )
    return rules.Verdict(rules.NAT, target=written), None


def _depends_on(what: str) -> Test:
    return lambda packet: what


def _number(big_endian: bytes) -> int:
    return int.from_bytes(big_endian, "big")


def _tcp(info: bytes) -> Test:
    *ports, option, mask, flags, invert = port_matches.TCP.unpack_from(info)
    has_flags = seen_bytes.equal(seen_bytes.masked([seen_bytes.TCP_FLAGS], bytes((mask,))), bytes((flags,)))
    others = (rules.inverted(has_flags, invert & _NOT_FLAGS), "the TCP header" if option else True)
    return lambda packet: rules.every((*_ports(ports, invert, packet), *others))


def _udp(info: bytes) -> Test:
    *ports, invert = port_matches.UDP.unpack_from(info)
    return lambda packet: rules.every(_ports(ports, invert, packet))


def _ports(ports: t.Sequence[int], invert: int, packet: rules.Packet) -> t.Iterator[rules.Answer]:
    first_source, last_source, first, last = ports
    any_source, any_port = ((first_source, last_source) == _EVERY_PORT), ((first, last) == _EVERY_PORT)
    yield rules.inverted(any_port or first <= packet.known_port() <= last, invert & port_matches.NOT_PORT)
    yield rules.inverted(any_source or "the source port", invert & _NOT_SOURCE_PORT)


def _multiport(info: bytes) -> Test:
    which, count, *numbers, invert = port_matches.MULTIPORT.unpack_from(info)
    if which != port_matches.OF_DESTINATION:
        return _depends_on("the source port")
    begins_range = numbers[15:]
    spans, place = [], 0
    while place < count:
        last = place + 1 if begins_range[place] else place
        spans.append((numbers[place], numbers[last]))
        place = last + 1
    return lambda packet: rules.inverted(any(first <= packet.known_port() <= last for first, last in spans), invert)


def _addrtype(info: bytes) -> Test:
    source, destination, flags = _ADDRTYPE.unpack_from(info)
    if flags & ~(_NOT_SOURCE_TYPE | _NOT_TYPE):
        return _depends_on("the routes")  # of one interface
    is_local = not destination or rules.inverted(bool(destination & _LOCAL), flags & _NOT_TYPE)

    def ask(packet: rules.Packet) -> rules.Answer:
        came_from = _LOCAL if packet.hook == rules.OUTPUT else _UNICAST
        return rules.every((is_local, not source or rules.inverted(bool(source & came_from), flags & _NOT_SOURCE_TYPE)))

    return ask


def _conntrack(info: bytes) -> Test:
    asks, inverts, states = _CONNTRACK_FLAGS.unpack_from(info)
    if asks & ~_STATE_ALIAS != _STATE:
        return _depends_on("the connection's tracking")
    return lambda packet: rules.inverted(bool(states & _NEW), inverts & _STATE)


_MATCHES: dict[tuple[str, int], t.Callable[[bytes], Test]] = {
    ("comment", 0): lambda info: lambda packet: True,
    ("tcp", 0): _tcp,
    ("udp", 0): _udp,
    ("multiport", 1): _multiport,
    ("addrtype", 1): _addrtype,
    ("conntrack", 2): _conntrack,
    ("conntrack", 3): _conntrack,
}
