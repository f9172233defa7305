# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rule of nf_tables as nft prints it, or as iptables-save does if iptables made it.

What is not known here is named in parentheses.
"""

from __future__ import annotations

import re
import socket
import struct
import sys
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.data import (
    COUNTING,
    Parts,
    expression,
    value_in,
    value_or_verdict,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.kernel import number, text
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import is_prefix

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.keys import Element
    from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Verdict

_META = {0: "meta length", 1: "meta protocol", 3: "meta mark", 4: "iif", 5: "oif", 6: "iifname", 7: "oifname",
         8: "meta iiftype", 15: "meta nfproto", 16: "meta l4proto", 19: "meta pkttype", 20: "meta cpu",
         21: "iifgroup"}  # fmt: skip
_NUMBERS = ("meta length", "meta cpu")
_META_BYTES, _USUAL_BYTES = {1: 2, 6: 16, 7: 16, 8: 2, 15: 1, 16: 1, 19: 1}, 4
_PAYLOAD = {
    (1, 12, 4): "ip saddr", (1, 16, 4): "ip daddr", (1, 9, 1): "ip protocol", (1, 8, 16): "ip6 saddr",
    (1, 24, 16): "ip6 daddr", (1, 6, 1): "ip6 nexthdr", (2, 0, 2): "th sport", (2, 2, 2): "th dport",
    (2, 13, 1): "tcp flags",
}  # fmt: skip
_BASES = {1: "nh", 2: "th"}
_ADDRESSES = ("ip saddr", "ip daddr", "ip6 saddr", "ip6 daddr")
_CT = {0: "ct state", 1: "ct direction", 2: "ct status", 3: "ct mark"}
_CT_ENDS = {11: "proto-src", 12: "proto-dst", 19: "ip saddr", 20: "ip daddr", 21: "ip6 saddr", 22: "ip6 daddr"}
_DIRECTIONS = {0: "original", 1: "reply"}
_KINDS_OF_DEVICES = {1: "ether", 512: "ppp", 772: "loopback", 778: "ipgre"}
_KINDS_OF_PACKETS = {0: "host", 1: "broadcast", 2: "multicast", 3: "other"}
_KINDS_OF_ADDRESSES = {1: "unicast", 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast", 6: "blackhole",
                       7: "unreachable", 8: "prohibit"}  # fmt: skip
_FIB_ASKS = {1: "saddr", 2: "daddr", 4: "mark", 8: "iif", 16: "oif"}
_FIB_RESULTS = {1: "oif", 2: "oifname", 3: "type"}
_FIB_IS_THERE = 32
_LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit")
_USUAL_LEVEL = 4
_STATES = {1: "invalid", 2: "established", 4: "related", 8: "new", 64: "untracked"}
_STATUSES = {1: "expected", 2: "seen-reply", 4: "assured", 8: "confirmed", 16: "snat", 32: "dnat", 512: "dying"}
_NAMES_OF_BITS = {"ct state": _STATES, "ct status": _STATUSES}
_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr")
_UNITS = {1: "second", 60: "minute", 3600: "hour", 86400: "day", 604800: "week"}
_USUAL_BURST = 5
_MOST_MEMBERS = 8
_AT_LEAST, _AT_MOST = 5, 3
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp"}
_FAMILIES = {2: "ipv4", 10: "ipv6"}
_VERSIONS = {"ip": "ipv4", "ip6": "ipv6"}
_NEQ = 1
_OPERATORS = {0: "", 1: "!= ", 2: "< ", 3: "<= ", 4: "> ", 5: ">= "}
_ICMPX = {0: "no-route", 1: "port-unreachable", 2: "host-unreachable", 3: "admin-prohibited"}
_ICMPX_PORT = 1
_ICMP = {
    0: "net-unreachable", 1: "host-unreachable", 2: "prot-unreachable", 9: "net-prohibited", 10: "host-prohibited",
    13: "admin-prohibited",
}  # fmt: skip
_ICMP6 = {0: "no-route", 1: "admin-prohibited", 3: "addr-unreachable", 5: "policy-fail", 6: "reject-route"}
_REJECT_TCP_RESET, _REJECT_ICMPX = 1, 2
_OF_IPTABLES = {
    "ip saddr": "-s", "ip6 saddr": "-s", "ip daddr": "-d", "ip6 daddr": "-d", "iifname": "-i", "oifname": "-o",
    "meta l4proto": "-p", "ip protocol": "-p", "th dport": "--dport", "th sport": "--sport",
    "tcp flags": "--tcp-flags",
}  # fmt: skip


_HEAD = ("-s", "-d", "-i", "-o", "-p")

_FAILURES = (ArithmeticError, LookupError, ValueError, struct.error)

Members = t.Callable[[str, int], t.Sequence["Element"]]
"""The name of a set, and how many are enough -> what is in it, as far as that is known."""


def rule(
    elements: t.Iterable[bytes],
    is_iptables: bool = False,
    members: Members = lambda _name, _most: (),
    is_ipv6: bool = False,
) -> str:
    """*is_ipv6*: whether its table has no other packets. Raises SourceError."""
    printer = _Printer(is_iptables, members, is_ipv6)
    for element in elements:
        printer.add(*expression(element))
    words = printer.words
    return " ".join(sorted(words, key=_place_in_iptables) if is_iptables else words)


def _place_in_iptables(word: str) -> int:
    """Addresses, devices and the protocol come first."""
    option = word.lstrip("! ")[:2]
    return _HEAD.index(option) if option in _HEAD else len(_HEAD)


class _Loaded(t.NamedTuple):
    """What a register has."""

    name: str
    size: int
    """In bytes."""
    mask: int = -1
    """Which bits count; -1 for all."""


_NOTHING = _Loaded("(a value)", _USUAL_BYTES)


class _Printer:
    def __init__(self, is_iptables: bool, members: Members, is_ipv6: bool) -> None:
        self.words: list[str] = []
        self._is_ipv6 = is_ipv6
        self._members = members
        self._is_iptables = is_iptables
        self._loaded: list[_Loaded] = []
        """What is in registers that nothing has asked for."""
        self._protocol = ""
        self._is_swapped = False
        self._begun: tuple[str, str] | None = None
        """Of a range that two comparisons make: what is asked, and its first value."""

    def add(self, name: str, parts: Parts) -> None:
        if name in COUNTING:
            return
        make = getattr(self, f"_{name}", None)
        try:
            if not make:
                raise LookupError(name)
            make(parts)
        except _FAILURES:  # a rule that cannot be printed has been judged nevertheless
            self.words.append(f"({name})")

    def _meta(self, parts: Parts) -> None:
        key = number(parts.get(2))
        if 3 in parts:
            self.words.append(f"{_META.get(key, f'meta {key}')} set (a value)")
        else:
            self._load(_META.get(key, f"meta {key}"), _META_BYTES.get(key, _USUAL_BYTES))

    def _payload(self, parts: Parts) -> None:
        base, offset, size = (number(parts.get(kind)) for kind in (2, 3, 4))
        name = _PAYLOAD.get((base, offset, size))
        network = {1: ("ip saddr", "ip daddr"), 2: ("ip6 saddr", "ip6 daddr")}
        for places, names in ((((12, 4), (16, 4)), network[1]), (((8, 16), (24, 16)), network[2])):
            for (begin, whole), each in zip(places, names):
                name = name or (each if base == 1 and offset == begin and size < whole else None)
        if (base, offset, size) == (1, 8, 1) and not self._is_ipv6 and self.words[-1:] != ["meta nfproto ipv6"]:
            name = "ip ttl"  # which is where addresses of IPv6 begin
        self._load(name or f"@{_BASES.get(base, 'll')},{offset * 8},{size * 8}", size)

    def _ct(self, parts: Parts) -> None:
        key = number(parts.get(2))
        if 3 in parts and key in _CT_ENDS:
            self._load(f"ct {_DIRECTIONS.get(number(parts[3]))} {_CT_ENDS[key]}")
        else:
            self._load(_CT.get(key, f"ct {key}"))

    def _fib(self, parts: Parts) -> None:
        result, flags = number(parts.get(2)), number(parts.get(3))
        asks = " . ".join(name for flag, name in _FIB_ASKS.items() if flags & flag)
        is_there = " exists" if flags & _FIB_IS_THERE else ""
        self._load(f"fib {asks} {_FIB_RESULTS.get(result, result)}{is_there}")

    def _load(self, name: str, size: int = _USUAL_BYTES) -> None:
        self._loaded.append(_Loaded(name, size))

    def _immediate(self, parts: Parts) -> None:
        found = value_or_verdict(parts.get(2, b""))
        if not isinstance(found, bytes):
            self.words.append(self._end(found))

    def _end(self, verdict: Verdict) -> str:
        kind, chain = verdict.kind if verdict.kind != "lost" else "queue", verdict.chain
        if not self._is_iptables:
            return f"{kind} {chain}".rstrip()
        return f"-g {chain}" if kind == "goto" else f"-j {chain or kind.upper()}"

    def _bitwise(self, parts: Parts) -> None:
        if self._loaded:
            self._loaded[-1] = self._loaded[-1]._replace(mask=number(value_in(parts.get(4))))

    def _byteorder(self, parts: Parts) -> None:
        self._is_swapped = True

    def _cmp(self, parts: Parts) -> None:
        how, value = number(parts.get(2)), value_in(parts.get(3))
        begun, self._begun = self._begun, None
        if begun and not self._loaded and how == _AT_MOST:
            self.words.pop()
            self._say(begun[0], "", f"{begun[1]}{':' if self._is_iptables else '-'}{self._shown(begun[0], value, -1)}")
            return
        name, _size, mask = self._loaded.pop() if self._loaded else _NOTHING
        self._loaded.clear()
        if name in _NAMES_OF_BITS and mask >= 0:
            bits = int.from_bytes(mask.to_bytes(len(value), "big"), sys.byteorder)
            names = ",".join(each for bit, each in _NAMES_OF_BITS[name].items() if bits & bit)
            self.words.append(f"{name} {'' if how == _NEQ else '! '}{names}")
            return
        if name in ("meta l4proto", "ip protocol", "ip6 nexthdr") and not how:
            self._protocol = _PROTOCOLS.get(number(value), "")
        shown = self._shown(name, value, mask)
        if mask >= 0 and name.endswith(_ADDRESSES) and not is_prefix(mask, 8 * len(value)) and self._is_iptables:
            shown = f"{self._shown(name, value, -1)}/{self._shown(name, mask.to_bytes(len(value), 'big'), -1)}"
        elif mask >= 0 and not (name.endswith(_ADDRESSES) and is_prefix(mask, 8 * len(value))) and name != "tcp flags":
            shown = self._shown(name, value, -1)
            name = f"{name} & {self._shown(name, mask.to_bytes(len(value), 'big'), -1)}"
        if name == "tcp flags" and mask >= 0 and self._is_iptables:
            shown = f"{_flags(mask).upper()} {shown.upper() if number(value) else 'NONE'}"
        elif name == "tcp flags" and mask >= 0:
            some = how == _NEQ and not number(value)
            how, shown = (0, _flags(mask)) if some else (how, f"{shown} / {_flags(mask)}")
        self._begun = (name, shown) if how == _AT_LEAST else None
        operator = "== " if " & " in name and not how else _OPERATORS.get(how, "")
        if name.endswith(" exists"):  # the question is asked of a boolean
            name, operator = name[: -len(" exists")], ""
        self._say(name, operator, shown)

    def _range(self, parts: Parts) -> None:
        name = (self._loaded.pop() if self._loaded else _NOTHING).name
        first, last = (self._shown(name, value_in(parts.get(kind)), -1) for kind in (3, 4))
        self._say(name, "!= " if number(parts.get(2)) else "", f"{first}{':' if self._is_iptables else '-'}{last}")

    def _say(self, name: str, operator: str, value: str) -> None:
        if self._is_iptables and name in _OF_IPTABLES:
            self._say_as_iptables(f"{'! ' if operator else ''}{_OF_IPTABLES[name]} {value}", name)
            return
        if (
            name.startswith(("th ", "tcp "))
            and self._protocol
            and self.words[-1:] == [f"meta l4proto {self._protocol}"]
        ):
            self.words.pop()
        self._forget_family(name)
        if name.startswith("th ") and self._protocol:
            name = f"{self._protocol} {name[3:]}"
        self.words.append(f"{name} {operator}{value}")

    def _say_as_iptables(self, words: str, name: str) -> None:
        """Ports and flags belong to the match of their protocol, and ports come first."""
        if name not in ("th sport", "th dport", "tcp flags"):
            self.words.append(words)
            return
        if self._protocol and f"-m {self._protocol}" not in self.words:
            self.words.append(f"-m {self._protocol}")
        place = len(self.words) - any("--tcp-flags" in word for word in self.words[-1:])
        self.words.insert(place, words)

    def _lookup(self, parts: Parts) -> None:
        asked = self._loaded or [_NOTHING]
        self._loaded = []
        names = [each.name for each in asked]
        if self._protocol and any(name.startswith("th ") for name in names):
            if self.words[-1:] == [f"meta l4proto {self._protocol}"]:
                self.words.pop()
            names = [f"{self._protocol} {name[3:]}" if name.startswith("th ") else name for name in names]
        for name in names:
            self._forget_family(name)
        found = text(parts.get(1))
        shown = f"@{found}" if not found.startswith(("__set", "__map")) else f"{{ {self._listed(asked, found)} }}"
        kind = "" if 3 not in parts else "vmap " if number(parts[3]) == 0 else "map "
        self.words.append(f"{' . '.join(names)} {'!= ' if number(parts.get(5)) & 1 else ''}{kind}{shown}")

    def _listed(self, asked: t.Sequence[_Loaded], name: str) -> str:
        """What is in a set without a name, or three dots for what is not known, or is more than fits."""
        found = [self._member(asked, each) for each in self._members(name, _MOST_MEMBERS + 1)]
        return ", ".join([*found[:_MOST_MEMBERS], *(["..."] if len(found) > _MOST_MEMBERS or not found else [])])

    def _member(self, asked: t.Sequence[_Loaded], member: Element) -> str:
        """One of a set or a map. What kind of data a map has, only its user knows."""
        spans, at = [], 0
        for name, size, _mask in asked:
            part = slice(at, at + size)
            spans.append(self._span(name, member.first[part], member.last[part]))
            at += size + -size % 4  # each part begins at a multiple of four
        key, value = " . ".join(spans), value_or_verdict(member.value)
        if not isinstance(value, bytes):
            return f"{key} : {self._end(value)}"
        return f"{key} : ..." if value else key

    def _span(self, name: str, first: bytes, last: bytes) -> str:
        low, high = number(first), number(last)
        size = high - low + 1
        if name.endswith(_ADDRESSES) and size & (size - 1) == 0 and low % size == 0:
            return _shown(name, first, (1 << 8 * len(first)) - size)
        return self._shown(name, first, -1) + ("" if first == last else f"-{self._shown(name, last, -1)}")

    def _reject(self, parts: Parts) -> None:
        kind, code = number(parts.get(1)), number(parts.get(2))
        if self._is_iptables:
            self.words.append("-j REJECT")
        elif kind == _REJECT_ICMPX:
            self.words.append("reject" if code == _ICMPX_PORT else f"reject with icmpx {_ICMPX.get(code, code)}")
        else:
            version = self._taken_for_granted()
            self.words.append("reject with tcp reset" if kind == _REJECT_TCP_RESET else self._with_icmp(code, version))

    def _taken_for_granted(self) -> str:
        """The version of IP that the rule asks for, which nft does not print where a rejection implies it."""
        asked = [word for word in self.words if word in ("meta nfproto ipv4", "meta nfproto ipv6")]
        self.words = [word for word in self.words if word not in asked]
        return asked[-1].rpartition(" ")[2] if asked else ""

    def _with_icmp(self, code: int, version: str) -> str:
        icmp, names, usual = ("icmp", _ICMP, 3)
        if self._is_ipv6 or version == "ipv6":
            icmp, names, usual = ("icmpv6", _ICMP6, 4)
        if code == usual:
            return f"reject with {icmp} port-unreachable" if version else "reject"
        return f"reject with {icmp} {names.get(code, code)}"

    def _shown(self, name: str, value: bytes, mask: int) -> str:
        if (name in _NUMBERS or name[len("meta ") :].isdigit()) and not self._is_swapped:
            return str(int.from_bytes(value, sys.byteorder))
        shown = _shown(name, value, mask)
        if name not in ("iifname", "oifname"):
            return shown
        return re.sub(r"\*$", "+", shown) if self._is_iptables else f'"{shown}"'

    def _forget_family(self, name: str) -> None:
        """nft takes for granted that only IPv4 has addresses of IPv4."""
        if self.words[-1:] == [f"meta nfproto {_VERSIONS.get(name.partition(' ')[0])}"]:
            self.words.pop()

    def _limit(self, parts: Parts) -> None:
        rate, unit, burst = (number(parts.get(kind)) for kind in (1, 2, 3))
        over, what = number(parts.get(5)) & 1, "packets" if not number(parts.get(4)) else "bytes"
        rate_of = f"{rate}{'' if what == 'packets' else ' bytes'}/{_UNITS.get(unit, f'{unit} seconds')}"
        shown = "" if what == "packets" and burst in (0, _USUAL_BURST) else f" burst {burst} {what}"
        self.words.append(f"limit rate {'over ' * over}{rate_of}{shown}")

    def _connlimit(self, parts: Parts) -> None:
        self.words.append(f"ct count {'over ' if number(parts.get(2)) & 1 else ''}{number(parts.get(1))}")

    def _log(self, parts: Parts) -> None:
        self.words.append("log")
        prefix, level = text(parts.get(2)), number(parts.get(5)) if 5 in parts else _USUAL_LEVEL
        if self._is_iptables:
            return
        if prefix:
            self.words.append(f'prefix "{prefix}"')
        if 1 in parts:
            self.words.append(f"group {number(parts[1])}")
        elif level != _USUAL_LEVEL:
            self.words.append(f"level {_LEVELS[level] if level < len(_LEVELS) else level}")

    def _match(self, parts: Parts) -> None:
        from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import syntax

        self.words.append(syntax.match(text(parts.get(1)), number(parts.get(2)), parts.get(3, b"")))

    def _target(self, parts: Parts) -> None:
        from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import syntax

        self.words.append(syntax.target(text(parts.get(1)), parts.get(3, b""), self._is_ipv6))


def _flags(bits: int) -> str:
    return ",".join(flag for place, flag in enumerate(_FLAGS) if bits >> place & 1) or "0"


def _shown(name: str, value: bytes, mask: int) -> str:
    if name == "tcp flags":
        return _flags(number(value))
    if name in _NAMES_OF_BITS:
        bits = int.from_bytes(value, sys.byteorder)
        return ",".join(each for bit, each in _NAMES_OF_BITS[name].items() if bits & bit)
    if name.endswith(_ADDRESSES):
        size = 16 if "ip6 " in name else 4
        prefix = 8 * len(value) if mask < 0 else bin(mask).count("1")
        address = socket.inet_ntop(socket.AF_INET if size == 4 else socket.AF_INET6, value.ljust(size, b"\0"))
        return address if prefix == 8 * size else f"{address}/{prefix}"
    if name in ("iifname", "oifname"):
        shown = text(value.partition(b"\0")[0])
        return shown if b"\0" in value else f"{shown}*"
    if name in ("meta l4proto", "ip protocol", "ip6 nexthdr"):
        return _PROTOCOLS.get(number(value), str(number(value)))
    if name == "meta nfproto":
        return _FAMILIES.get(number(value), str(number(value)))
    if name == "ct direction":
        return _DIRECTIONS.get(number(value), str(number(value)))
    if name == "meta pkttype":
        return _KINDS_OF_PACKETS.get(number(value), str(number(value)))
    if name.endswith(" exists"):
        return "exists" if number(value) else "missing"
    if len(value) == 4 and (name in ("iif", "oif") or name.startswith("fib ")):
        found = struct.unpack("=I", value)[0]
        return _KINDS_OF_ADDRESSES.get(found, str(found)) if name.endswith(" type") else _device(found)
    if name in ("meta iiftype", "iifgroup"):
        found = int.from_bytes(value, sys.byteorder)
        return _KINDS_OF_DEVICES.get(found, str(found)) if name == "meta iiftype" else str(found)
    if name in ("meta mark", "ct mark") and len(value) == 4:
        return f"0x{struct.unpack('=I', value)[0]:08x}"
    return str(number(value))


def _device(index: int) -> str:
    try:
        return f'"{socket.if_indextoname(index)}"'
    except OSError:  # gone since
        return str(index)
