# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever does what the advice says has let the clients in: real packets are the judge."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.passage import BLOCKED, OPEN
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate
from firewall import judge
from firewall.test_real import ANY, HOST, OTHER, OUTER
from firewall.world import TCP, World
from support.firewalls import Firewalld, check, ufw

NFT = "table inet f { chain c { type filter hook input priority 0; policy drop; ct state established accept; }; }"
OF_FORWARD = "nft 'table ip f { chain c { type filter hook forward priority 0; policy drop; }; }'"
REDIRECT = "iptables -t nat -A PREROUTING -p tcp --dport 5432 -j REDIRECT --to-ports 8000"
DNAT = "iptables -t nat -A PREROUTING -p tcp -d 192.0.2.1 --dport 5432 -j DNAT --to-destination 172.17.0.2:80"


@pytest.fixture
def world():
    with World() as made:
        yield made


def shell(commands: str) -> None:
    check(["sh", "-ec", commands])


def question(clients: tuple) -> judge.Question:
    return judge.Question(TCP, HOST, 5432, clients)


def advised(clients: tuple) -> str:
    """The command."""
    ((passage,),) = gate.passages([question(clients).access])
    assert passage.verdict == BLOCKED
    return passage.advice.partition(": ")[2]


def expect_open(world: World, clients: tuple) -> None:
    (answer,) = judge.answers(world, [question(clients)])
    assert (answer.passage.verdict, answer.is_wrong) == (OPEN, False)


@pytest.mark.parametrize("clients", [ANY, OUTER], ids=["all", "one"])
@pytest.mark.parametrize(
    "rules",
    [
        pytest.param("iptables -P INPUT DROP", id="policy of iptables"),
        pytest.param("iptables-legacy -A INPUT -j DROP", id="rule of iptables-legacy"),
        pytest.param(f"nft '{NFT}'", id="policy of nft"),
        pytest.param(f"nft '{NFT}'; nft add rule inet f c tcp dport 1-9999 reject", id="rule of nft"),
        pytest.param(f"{REDIRECT}; iptables -P INPUT DROP", id="behind a redirect"),
        pytest.param(f"{REDIRECT}; iptables -A INPUT -p tcp --dport 8000 -j DROP", id="rule behind a redirect"),
        pytest.param(f"{DNAT}; iptables -P FORWARD DROP", id="on the way to another host"),
        pytest.param(f"{DNAT}; {OF_FORWARD}", id="on the way to another host, nft"),
    ],
)
def test_advice(rules: str, clients: tuple, world: World) -> None:
    shell(rules)
    shell(advised(clients))
    expect_open(world, clients)
    if clients:
        (others,) = judge.answers(world, [question(OTHER)])
        assert (others.passage.verdict, others.is_wrong) == (BLOCKED, False), "only they are let in"


@pytest.mark.parametrize("clients", [ANY, OUTER], ids=["all", "one"])
def test_advice_with_ufw(clients: tuple, world: World) -> None:
    ufw()
    command = advised(clients)
    shell("nft flush ruleset")  # ufw is enabled anew, with this rule
    ufw(command.partition(" ")[2])
    expect_open(world, clients)


@pytest.mark.parametrize("clients", [ANY, OUTER], ids=["all", "one"])
def test_advice_with_firewalld(clients: tuple, world: World) -> None:
    with Firewalld() as firewalld:
        firewalld.shell(advised(clients))
        expect_open(world, clients)
