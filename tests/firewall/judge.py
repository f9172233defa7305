# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said about packets, and what the kernel does with them."""

from __future__ import annotations

import random
from typing import Iterable, NamedTuple

from ansible_collections.preflight.ports.plugins.module_utils._model.passage import (
    BLOCKED,
    OPEN,
    UNKNOWN,
    Access,
    Network,
    Passage,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate
from firewall.rule_sets import RuleSet, flush, smaller
from firewall.world import CLIENTS, PORTS, TCP, UDP, Client, Probe, World, run
from support.records import at

IPSETS = """
create net hash:net
add net 192.0.2.64/26
add net 203.0.113.0/24
add net 10.0.0.0/24
add net 10.0.0.9/32 nomatch
create pair hash:ip,port
add pair 192.0.2.9,tcp:22
add pair 192.0.2.9,80
add pair 10.0.0.9,udp:53
create ports bitmap:port range 0-1000
add ports 22
add ports 443
create all list:set
add all net
"""


class Question(NamedTuple):
    """Some clients, who send to one port."""

    protocol: str
    address: str
    port: int
    clients: tuple[Client, ...]
    """None for any other host."""

    @property
    def access(self) -> Access:
        networks = [at(client.address).address for client in self.clients]
        return Access(
            self.protocol,
            (at(self.address, True if ":" in self.address else None),),
            self.port,
            self.port,
            tuple(Network(address, 8 * len(address)) for address in networks),
        )

    @property
    def probes(self) -> list[Probe]:
        callers = self.clients or [client for client in CLIENTS if self.address in client.servers]
        return [Probe(client, self.protocol, self.address, self.port) for client in callers]


class Answer(NamedTuple):
    question: Question
    passage: Passage
    arrived: frozenset[Client]
    """Those whose packets got in."""

    @property
    def is_wrong(self) -> bool:
        clients = {probe.client for probe in self.question.probes}
        return (self.passage.verdict == OPEN and self.arrived != clients) or (
            self.passage.verdict == BLOCKED and bool(self.arrived)
        )


def questions(chance: random.Random) -> list[Question]:
    """Six times one client, three times any."""
    found = []
    for number in range(9):
        client = chance.choice(CLIENTS)
        address, port = chance.choice(client.servers), chance.choice(PORTS)
        found.append(Question(chance.choice((TCP, TCP, UDP)), address, port, (client,) if number < 6 else ()))
    return found


def said(asked: Iterable[Question]) -> list[Passage]:
    """What is found out about each."""
    accesses = [question.access for question in asked]
    found = gate.passages(accesses)
    if found is None:
        return [Passage(access.first, access.last, UNKNOWN) for access in accesses]
    return [
        passages[0] if passages else Passage(access.first, access.last, OPEN)
        for access, passages in zip(accesses, found)
    ]


def answers(world: World, asked: list[Question]) -> list[Answer]:
    passages = said(asked)
    probes = {probe for question in asked for probe in question.probes}
    opened = [question for question, passage in zip(asked, passages) if passage.verdict == OPEN]
    arrived = world.arrived(probes, {probe for question in opened for probe in question.probes})
    return [
        Answer(question, passage, frozenset(probe.client for probe in question.probes if probe in arrived))
        for question, passage in zip(asked, passages)
    ]


def load(rule_set: RuleSet) -> RuleSet:
    """What of it could be loaded."""
    loaded: RuleSet = ()
    for table in rule_set:
        for tool in (table.tool, *{other.tool for other in loaded}):
            flush(tool)
        good = table if not table.load() else table.loadable()
        loaded += (good,) if good else ()
        for other in loaded:
            flush(other.tool)
        for other in loaded:
            other.load()
    return loaded


def prepare() -> None:
    """What rules refer to."""
    run("ipset", "restore", text=IPSETS)


def shrunk(world: World, rule_set: RuleSet, asked: list[Question]) -> tuple[RuleSet, list[Answer]]:
    """The smallest rule set about which something wrong is said."""
    wrong = [answer for answer in examined(world, rule_set, asked) if answer.is_wrong]
    for less in smaller(rule_set):
        found = [answer for answer in examined(world, less, asked) if answer.is_wrong]
        if found:
            return shrunk(world, less, [answer.question for answer in found])
    return rule_set, wrong


def examined(world: World, rule_set: RuleSet, asked: list[Question]) -> list[Answer]:
    for tool in ("nft", "iptables-legacy", "ip6tables-legacy"):
        flush(tool)
    for table in rule_set:
        table.load()
    return answers(world, asked)
