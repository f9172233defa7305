# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Matches and targets of iptables as iptables-save prints them, or their names only. Pure."""

from __future__ import annotations

import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import matches

_STATES = {8: "NEW", 2: "ESTABLISHED", 4: "RELATED", 1: "INVALID", 1 << 8: "UNTRACKED", 1 << 7: "DNAT", 1 << 6: "SNAT"}
_REJECTIONS = {
    0: "icmp-net-unreachable", 1: "icmp-host-unreachable", 2: "icmp-proto-unreachable", 3: "icmp-port-unreachable",
    5: "icmp-net-prohibited", 6: "icmp-host-prohibited", 7: "tcp-reset", 8: "icmp-admin-prohibited",
}  # fmt: skip


def match(name: str, revision: int, info: bytes) -> str:
    make = _MATCHES.get(name)
    try:
        words = make(info) if make else ""
    except struct.error:
        words = ""
    return f"-m {name} {words}".rstrip()


def target(name: str, info: bytes, is_ipv6: bool) -> str:
    if name == "REJECT" and len(info) >= 4 and not is_ipv6:
        how = _REJECTIONS.get(struct.unpack_from("=I", info)[0])
        return f"-j REJECT --reject-with {how}" if how else "-j REJECT"
    return f"-j {name}"


def span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}:{last}"


def _ports(info: bytes) -> str:
    first_source, last_source, first, last = struct.unpack_from("=HHHH", info)
    inverts = info[matches.TCP.size - 1] if len(info) >= matches.TCP.size else info[8]
    ends = (("--sport", first_source, last_source, 1), ("--dport", first, last, 2))
    return " ".join(
        f"{'! ' if inverts & inverted else ''}{option} {span(low, high)}"
        for option, low, high, inverted in ends
        if (low, high) != matches.EVERY_PORT
    )


def _multiport(info: bytes) -> str:
    which, count, *numbers, inverts = matches.MULTIPORT.unpack_from(info)
    option = {matches.OF_SOURCE: "--sports", matches.OF_DESTINATION: "--dports"}.get(which, "--ports")
    ports = ",".join(span(*each) for each in matches.spans(count, numbers))
    return f"{'! ' if inverts else ''}{option} {ports}"


def _conntrack(info: bytes) -> str:
    *_ends, asks, inverts, states, _status = matches.CONNTRACK.unpack_from(info)
    if asks & ~0x2000 != matches.STATE:
        return ""
    names = ",".join(name for bit, name in _STATES.items() if states & bit)
    return f"{'! ' if inverts & matches.STATE else ''}--ctstate {names}"


def _comment(info: bytes) -> str:
    words = info.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    return f'--comment "{words}"' if " " in words else f"--comment {words}"


_MATCHES: dict[str, t.Callable[[bytes], str]] = {
    "comment": _comment,
    "conntrack": _conntrack,
    "multiport": _multiport,
    "tcp": _ports,
    "udp": _ports,
}
