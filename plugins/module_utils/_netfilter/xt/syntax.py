# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Matches and targets of iptables as iptables-save prints them, or their names only. Pure."""

from __future__ import annotations

import socket
import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import is_prefix
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import matches

_STATES = {8: "NEW", 2: "ESTABLISHED", 4: "RELATED", 1: "INVALID", 1 << 8: "UNTRACKED", 1 << 7: "DNAT", 1 << 6: "SNAT"}
_STATE_ALIAS = 0x2000  # XT_CONNTRACK_STATE_ALIAS: the user wrote -m state
_TCP_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")
_REJECTIONS = {
    0: "icmp-net-unreachable", 1: "icmp-host-unreachable", 2: "icmp-proto-unreachable", 3: "icmp-port-unreachable",
    5: "icmp-net-prohibited", 6: "icmp-host-prohibited", 7: "tcp-reset", 8: "icmp-admin-prohibited",
}  # fmt: skip
_REJECTIONS_OF_IPV6 = {
    0: "icmp6-no-route", 1: "icmp6-adm-prohibited", 3: "icmp6-addr-unreachable", 4: "icmp6-port-unreachable",
    6: "tcp-reset", 7: "icmp6-policy-fail", 8: "icmp6-reject-route",
}  # fmt: skip


def match(name: str, revision: int, info: bytes) -> str:
    """As iptables-save prints it; with three dots for options that are not understood."""
    try:
        words = _MATCHES[name](info)
    except (LookupError, struct.error):
        words = "..."
    # The match of old is the same to the kernel.
    name = "state" if "--state" in words.split() else name
    return f"-m {name} {words}".rstrip()


def target(name: str, info: bytes, is_ipv6: bool) -> str:
    if name == "REJECT" and len(info) >= 4:
        how = (_REJECTIONS_OF_IPV6 if is_ipv6 else _REJECTIONS).get(struct.unpack_from("=I", info)[0])
        return f"-j REJECT --reject-with {how}" if how else "-j REJECT"
    return f"-j {name}"


def network(address: bytes, mask: bytes) -> str:
    """``192.0.2.0/24``, or with its mask if that has gaps."""
    family = socket.AF_INET6 if len(address) == 16 else socket.AF_INET
    number = int.from_bytes(mask, "big")
    length = bin(number).count("1") if is_prefix(number, 8 * len(mask)) else socket.inet_ntop(family, mask)
    return f"{socket.inet_ntop(family, address)}/{length}"


def span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}:{last}"


def _ports(info: bytes) -> str:
    first_source, last_source, first, last = struct.unpack_from("=HHHH", info)
    inverts = info[matches.TCP.size - 1] if len(info) >= matches.TCP.size else info[8]
    ends = (
        ("--sport", first_source, last_source, matches.NOT_SOURCE_PORT),
        ("--dport", first, last, matches.NOT_PORT),
    )
    words = [
        f"{'! ' if inverts & inverted else ''}{option} {span(low, high)}"
        for option, low, high, inverted in ends
        if (low, high) != matches.EVERY_PORT
    ]
    return " ".join([*words, *_flags(info)])


def _flags(info: bytes) -> t.Iterator[str]:
    """Of TCP: struct xt_tcp in linux/netfilter/xt_tcpudp.h."""
    if len(info) >= matches.TCP.size and info[9]:
        mask, wanted, inverts = info[9:12]
        sets = (",".join(flag for bit, flag in enumerate(_TCP_FLAGS) if value & 1 << bit) for value in (mask, wanted))
        asked, set_ = sets
        yield f"{'! ' if inverts & matches.NOT_FLAGS else ''}--tcp-flags {asked} {set_ or 'NONE'}"


def _multiport(info: bytes) -> str:
    which, count, *numbers, inverts = matches.MULTIPORT.unpack_from(info)
    option = {matches.OF_SOURCE: "--sports", matches.OF_DESTINATION: "--dports"}.get(which, "--ports")
    ports = ",".join(span(*each) for each in matches.spans(count, numbers))
    return f"{'! ' if inverts else ''}{option} {ports}"


def _conntrack(info: bytes) -> str:
    *_ends, asks, inverts, states, _status = matches.CONNTRACK.unpack_from(info)
    if asks & ~_STATE_ALIAS != matches.STATE:
        return "..."
    names = ",".join(name for bit, name in _STATES.items() if states & bit)
    option = "--state" if asks & _STATE_ALIAS else "--ctstate"
    return f"{'! ' if inverts & matches.STATE else ''}{option} {names}"


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
