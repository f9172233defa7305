# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random worlds, and what three modules say of a port there beside what bind(2) says."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from oracle import truth
from oracle.arena import Batch
from oracle.campaign import draw
from oracle.truth import Ask
from support import sandbox
from support.actors import troupe
from support.running import PLUGINS, run

SEED = 1
AT_A_TIME = 32  # calls of wait_for, which mostly sleep
WILDCARDS = ("0.0.0.0", "::")
IN_USE = "EADDRINUSE"


class Score(NamedTuple):
    cases: int
    free: int
    """Wrongly said to be free."""
    taken: int
    """Wrongly said to be taken."""
    silent: int
    """What the module cannot be asked."""


def measure() -> dict[str, Score]:
    """By module. Enters a network namespace."""
    sandbox.enter()
    with troupe() as actors:
        batch = Batch(draw(SEED, 0), actors)
        asks = [ask for ask in batch.asks if _is_plain(ask)]
        before = dict(zip(batch.asks, batch.truth))
        said = {"port_check": _port_check(asks), "listen_ports_facts": _facts(asks), "wait_for": _wait_for(asks)}
        after = dict(zip(batch.asks, truth.read(list(batch.asks))))
        bound = {ask for ask in asks if _bound_only(batch, ask)}
    # Left out: what changed meanwhile, addresses that the host does not have, and bound sockets that do not listen,
    # which only port_check means to call taken.
    fair = {ask: before[ask] for ask in asks if before[ask] == after[ask] and ask not in bound}
    # Of the one port, the errors of each socket that a server opens.
    errors = {ask: set(found[0]) - {""} for ask, found in fair.items()}
    taken = {ask: found == {IN_USE} for ask, found in errors.items() if found <= {IN_USE}}
    return {name: _score(answers, taken) for name, answers in said.items()}


def _is_plain(ask: Ask) -> bool:
    """Whether all three modules can be asked it."""
    return ask.want == "free" and ask.count == 1 and not (ask.interface or ask.later or ask.allowed)


def _bound_only(batch: Batch, ask: Ask) -> bool:
    held = batch.held[ask.protocol, ask.port]
    return ask.protocol == "tcp" and any(each.state == "bound" for each in held)


def _score(answers: dict[Ask, bool | None], taken: dict[Ask, bool]) -> Score:
    return Score(
        cases=len(taken),
        free=sum(answers[ask] is False and is_taken for ask, is_taken in taken.items()),
        taken=sum(answers[ask] is True and not is_taken for ask, is_taken in taken.items()),
        silent=sum(answers[ask] is None for ask in taken),
    )


def _port_check(asks: list[Ask]) -> dict[Ask, bool | None]:
    ports = [{"port": ask.port, "protocol": ask.protocol, "address": ask.address} for ask in asks]
    result = run(PLUGINS + ".modules.port_check", {"ports": ports, "ephemeral": "ignore"})
    met = {(entry["port"], entry["protocol"], entry["address"]): entry["met"] for entry in result["ports"]}
    return {ask: not met[ask.port, ask.protocol, ask.address] for ask in asks}


def _facts(asks: list[Ask]) -> dict[Ask, bool | None]:
    """Taken is what is listed with the port, on the same address or where either is a wildcard."""
    facts = run("ansible_collections.community.general.plugins.modules.listen_ports_facts", {})["ansible_facts"]

    def listed(ask: Ask) -> bool:
        return any(
            each["port"] == ask.port
            and (ask.address in (None, *WILDCARDS, each["address"]) or each["address"] in WILDCARDS)
            for each in facts[ask.protocol + "_listen"]
        )

    return {ask: listed(ask) for ask in asks}


def _wait_for(asks: list[Ask]) -> dict[Ask, bool | None]:
    """Taken is what still answers when the time is up."""
    with ProcessPoolExecutor(AT_A_TIME, multiprocessing.get_context("fork")) as pool:
        return dict(zip(asks, pool.map(_answers, asks)))


def _answers(ask: Ask) -> bool | None:
    if ask.protocol != "tcp":
        return None
    where = {"host": ask.address} if ask.address else {}
    result = run("ansible.modules.wait_for", {**where, "port": ask.port, "state": "stopped", "timeout": 1})
    return bool(result.get("failed"))
