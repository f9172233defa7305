# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The expressions of nf_tables, by the names that the kernel gives them.

The attributes have the numbers of its include/uapi/linux/netfilter/nf_tables.h. What is not understood makes
everything depend on it.
"""

from __future__ import annotations

import sys
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.data import (
    COUNTING,
    Parts,
    expression,
    value_in,
    value_or_verdict,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.kernel import number, place, text
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.registers import Registers
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import rules, values
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Answer, Doubt, inverted
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import (
    CT_MARK,
    MARK,
    UNTRACKED,
    Packets,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.program import Fork, Step, unknown_end

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.sets import SetReader
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.ipsets import IpSets


class Lookups(t.NamedTuple):
    """What rules look things up in, made when the first does."""

    sets: t.Callable[[], SetReader]
    ipsets: t.Callable[[], IpSets]


Make = t.Callable[[Parts, Lookups], Step]
"""Decodes one expression."""

_EQ, _NEQ, _LT, _LTE, _GT, _GTE = range(6)
_MASK_XOR, _LSHIFT, _RSHIFT = range(3)
_LOOKUP_INVERTED = 1
_DYNSET_DELETE, _DYNSET_INVERTED = 2, 1
_NETMAP = 64  # NF_NAT_RANGE_NETMAP of linux/netfilter/nf_nat.h
_NFT_NAT_SNAT, _NFPROTO_IPV6, _NFT_OBJECT_COUNTER, _NFT_EXTHDR_OP_TCPOPT = 0, 10, 1, 1
_NETWORK_ENDS = {False: (12, 20), True: (8, 40)}  # where addresses are in a header

QUEUED = Doubt("the program that takes the packets of a queue")
_OBJECT = Doubt("a quota or another named object", is_understood=False)


def decode(element: bytes, lookups: Lookups) -> Step:
    """One element of NFTA_RULE_EXPRESSIONS. Raises SourceError."""
    name, parts = expression(element)
    make = _EXPRESSIONS.get(name)
    return make(parts, lookups) if make else _unknown(f"the expression {name!r}")


def _compare(parts: Parts, lookups: Lookups) -> Step:  # NFTA_CMP_*: SREG, OP, DATA
    at, how, value = place(parts.get(1)), number(parts.get(2)), value_in(parts.get(3))
    size = len(value)
    if how in (_EQ, _NEQ):
        return lambda packets, registers: inverted(packets.flows.equal(registers.read(at, size), value), how == _NEQ)
    lowest, highest = bytes(size), b"\xff" * size
    ends = (lowest, value) if how in (_LTE, _GT) else (value, highest)
    return lambda packets, registers: inverted(
        packets.flows.between(registers.read(at, size), *ends), how in (_LT, _GT)
    )


def _range(parts: Parts, lookups: Lookups) -> Step:  # NFTA_RANGE_*: SREG, OP, FROM_DATA, TO_DATA
    at, how = place(parts.get(1)), number(parts.get(2))
    first, last = value_in(parts.get(3)), value_in(parts.get(4))
    return lambda packets, registers: inverted(
        packets.flows.between(registers.read(at, len(first)), first, last), how == _NEQ
    )


def _loads(what: t.Callable[..., values.Value | None], *kinds: int) -> Make:
    """The attributes of these *kinds* tell what goes into the register of the first."""

    def make(parts: Parts, lookups: Lookups) -> Step:
        at, asked = place(parts.get(1)), [number(parts.get(kind)) for kind in kinds]

        def step(packets: Packets, registers: Registers) -> bool:
            found = what(packets, *asked)
            if found is None:
                return False
            registers.store(at, found)
            return True

        return step

    return make


_LOADS_META, _LOADS_CT = _loads(Packets.meta, 2), _loads(Packets.connection, 2, 3)
_LOADS_PAYLOAD = _loads(Packets.payload, 2, 3, 4)


def _meta(parts: Parts, lookups: Lookups) -> Step:  # NFTA_META_*: DREG, KEY, SREG
    if 3 not in parts:
        return _LOADS_META(parts, lookups)
    at = place(parts[3])
    if number(parts.get(2)) != MARK:
        return _always(True)(parts, lookups)
    return lambda packets, registers: packets._replace(mark=registers.read(at, 4))


def _ct(parts: Parts, lookups: Lookups) -> Step:  # NFTA_CT_*: DREG, KEY, DIRECTION, SREG
    if 4 not in parts:
        return _LOADS_CT(parts, lookups)
    at = place(parts[4])
    if number(parts.get(2)) != CT_MARK:
        return _always(True)(parts, lookups)
    return lambda packets, registers: (
        packets if packets.tracking == UNTRACKED else packets._replace(ct_mark=registers.read(at, 4))
    )


def _payload(parts: Parts, lookups: Lookups) -> Step:  # NFTA_PAYLOAD_*: DREG, BASE, OFFSET, LEN, SREG
    if 5 not in parts:
        return _LOADS_PAYLOAD(parts, lookups)
    base, first, size = (number(parts.get(kind)) for kind in (2, 3, 4))

    def step(packets: Packets, registers: Registers) -> bool | rules.Verdict:
        begin, end = _NETWORK_ENDS[packets.flows.is_ipv6] if base == 1 else (0, 4)
        is_of_its_ends = base in (1, 2) and first < end and begin < first + size
        return rules.Verdict(rules.NAT) if is_of_its_ends else True

    return step


def _exthdr(parts: Parts, lookups: Lookups) -> Step:  # NFTA_EXTHDR_*: DREG, TYPE, OFFSET, LEN, FLAGS, OP, SREG
    if number(parts.get(6)) == _NFT_EXTHDR_OP_TCPOPT:
        options = values.Unknown(Doubt("the TCP options of the client"), min(number(parts.get(4)), 16))
        return _always(True)(parts, lookups) if 7 in parts else _loads(lambda packets: options)(parts, lookups)
    # Clients send no extension headers.
    return _loads(lambda packets: b"\0")(parts, lookups) if number(parts.get(5)) else _always(False)(parts, lookups)


def _bitwise(parts: Parts, lookups: Lookups) -> Step:  # NFTA_BITWISE_*: SREG, DREG, LEN, MASK, XOR, OP, DATA
    source, at, size = place(parts.get(1)), place(parts.get(2)), number(parts.get(3))
    how, mask, flips = number(parts.get(6)), number(value_in(parts.get(4))), number(value_in(parts.get(5)))
    if how not in (_MASK_XOR, _LSHIFT, _RSHIFT) or (how == _MASK_XOR and 4 not in parts):
        return _unknown("a computed value")
    bits = int.from_bytes(value_in(parts.get(7)), sys.byteorder)

    def step(packets: Packets, registers: Registers) -> bool:
        value = registers.read(source, size)
        if how == _MASK_XOR:
            made = values.masked(value, mask, flips)
        elif isinstance(value, bytes):
            shifted = number(value) << bits if how == _LSHIFT else number(value) >> bits
            made = (shifted & (1 << 8 * size) - 1).to_bytes(size, "big")
        else:
            made = values.Unknown(_SHIFTED, size)
        registers.store(at, made)
        return True

    return step


_SHIFTED = Doubt("a shifted value", is_understood=False)


def _byteorder(parts: Parts, lookups: Lookups) -> Step:  # NFTA_BYTEORDER_*: SREG, DREG, OP, LEN, SIZE
    source, at = place(parts.get(1)), place(parts.get(2))
    size, unit = number(parts.get(4)), number(parts.get(5)) or 1

    def step(packets: Packets, registers: Registers) -> bool:
        whole = registers.read(source, size)
        units = [values.cut(whole, begin, unit) for begin in range(0, size, unit)]
        swapped = [values.cut(each, byte, 1) for each in units for byte in reversed(range(unit))]
        registers.store(at, values.joined(swapped) if sys.byteorder == "little" else whole)
        return True

    return step


def _lookup(parts: Parts, lookups: Lookups) -> Step:  # NFTA_LOOKUP_*: SET, SREG, DREG, SET_ID, FLAGS
    name, source = text(parts.get(1)), place(parts.get(2))
    if 3 not in parts:
        is_inverted = number(parts.get(5)) & _LOOKUP_INVERTED
        return lambda packets, registers: inverted(lookups.sets().has(name, packets, registers, source), is_inverted)
    at = place(parts[3])

    def step(packets: Packets, registers: Registers) -> Fork:
        ways: Fork = []
        for found, answer in lookups.sets().find(name, packets, registers, source):
            if not isinstance(found, rules.Verdict):
                way = registers.copy()
                way.store(at, found)
            ways.append((found if isinstance(found, rules.Verdict) else way, answer))
        return ways

    return step


def _immediate(parts: Parts, lookups: Lookups) -> Step:  # NFTA_IMMEDIATE_*: DREG, DATA
    found = value_or_verdict(parts.get(2, b""))
    return _loads(lambda packets: found)(parts, lookups) if isinstance(found, bytes) else _always(found)(parts, lookups)


def _nat(parts: Parts, lookups: Lookups) -> Step:  # NFTA_NAT_*: TYPE, FAMILY, REG_ADDR_*, REG_PROTO_*, FLAGS
    is_ipv6, is_netmap = number(parts.get(2)) == _NFPROTO_IPV6, number(parts.get(7)) & _NETMAP

    def step(packets: Packets, registers: Registers) -> bool | rules.Verdict:
        if is_ipv6 is not packets.flows.is_ipv6:
            return True
        if number(parts.get(1)) == _NFT_NAT_SNAT:
            return rules.Verdict(rules.ACCEPT)
        if is_netmap:
            return rules.Verdict(rules.NAT)
        addresses = _read(registers, parts.get(3), parts.get(4), packets.flows.bits // 8)
        return _to(addresses, _read(registers, parts.get(5), parts.get(6), 2))

    return step


def _read(registers: Registers, first: bytes | None, last: bytes | None, size: int) -> list[values.Value]:
    """What two registers have, or nothing where there are none."""
    return [registers.read(place(each), size) for each in (first, last or first) if each]


def _to(addresses: list[values.Value], ports: list[values.Value], is_redirect: bool = False) -> rules.Verdict:
    known = [tuple(each for each in ends if isinstance(each, bytes)) for ends in (addresses, ports)]
    if len(known[0]) < len(addresses) or len(known[1]) < len(ports):
        return rules.Verdict(rules.NAT)
    return rules.Verdict(rules.NAT, target=rules.Target(is_redirect, known[0], tuple(map(number, known[1]))))


def _redirect(parts: Parts, lookups: Lookups) -> Step:  # NFTA_REDIR_*: REG_PROTO_MIN, REG_PROTO_MAX
    return lambda packets, registers: _to([], _read(registers, parts.get(1), parts.get(2), 2), True)


def _match(parts: Parts, lookups: Lookups) -> Step:  # NFTA_MATCH_*: NAME, REV, INFO
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import matches

    ask = matches.decode(text(parts.get(1)), number(parts.get(2)), parts.get(3, b""), lookups.ipsets)
    return lambda packets, registers: ask(packets)


def _target(parts: Parts, lookups: Lookups) -> Step:  # NFTA_TARGET_*: NAME, REV, INFO
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import targets

    does = targets.decode(text(parts.get(1)), number(parts.get(2)), parts.get(3, b""))
    return lambda packets, registers: does(packets)


def _dynset(parts: Parts, lookups: Lookups) -> Step:  # NFTA_DYNSET_*: SET_NAME, OP, EXPR, FLAGS, EXPRESSIONS
    """What cannot be added ends the rule: nft_dynset_eval() in net/netfilter/nft_dynset.c."""
    inner = [parts[7]] if 7 in parts else [element for _kind, element in attributes(parts.get(10, b""))]
    if not all(expression(each)[0] in COUNTING for each in inner) or number(parts.get(9)) & _DYNSET_INVERTED:
        return _always(Doubt("a limit for each client"))(parts, lookups)
    if number(parts.get(3)) == _DYNSET_DELETE:
        return _always(True)(parts, lookups)
    name = text(parts.get(1))
    full = Doubt(f"the set {name}, which is full")
    return lambda packets, registers: lookups.sets().takes_more(name) or full


def _object(parts: Parts, lookups: Lookups) -> Step:  # NFTA_OBJREF_IMM_TYPE
    """A named one of several rules. Counting changes nothing; a quota or a limit may have been reached."""
    return _always(True if number(parts.get(1)) == _NFT_OBJECT_COUNTER else _OBJECT)(parts, lookups)


def _notrack(parts: Parts, lookups: Lookups) -> Step:
    return lambda packets, registers: packets.untracked()


def _numgen(parts: Parts, lookups: Lookups) -> Step:  # NFTA_NG_*: DREG, MODULUS
    made = values.Unknown(Doubt("chance"), 4, choices=number(parts.get(2)))
    return _loads(lambda packets: made)(parts, lookups)


def _always(answer: Answer | rules.Verdict | Fork) -> Make:
    return lambda parts, lookups: lambda packets, registers: answer


def _unknown(what: str) -> Step:
    """It may end the rule, or let it go on and have loaded any register, or not."""
    ends = unknown_end(what)
    return lambda packets, registers: [*ends, (Registers(), ends[0][1])]


_EXPRESSIONS: dict[str, Make] = {
    "bitwise": _bitwise,
    "byteorder": _byteorder,
    "cmp": _compare,
    "connlimit": _always(Doubt("the number of connections")),
    "ct": _ct,
    "dup": _always(True),
    "dynset": _dynset,
    "exthdr": _exthdr,
    "fib": _loads(Packets.route, 2, 3),
    "flow_offload": _always(True),
    "immediate": _immediate,
    "limit": _always(Doubt("a rate limit")),
    "log": _always(True),
    "lookup": _lookup,
    "masq": _always(rules.Verdict(rules.ACCEPT)),
    "match": _match,
    "meta": _meta,
    "nat": _nat,
    "notrack": _notrack,
    "numgen": _numgen,
    "objref": _object,
    "payload": _payload,
    "queue": _always([(rules.Verdict(rules.ACCEPT), QUEUED), (rules.Verdict(rules.DROP), True)]),
    "quota": _always(Doubt("a quota")),
    "range": _range,
    "redir": _redirect,
    "reject": _always(rules.Verdict(rules.DROP)),
    "target": _target,
    **{name: _always(True) for name in COUNTING},
}
