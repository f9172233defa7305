# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The expressions of nf_tables, by the names that the kernel gives them.

The attributes have the numbers of its include/uapi/linux/netfilter/nf_tables.h. What only seldom leads to a
destination is left to be unknown, so that the verdict depends on it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attributes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.kernel import number, place, text
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.registers import (
    Fork,
    Registers,
    Step,
    data,
    stored,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import rules, seen_bytes

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.sets import SetReader

Parts = t.Dict[int, bytes]
"""The attributes of an expression."""

Sets = t.Callable[[], "SetReader"]
Make = t.Callable[[Parts, Sets], Step]

_EQ, _NEQ, _LT, _LTE, _GT, _GTE = range(6)
_LOOKUP_INVERTED = 1
_NETMAP = 64  # NF_NAT_RANGE_NETMAP of linux/netfilter/nf_nat.h
_IPV6 = 10
_COUNTER = 1  # NFT_OBJECT_COUNTER


def decode(element: bytes, sets: Sets) -> Step:
    """One element of NFTA_RULE_EXPRESSIONS. Raises SourceError."""
    told = dict(attributes(element))
    name = text(told.get(1))
    make = _EXPRESSIONS.get(name)
    return make(dict(attributes(told.get(2, b""))), sets) if make else _unknown(f"the expression {name!r}")


def _value(nested: bytes | None) -> bytes:
    return dict(attributes(nested or b"")).get(1, b"")


def _compare(parts: Parts, sets: Sets) -> Step:
    at, how, value = place(parts.get(1)), number(parts.get(2)), _value(parts.get(3))
    end, wanted = at + len(value), number(value)
    if how in (_EQ, _NEQ):
        return lambda view, registers: rules.inverted(seen_bytes.equal(registers[at:end], value), how == _NEQ)
    highest = (1 << 8 * len(value)) - 1
    first, last = {_LT: (0, wanted - 1), _LTE: (0, wanted), _GT: (wanted + 1, highest), _GTE: (wanted, highest)}[how]
    return lambda view, registers: seen_bytes.between(registers[at:end], first, last)


def _range(parts: Parts, sets: Sets) -> Step:
    at, first, last = place(parts.get(1)), _value(parts.get(3)), _value(parts.get(4))
    ends, is_inverted = (number(first), number(last)), number(parts.get(2)) == _NEQ
    return lambda view, registers: rules.inverted(
        seen_bytes.between(registers[at : at + len(first)], *ends), is_inverted
    )


def _loads(what: t.Callable[..., seen_bytes.Bytes], *kinds: int) -> Make:
    """The attributes of these *kinds* tell what. Without a register, it is written instead, which changes nothing."""

    def make(parts: Parts, sets: Sets) -> Step:
        at, asked = place(parts.get(1)), [number(parts.get(kind)) for kind in kinds]

        def step(view: seen_bytes.View, registers: Registers) -> bool:
            if 1 in parts:
                registers[:] = stored(registers, at, what(view, *asked))
            return True

        return step

    return make


def _bitwise(parts: Parts, sets: Sets) -> Step:
    source, at, size = place(parts.get(1)), place(parts.get(2)), number(parts.get(3))
    mask, flips = _value(parts.get(4)), _value(parts.get(5))

    def step(view: seen_bytes.View, registers: Registers) -> bool:
        registers[:] = stored(registers, at, seen_bytes.masked(registers[source : source + size], mask, flips))
        return True

    return step if mask else _unknown("a computed value")


def _lookup(parts: Parts, sets: Sets) -> Step:
    name, source = text(parts.get(1)), place(parts.get(2))
    if 3 not in parts:
        is_inverted = number(parts.get(5)) & _LOOKUP_INVERTED
        return lambda view, registers: rules.inverted(sets().has(name, registers[source:]), is_inverted)
    at = place(parts.get(3))

    def step(view: seen_bytes.View, registers: Registers) -> Fork:
        found = sets().find(name, registers[source:])
        return [(stored(registers, at, each) if isinstance(each, bytes) else each, doubt) for each, doubt in found]

    return step


def _immediate(parts: Parts, sets: Sets) -> Step:
    found = data(parts.get(2, b""))
    return _loads(lambda view: found)(parts, sets) if isinstance(found, bytes) else _always(found)(parts, sets)


def _nat(parts: Parts, sets: Sets) -> Step:
    is_ipv6, is_netmap = number(parts.get(2)) == _IPV6, number(parts.get(7)) & _NETMAP

    def step(view: seen_bytes.View, registers: Registers) -> bool | rules.Verdict:
        if is_ipv6 is not view.packet.is_ipv6:
            return True
        if is_netmap:
            return rules.Verdict(rules.NAT)
        addresses = _values(registers, parts.get(3), parts.get(4), len(view.packet.address))
        return _to(addresses, _values(registers, parts.get(5), parts.get(6), 2))

    return step


def _values(registers: Registers, first: bytes | None, last: bytes | None, size: int) -> list[Registers]:
    """What two registers have, or nothing where there are none."""
    return [registers[place(each) : place(each) + size] for each in (first, last or first) if each]


def _to(addresses: list[Registers], ports: list[Registers], is_redirect: bool = False) -> rules.Verdict:
    if any(isinstance(byte, seen_bytes.Unknown) for value in (*addresses, *ports) for byte in value):
        return rules.Verdict(rules.NAT)
    known = [tuple(map(bytes, t.cast("list[list[int]]", values))) for values in (addresses, ports)]
    numbers = tuple(map(number, known[1]))
    return rules.Verdict(rules.NAT, target=rules.Target(is_redirect, known[0], numbers))


def _match(parts: Parts, sets: Sets) -> Step:
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import extensions

    test = extensions.test(text(parts.get(1)), number(parts.get(2)), parts.get(3, b""))
    return lambda view, registers: test(view.packet)


def _target(parts: Parts, sets: Sets) -> Step:
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import extensions

    name, revision, info = text(parts.get(1)), number(parts.get(2)), parts.get(3, b"")

    def step(view: seen_bytes.View, registers: Registers) -> bool | Fork:
        end, doubt = extensions.target(name, revision, info, view.packet.is_ipv6)
        return [(end, doubt)] if end else True

    return step


def _object(parts: Parts, sets: Sets) -> Step:
    """A named one of several rules. Counting changes nothing; a quota or a limit may have been reached."""
    return _always(True)(parts, sets) if number(parts.get(1)) == _COUNTER else _unknown("a named object")


def _always(answer: rules.Answer | rules.Verdict) -> Make:
    return lambda parts, sets: lambda view, registers: answer


def _unknown(what: str) -> Step:
    """It may match or not, and may have loaded any register."""

    def step(view: seen_bytes.View, registers: Registers) -> str:
        registers[:] = [seen_bytes.Unknown(what)] * seen_bytes.REGISTER_BYTES
        return what

    return step


_EXPRESSIONS: dict[str, Make] = {
    "bitwise": _bitwise,
    "cmp": _compare,
    "counter": _always(True),
    "ct": _loads(seen_bytes.View.connection, 2),
    "dynset": lambda parts, sets: _always("a meter" if 7 in parts or 10 in parts else True)(parts, sets),
    "fib": _loads(seen_bytes.View.route, 2, 3),
    "immediate": _immediate,
    "log": _always(True),
    "lookup": _lookup,
    "match": _match,
    "meta": _loads(seen_bytes.View.meta, 2),
    "nat": _nat,
    "numgen": _loads(lambda view, choices: [seen_bytes.Unknown("chance", choices)] * 4, 2),
    "objref": _object,
    "payload": _loads(seen_bytes.View.payload, 2, 3, 4),
    "queue": _always(rules.Verdict(rules.ACCEPT)),
    "range": _range,
    "redir": lambda parts, sets: (
        lambda view, registers: _to([], _values(registers, parts.get(1), parts.get(2), 2), True)
    ),
    "reject": _always(rules.Verdict(rules.DROP)),
    "target": _target,
}
