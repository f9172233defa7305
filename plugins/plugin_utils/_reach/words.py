# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words for flows that are not as expected: one paragraph for each cause, not a line for each pair. Pure."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.ports import runs, shown
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable
from ansible_collections.preflight.ports.plugins.module_utils._reach import states

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.plugin_utils._reach.plan import Flow
    from ansible_collections.preflight.ports.plugins.plugin_utils._reach.rows import Row

MOST_CAUSES = 50
_MOST_NAMES = 3

_ADVICE = {
    states.SERVED: None,
    states.REPLY_LOST: "Look for firewalls and routes on the way back: the answer takes another way, or is dropped.",
    states.STALLED: "Look for a link with a smaller MTU, a tunnel for example, and let ICMP 'too big' messages pass.",
    states.WRONG_PEER: "Look who has this address or port: NAT, a load balancer, a second host with the address.",
    states.REFUSED: "Look for the firewall that answers with resets, on the way or on the target.",
    states.REJECTED: "Look for the firewall, or the route, that rejects it; the reason says where.",
    states.DROPPED_BY_HOST: "Open the port in the firewall of the target.",
    states.LOST: "Look at firewalls, the client's own too, security groups and routes between the two hosts.",
    states.NO_ANSWER: "Something drops it. Run the role with become: true, so that the target sees whether it arrives.",
    states.NO_HOST: "Check the address (port_reach_address), and that the host is up.",
    states.NO_ROUTE: "Add a route, or correct the address (port_reach_address).",
    states.UNRESOLVED: "Correct the name, or set port_reach_address to an address.",
    states.ANSWERED: "Start the service: nobody listens there.",
    states.NOT_TESTED: None,
}


# port_reach_address is for hosts of the play.
_ADVICE_OUTSIDE = {
    states.NO_ANSWER: "Something drops it, or no host has the address.",
    states.NO_HOST: "Check the address, and that the host is up.",
    states.NO_ROUTE: "Add a route, or correct the address.",
    states.UNRESOLVED: "Correct the name, or write an address.",
}


def advice(state: str, expect: str, at_target: bool, in_inventory: bool = True) -> str | None:
    """What to do about a flow that is not as expected."""
    if state == states.NOT_TESTED:
        return None
    if expect != states.OPEN:
        return "Close it in the target's firewall, or in a security group."
    if at_target and state in (states.REFUSED, states.REJECTED):
        return _ADVICE[states.DROPPED_BY_HOST]
    return _ADVICE.get(state) if in_inventory else _ADVICE_OUTSIDE.get(state, _ADVICE.get(state))


class Cause(t.NamedTuple):
    """Flows that fail alike."""

    ports: tuple[str, ...]
    clients: tuple[str, ...]
    targets: tuple[str, ...]
    example: Row
    flows: int
    is_advice_alike: bool

    @property
    def what(self) -> str:
        """``5432/tcp from 12 hosts of web to db1 and db2``."""
        flow = self.example.flow
        source = _hosts(self.clients, flow.source, len(flow.sources))
        to = _hosts(self.targets, flow.to, len({target.host for target in flow.targets}))
        name = f" ({printable(self.example.name)})" if self.example.name else ""
        return f"{_in_runs(self.ports)}{name} from {source} to {to}"

    @property
    def advice(self) -> str | None:
        advice = self.example.advice
        return advice if self.is_advice_alike or not advice else f"{advice} For the others alike."

    @property
    def state(self) -> str:
        """``warning, dropped_by_host``, ``open, expected closed``."""
        warned = "warning, " if self.example.tolerated else ""
        wanted = ", expected closed" if self.example.expect != states.OPEN else ""
        return f"{warned}{self.example.state}{wanted}"

    @property
    def why(self) -> str:
        """``no answer; nothing of it reached the target``."""
        example = self.example
        by = f", by {printable(example.by)}" if example.by else ""
        rule = f" [{printable(example.rule)}]" if example.rule else ""
        return f"{example.reason}{by}{rule}"


def causes(rows: t.Iterable[Row]) -> list[Cause]:
    """The rows by cause, the most flows first. Pairs that fail alike for several ports are one cause."""
    alike: dict[t.Any, dict[str, dict[str, dict[str, Row]]]] = {}
    ambiguous: dict[int, set[str]] = {}
    for row in rows:
        key = (row.flow, row.expect, row.name, row.state, row.reason, row.by, row.rule)
        by_target = alike.setdefault(key, {})
        if id(row.flow) not in ambiguous:
            ambiguous[id(row.flow)] = _with_several_addresses(row.flow)
        to = f"{row.to} ({row.address})" if row.to in ambiguous[id(row.flow)] else row.to
        by_target.setdefault(to, {}).setdefault(f"{row.port}/{row.protocol}", {})[row.client] = row
    found = [cause for by_target in alike.values() for cause in _merged(by_target)]
    return sorted(found, key=lambda cause: -cause.flows)


def _with_several_addresses(flow: Flow) -> set[str]:
    counts = collections.Counter(target.host for target in flow.targets)
    return {host for host, count in counts.items() if count > 1}


def _merged(by_target: dict[str, dict[str, dict[str, Row]]]) -> t.Iterator[Cause]:
    """Targets that the same clients cannot reach on the same ports belong together."""
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for target, by_port in by_target.items():
        ports: dict[tuple[str, ...], list[str]] = {}
        for port, clients in by_port.items():
            ports.setdefault(tuple(clients), []).append(port)
        for clients_of, shared in ports.items():
            groups.setdefault((clients_of, tuple(shared)), []).append(target)
    for (clients_of, several), targets in groups.items():
        example = by_target[targets[0]][several[0]][clients_of[0]]
        advices = {by_target[to][port][client].advice for to in targets for port in several for client in clients_of}
        flows = len(clients_of) * len(several) * len(targets)
        yield Cause(several, clients_of, tuple(targets), example, flows, len(advices) == 1)


def _in_runs(ports: t.Iterable[str]) -> str:
    """``5432/tcp, 9100-9160/udp``."""
    numbers: dict[str, list[int]] = {}
    for port in ports:
        number, _slash, protocol = port.partition("/")
        numbers.setdefault(protocol, []).append(int(number))
    return ", ".join(f"{shown(*run)}/{protocol}" for protocol, each in numbers.items() for run in runs(each))


def _hosts(names: t.Sequence[str], label: str, of: int) -> str:
    if len(names) <= _MOST_NAMES:
        return ", ".join(map(printable, names))
    label = printable(label)
    if len(names) >= of - 1:  # all others: a host is no client of itself
        return f"{len(names)} hosts of {label}"
    return f"{len(names)} of {of} hosts of {label} ({', '.join(map(printable, names[:_MOST_NAMES]))}, ...)"


def counted(flows: int) -> str:
    return f"{flows} flow{'' if flows == 1 else 's'}"


def left_out(flows: t.Iterable[Flow]) -> list[str]:
    """A note about what a sample does not try."""
    count = sum(flow.left_out() for flow in flows)
    return (
        [f"Not tried, because of port_reach_sample: {count} more {'flow' if count == 1 else 'flows'}."] if count else []
    )


def addresses_of_hosts(flows: t.Iterable[Flow], hosts: t.Mapping[str, str]) -> list[str]:
    """A note for each target that was taken for one outside, and is the address of a host of the play: *hosts*."""
    outside = {target.address: None for flow in flows for target in flow.targets if not target.in_inventory}
    return [
        f"{address} is the address of {hosts[address]}: with {hosts[address]} in 'to', a responder answers there."
        for address in outside
        if address in hosts
    ]


def unbound(ports: t.Sequence[tuple[str, str, int, str]]) -> list[str]:
    """A note about ports that no responder could bind: (host, protocol, port, reason)."""
    if not ports:
        return []
    shown = ", ".join(
        f"{port}/{protocol} of {printable(host)} ({printable(reason)})"
        for host, protocol, port, reason in ports[:_MOST_NAMES]
    )
    more = f" and {len(ports) - _MOST_NAMES} more ports" if len(ports) > _MOST_NAMES else ""
    resets = "A reset counts as an open way there, although a firewall may have sent it."
    return [f"No responder could bind {shown}{more}. {resets}"]


def translations(pairs: t.Sequence[tuple[str, str]]) -> list[str]:
    """A note about NAT between hosts, if there is any."""
    if not pairs:
        return []
    shown = ", ".join(f"{printable(client)} to {printable(to)}" for client, to in pairs[:_MOST_NAMES])
    more = f" and {len(pairs) - _MOST_NAMES} more pairs" if len(pairs) > _MOST_NAMES else ""
    return [f"Addresses are translated on the way (NAT): {shown}{more}."]


def unresolved(targets: t.Sequence[str]) -> list[str]:
    """A note about names that may be misspelt, and count as closed."""
    if not targets:
        return []
    shown = ", ".join(map(printable, targets[:_MOST_NAMES]))
    more = f" and {len(targets) - _MOST_NAMES} more names" if len(targets) > _MOST_NAMES else ""
    return [f"Closed only because the name does not resolve: {shown}{more}. Check the spelling."]


def headline(unmet: t.Sequence[Row], count: int) -> str:
    """``18 of 56 flows are not as expected, 6 of them only a warning``."""
    if not unmet:
        return f"{counted(count)} as expected"
    warnings = sum(row.tolerated for row in unmet)
    only = f", {warnings} of them only a warning" if warnings else ""
    if warnings == len(unmet):
        only = ", only a warning" if warnings == 1 else ", only warnings"
    return f"{len(unmet)} of {counted(count)} {'is' if len(unmet) == 1 else 'are'} not as expected{only}"


def message(unmet: t.Sequence[Row], count: int, notes: t.Sequence[str], reports: t.Sequence[str]) -> str:
    """The verdict: all causes, each with what to do."""
    lines = [f"{headline(unmet, count)}{':' if unmet else ''}"]
    found = causes(unmet)
    for cause in found[:MOST_CAUSES]:
        lines += [f"  {cause.what}: {cause.state}: {cause.why}"]
        if cause.advice:
            lines.append(f"    {printable(cause.advice)}")
    if len(found) > MOST_CAUSES:
        lines.append(f"  and {len(found) - MOST_CAUSES} more causes")
    lines += notes
    if reports:
        lines.append(f"Reports: {', '.join(reports)}")
    return "\n".join(lines)
