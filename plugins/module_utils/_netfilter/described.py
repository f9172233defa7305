# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was found out about ports -> what users read: who stops packets, where, by which rule, and what to do. Pure."""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.passage import (
    BLOCKED,
    LIMITED,
    NOBODY,
    UNKNOWN,
    Access,
    Passage,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.text import joined, printable
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import owners
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.openings import Opening
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.clients import (
    Clients,
    between,
    both,
    either,
    networks,
    without,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import (
    FORWARD,
    INGRESS,
    PREROUTING,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.walk import Way
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.passages import Judged, Result

_MOST_BYTES = 300
_MOST_NETWORKS, _MOST_DEPENDS = 4, 8
_ON_PURPOSE = "Name in clients those who are to get in, or let in all."
_ONLY_IPV4 = "IPv4 is open, IPv6 is blocked"


def passage(access: Access, judged: Judged) -> Passage:
    """Raises SourceError."""
    ways = [result.way for result in judged.results if result.way]
    depends_on = tuple(dict.fromkeys(_depends_on(judged)))[:_MOST_DEPENDS]
    bare = Passage(judged.first, judged.last, judged.verdict, depends_on=depends_on)
    if judged.verdict == UNKNOWN or not ways:
        return bare
    # Each version of IP has rules of its own.
    by_family = {len(result.arrival.address): result for result in reversed(judged.results) if result.way}
    stopped = [_stopped(bare, result, access) for _size, result in sorted(by_family.items())]
    if judged.verdict == LIMITED and not any(_kept_out(result) for result in judged.results):
        return stopped[0]._replace(advice=None)  # a rate limit or the like, which is there on purpose
    advice = _joined([each.advice for each in stopped if each.advice])
    if judged.verdict == LIMITED and not access.clients and any("the source address" in each for each in depends_on):
        advice = f"{_ON_PURPOSE} {advice}"
    return stopped[0]._replace(advice=advice)


def _kept_out(result: Result) -> bool:
    """Whether some clients surely do not get in."""
    return without(result.clients, result.passed) is not False


def _joined(advice: t.Iterable[str]) -> str:
    """One after the other, what they begin with once."""
    first, *others = dict.fromkeys(advice)
    start = first.partition(": ")[0] + ": "
    return first + "".join(f" && {each[len(start) :]}" if each.startswith(start) else f"; {each}" for each in others)


def _opening(bare: Passage, result: Result, access: Access, way: Way) -> Opening:
    """What has to be let in, as the rules of that hook see it."""
    size = len(result.arrival.address)
    family = socket.AF_INET if size == 4 else socket.AF_INET6
    clients = tuple(
        f"{socket.inet_ntop(family, each.address)}{'' if each.length == 8 * size else f'/{each.length}'}"
        for each in access.clients
        if access.are_named and len(each.address) == size
    )
    opening = Opening(access.protocol, bare.first, bare.last, clients, is_ipv6=size == 16)
    addresses, shifts = {address for address, _added in result.sent_to}, {added for _address, added in result.sent_to}
    is_sent_on = way.base.hook == FORWARD
    if len(shifts) != 1 or way.base.hook in (INGRESS, PREROUTING) or (is_sent_on and len(addresses) != 1):
        return opening
    (added,) = shifts
    to = socket.inet_ntop(family, addresses.pop()) if is_sent_on else None
    return opening._replace(first=bare.first + added, last=bare.last + added, to=to)


def _stopped(bare: Passage, result: Result, access: Access) -> Passage:
    way = t.cast(Way, result.way)
    is_iptables = way.base.tool != "nft"
    chain = way.chains[-1]
    if len(way.passed) == len(way.chains):
        text = way.passed[-1][1].text(is_iptables)
        text = f"-A {chain} {text}" if is_iptables else text
    else:
        text = f"-P {chain} DROP" if is_iptables else "policy drop"
    rule = _short(text)
    owner = owners.owner(way, rule, _opening(bare, result, access, way))
    where = _short(" > ".join((f"{way.base.table} {way.chains[0]}", *way.chains[1:][-1:])))
    return bare._replace(by=owner.by, chain=where, rule=rule, advice=owner.advice)


def _depends_on(judged: Judged) -> t.Iterator[str]:
    if judged.verdict == BLOCKED:
        return
    if not judged.results:
        yield NOBODY
    for result in judged.results:
        for doubt in result.doubts:
            yield _short(doubt.what)
    if judged.verdict != LIMITED:
        return
    for result in judged.results:
        surely_in = without(result.clients, result.dropped)
        surely_out = without(result.clients, result.passed)
        if surely_in is not False and surely_out is not False:
            yield f"the source address: {_who(result, surely_in, surely_out)}"
    inside = [each for each in judged.results if each.dropped is False]
    outside = [each for each in judged.results if each.passed is False]
    families = [{len(each.arrival.address) for each in some} for some in (inside, outside)]
    if inside and outside and families[0].isdisjoint(families[1]):
        yield "the version of IP: " + ("IPv6 is open, IPv4 is blocked" if 16 in families[0] else _ONLY_IPV4)
    elif inside and outside:
        yield f"where it comes in: open for {_places(inside)}; blocked for {_places(outside)}"


def _who(result: Result, surely_in: Clients, surely_out: Clients) -> str:
    """Whichever of both is said in fewer words."""
    bits = 8 * len(result.arrival.address)
    nobodys = without(True, result.clients)
    let_in, kept_out = _networks(surely_in, nobodys, bits), _networks(surely_out, nobodys, bits)
    if let_in:
        return f"only from {let_in}"
    return f"not from {kept_out}" if kept_out else "some get in"


def _networks(clients: Clients, nobodys: Clients, bits: int) -> str:
    """With addresses that nobody sends from, where that makes fewer of them; empty if there are still many."""
    found = []
    family = socket.AF_INET if bits == 32 else socket.AF_INET6
    for number, length in networks(either(clients, nobodys), bits):
        last = number | (1 << bits - length) - 1
        if both(between(number, last, bits), clients) is not False:
            address = socket.inet_ntop(family, number.to_bytes(bits // 8, "big"))
            found.append(address if length == bits else f"{address}/{length}")
        if len(found) > _MOST_NETWORKS:
            return ""
    return ", ".join(found)


def _places(results: t.Sequence[Result]) -> str:
    found = dict.fromkeys(_place(result) for result in results)
    shown = list(found)[:_MOST_NETWORKS]
    more = len(found) - len(shown)
    return joined([*shown, f"{more} more"] if more else shown)


def _place(result: Result) -> str:
    arrival = result.arrival
    family = socket.AF_INET if len(arrival.address) == 4 else socket.AF_INET6
    devices = "".join(f" on {printable(device.name)}" for device in arrival.comes[:1])
    return f"{socket.inet_ntop(family, arrival.address)}{devices}"


def _short(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _MOST_BYTES else f"{shown[: _MOST_BYTES - 3]}..."
