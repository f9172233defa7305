# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The targets of iptables, as the kernel keeps them: C structures, in nf_tables as in its older tables. Pure.

Their layout is that of the kernel's include/uapi/linux/netfilter/xt_*.h and nf_nat.h.
"""

from __future__ import annotations

import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import packets, rules
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.answers import Doubt
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import Packets
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.program import Done, Fork, unknown_end
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.values import Unknown, Value, masked

Do = t.Callable[[Packets], Done]

QUEUED: Fork = [
    (rules.Verdict(rules.ACCEPT), Doubt("the program that takes the packets of a queue")),
    (rules.Verdict(rules.DROP), True),
]
_COMPUTED = Doubt("a mark that is computed", is_understood=False)

OLD_RANGE = struct.Struct("=4xI4s4s2s2s")  # nf_nat_ipv4_multi_range_compat
RANGE, RANGE2 = struct.Struct("=I16s16s2s2s"), struct.Struct("=I16s16s2s2s2s")
WRITES_ADDRESS, WRITES_PORT, SHIFTS_PORTS = 1, 2, 32  # NF_NAT_RANGE_*
MARK = struct.Struct("=II")
CONNMARK, CONNMARK2 = struct.Struct("=IIIB"), struct.Struct("=IIIBBB")
SET_MARK, SAVE_MARK, RESTORE_MARK = range(3)
CT_NOTRACK = 1
SET, NO_SET = struct.Struct("=H2xH"), 0xFFFF  # xt_set_info of the set to add to, and of the one to take from

_TO_NEXT_RULE = (
    "AUDIT", "CHECKSUM", "CLASSIFY", "CONNSECMARK", "DSCP", "ECN", "HL", "IDLETIMER", "LED", "LOG", "NFLOG", "RATEEST",
    "SECMARK", "TCPMSS", "TCPOPTSTRIP", "TEE", "TOS", "TRACE", "TTL", "ULOG",
)  # fmt: skip


def decode(name: str, revision: int, info: bytes) -> Do:
    """What a target does."""
    make = _TARGETS.get(name)
    try:
        if make:
            return make(name, revision, info)
    except struct.error:
        pass
    return _always(unknown_end(f"the target {name!r}"))


def _always(done: Done) -> Do:
    return lambda seen: done


def _mark(name: str, revision: int, info: bytes) -> Do:
    value, mask = MARK.unpack_from(info)
    return lambda seen: seen._replace(mark=_marked(seen.mark, mask, value))


def _connmark(name: str, revision: int, info: bytes) -> Do:
    ct_mark, ct_mask, mask, *shift, mode = (CONNMARK2 if revision >= 2 else CONNMARK).unpack_from(info)

    def does(seen: Packets) -> Done:
        if seen.tracking != packets.NEW:
            return True
        if any(shift):
            return seen._replace(mark=Unknown(_COMPUTED, 4), ct_mark=Unknown(_COMPUTED, 4))
        if mode == SET_MARK:
            return seen._replace(ct_mark=_marked(seen.ct_mark, ct_mask, ct_mark))
        if mode == SAVE_MARK:
            return seen._replace(ct_mark=_copied(seen.ct_mark, ct_mask, seen.mark, mask))
        return seen._replace(mark=_copied(seen.mark, mask, seen.ct_mark, ct_mask))

    return does


def _marked(mark: Value, mask: int, bits: int) -> Value:
    """A mark without the bits of *mask*, those of *bits* inverted."""
    return masked(mark, packets.bits(~mask), packets.bits(bits))


def _copied(mark: Value, mask: int, other: Value, other_mask: int) -> Value:
    if not isinstance(other, bytes):
        return Unknown(_COMPUTED, 4)
    return masked(mark, packets.bits(~mask), int.from_bytes(other, "big") & packets.bits(other_mask))


def _ct(name: str, revision: int, info: bytes) -> Do:
    (flags,) = struct.unpack_from("=H", info)
    return _notrack(name, revision, info) if flags & CT_NOTRACK else _always(True)


def _notrack(name: str, revision: int, info: bytes) -> Do:
    return lambda seen: seen.untracked()


def _set(name: str, revision: int, info: bytes) -> Do:
    changed = frozenset(each for each in SET.unpack_from(info) if each != NO_SET)
    return lambda seen: seen._replace(updated=seen.updated | changed)


def _nat(name: str, revision: int, info: bytes) -> Do:
    def does(seen: Packets) -> Done:
        # The first revision of each has the old structure for IPv4; DNAT for IPv6 never had it.
        is_ipv6 = seen.flows.is_ipv6
        layout = RANGE2 if revision >= 2 else RANGE if is_ipv6 or revision else OLD_RANGE
        if len(info) < layout.size:
            return rules.Verdict(rules.NAT)
        flags, first, last, first_port, last_port, *base_port = layout.unpack_from(info)
        size = 16 if is_ipv6 else 4
        has_addresses = flags & WRITES_ADDRESS and name == "DNAT"
        target = rules.Target(
            is_redirect=name == "REDIRECT",
            addresses=(first[:size], last[:size]) if has_addresses else (),
            ports=(_number(first_port), _number(last_port)) if flags & WRITES_PORT else (),
            base_port=_number(base_port[0]) if flags & SHIFTS_PORTS and base_port else None,
        )
        return rules.Verdict(rules.NAT, target=target)

    return does


def _number(big_endian: bytes) -> int:
    return int.from_bytes(big_endian, "big")


_TARGETS: dict[str, t.Callable[[str, int, bytes], Do]] = {
    "CONNMARK": _connmark,
    "CT": _ct,
    "DNAT": _nat,
    "MARK": _mark,
    "NETMAP": lambda *_told: _always(rules.Verdict(rules.NAT)),
    "NFQUEUE": lambda *_told: _always(QUEUED),
    "NOTRACK": _notrack,
    "REDIRECT": _nat,
    "SET": _set,
    "REJECT": lambda *_told: _always(rules.Verdict(rules.DROP)),
    **{name: lambda *_told: _always(rules.Verdict(rules.ACCEPT)) for name in ("MASQUERADE", "SNAT")},
    **{name: lambda *_told: _always(True) for name in _TO_NEXT_RULE},
}
