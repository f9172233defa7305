# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's flows -> which host tries what. Pure, but for the inventory that it is given."""

from __future__ import annotations

import difflib
import ipaddress
import re
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._reach.destinations import host_of
from ansible_collections.preflight.ports.plugins.module_utils._reach.states import OPEN
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse

_ITSELF = "what a host sends to itself passes no network and no firewall"
_KEYS = ("from", "to", "ports", "profiles", "expect", "name")
_HAS_PORT = re.compile(r"(?:[^:\[\]]+|\[.*\]):[0-9]+(?:/[a-z]+)?")
_PATTERN_CHARACTERS = frozenset("*?[]:&!~,")
MOST_FLOWS = 1000000
MOST_PORTS = 1000


class PlanError(ValueError):
    """A flow that cannot be understood; the text names it, its value and what would be right."""


class Inventory(t.NamedTuple):
    """What a plan has to know of the hosts."""

    match: t.Callable[[str], t.Sequence[str]]
    """The hosts that a pattern matches."""
    names: t.AbstractSet[str]
    """Of all hosts and groups."""
    in_play: t.AbstractSet[str]
    addresses: t.Mapping[str, t.Any]
    """Of the hosts in the play: as the role's variable says, one or a list."""
    profile_ports: t.Callable[[t.Any], t.Sequence[t.Any]]


class Target(t.NamedTuple):
    """One address to try."""

    host: str
    address: str
    in_inventory: bool


class Port(t.NamedTuple):
    protocol: str
    port: int
    name: str | None


class Flow(t.NamedTuple):
    """One entry of the role's flows, with its hosts."""

    name: str | None
    source: str
    """As it was written."""
    sources: tuple[str, ...]
    to: str
    targets: tuple[Target, ...]
    ports: tuple[Port, ...]
    expect: str
    sample: int
    """From how many of the sources each target is tried; 0 for all."""

    def pairs(self) -> t.Iterator[tuple[str, Target]]:
        """(client, target): a host never reaches itself by the network, so not itself."""
        for number, target in enumerate(self.targets):
            clients = [source for source in self.sources if source != target.host]
            if self.sample and self.sample < len(clients):
                clients = [clients[(number + step) % len(clients)] for step in range(self.sample)]
            for client in clients:
                yield client, target

    def left_out(self) -> int:
        """How many flows the sample leaves out."""
        pairs = self._replace(sample=0).pairs()
        return (sum(1 for _pair in pairs) - sum(1 for _pair in self.pairs())) * len(self.ports)


class Case(t.NamedTuple):
    """One client, one address, one port."""

    client: str
    target: Target
    port: Port
    flow: Flow


def cases(flows: t.Iterable[Flow]) -> t.Iterator[Case]:
    """All that is to be tried; each client's in the order in which it is asked."""
    for flow in flows:
        for client, target in flow.pairs():
            for port in flow.ports:
                yield Case(client, target, port, flow)


def make(entries: t.Any, inventory: Inventory, sample: int) -> list[Flow]:
    """The flows of the role's variable. Raises PlanError."""
    if not isinstance(entries, list) or not entries:
        raise PlanError("port_reach_flows: a list of flows is needed, such as {from: web, to: db, ports: [5432]}")
    flows = []
    for index, entry in enumerate(entries):
        try:
            flows.append(_flow(entry, inventory, sample))
        except (PlanError, RequirementError) as error:
            raise PlanError(f"port_reach_flows[{index}] {repr(entry)[:200]}: {error}") from error
    count = sum(len(flow.sources) * len(flow.targets) * len(flow.ports) for flow in flows)
    if count > MOST_FLOWS and not sample:
        raise PlanError(f"port_reach_flows: {count} flows are too many; set port_reach_sample")
    return flows


def _flow(entry: t.Any, inventory: Inventory, sample: int) -> Flow:
    if not isinstance(entry, dict):
        raise PlanError("a flow is a dictionary with from, to, and ports or profiles")
    unknown = sorted(set(map(str, entry)) - set(_KEYS))
    if unknown:
        near = difflib.get_close_matches(unknown[0], _KEYS, n=1)
        raise PlanError(f"unknown key {unknown[0]!r}; {f'did you mean {near[0]}?' if near else ', '.join(_KEYS)}")
    expect = entry.get("expect", OPEN)
    if expect not in ("open", "closed"):
        raise PlanError(f"expect is 'open' or 'closed', not {expect!r}")
    name = entry.get("name")
    if name is not None and not isinstance(name, str):
        raise PlanError("name is text")
    sources = _sources(_texts(entry.get("from"), "from"), inventory)
    targets = _targets(_texts(entry.get("to"), "to"), inventory)
    flow = Flow(
        name,
        ", ".join(_texts(entry.get("from"), "from")),
        tuple(sources),
        ", ".join(_texts(entry.get("to"), "to")),
        tuple(targets),
        tuple(_ports(entry, inventory)),
        expect,
        sample,
    )
    if not any(True for _pair in flow.pairs()):
        raise PlanError(f"from and to are the same host; {_ITSELF}")
    return flow


def _texts(value: t.Any, key: str) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str) and each.strip() for each in values):
        raise PlanError(f"{key} is a host, a group, a pattern, or a list of them")
    return [each.strip() for each in values]


def _sources(patterns: list[str], inventory: Inventory) -> list[str]:
    hosts: dict[str, None] = {}
    for pattern in patterns:
        found = inventory.match(pattern) if _is_pattern(pattern, inventory) else []
        if not found:
            raise PlanError(f"from {pattern!r} matches no host of the inventory{_near(pattern, inventory)}")
        hosts.update(dict.fromkeys(found))
    return list(hosts)


def _targets(patterns: list[str], inventory: Inventory) -> list[Target]:
    targets: dict[Target, None] = {}
    for pattern in patterns:
        if not _is_pattern(pattern, inventory):
            if is_loopback(pattern.strip("[]")):
                raise PlanError(f"to {pattern!r} is the client itself; {_ITSELF}")
            host = host_of(pattern)
            targets[Target(host, host, False)] = None
            continue
        found = inventory.match(pattern)
        if not found:
            hint = "; write the port into ports" if _HAS_PORT.fullmatch(pattern) else _near(pattern, inventory)
            raise PlanError(f"to {pattern!r} matches no host of the inventory{hint}")
        for host in found:
            for address in _addresses(host, inventory):
                targets[Target(host, address, True)] = None
    return list(targets)


def _is_pattern(text: str, inventory: Inventory) -> bool:
    """Whether it is of the inventory; else it is an address or a name outside."""
    if text in inventory.names or text in ("all", "localhost"):
        return True
    try:
        ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return bool(set(text) & _PATTERN_CHARACTERS)
    return False


def _addresses(host: str, inventory: Inventory) -> list[str]:
    value = inventory.addresses.get(host, host)
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str) and each.strip() for each in values):
        raise PlanError(f"port_reach_address of {host} is an address, a name, or a list of them; not {value!r}")
    try:
        return [host_of(each) for each in values]
    except RequirementError as error:
        raise PlanError(f"port_reach_address of {host}: {error}") from error


def is_loopback(address: str) -> bool:
    """Whether it leads whoever uses it to itself. Linux takes the unspecified address for the loopback one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
        return parsed.is_loopback or parsed.is_unspecified
    except ValueError:
        return address.lower() in ("localhost", "ip6-localhost")


def _ports(entry: dict[str, t.Any], inventory: Inventory) -> list[Port]:
    listed = entry.get("ports") or []
    entries = listed.split(",") if isinstance(listed, str) else listed if isinstance(listed, list) else [listed]
    profiles = entry.get("profiles") or []
    entries = [
        *entries,
        *(_without_holders(each) for each in inventory.profile_ports(profiles) if _is_for_others(each)),
    ]
    ports: dict[Port, None] = {}
    for requirement in parse(entries):
        if requirement.address is not None:
            raise PlanError(f"ports: {requirement.address} is an address; say in 'to' where the flow goes")
        count = len(ports) + len(requirement.ports)
        if count > MOST_PORTS:
            raise PlanError(f"ports: these are {count} ports or more; a flow has at most {MOST_PORTS}")
        for port in requirement.ports:
            ports[Port(requirement.protocol, port, requirement.name)] = None
    if not ports:
        raise PlanError("ports, or profiles, are missing")
    return list(ports)


def _is_for_others(entry: t.Any) -> bool:
    """Not what a product binds for its own host alone."""
    return not is_loopback(entry.get("address") or "")


def _without_holders(entry: t.Any) -> dict[str, t.Any]:
    return {key: value for key, value in entry.items() if key in ("port", "protocol", "name")}


def _near(text: str, inventory: Inventory) -> str:
    near = difflib.get_close_matches(text, inventory.names, n=3)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def near_names(name: str, inventory_names: t.AbstractSet[str]) -> str:
    """For a name outside of the inventory that does not resolve: what may have been meant."""
    near = difflib.get_close_matches(name, inventory_names, n=3)
    return f"; did you mean {' or '.join(near)} of the inventory?" if near else ""
