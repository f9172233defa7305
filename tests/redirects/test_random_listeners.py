# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random listeners under random NAT rules: a port is served as its clients say, from every network."""

from __future__ import annotations

import contextlib
import random

from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from redirects.servers import ELSEWHERE, Servers
from redirects.test_random_rules import ENTRIES, PORTS, load_rules
from redirects.world import OTHER_PORTS, OWN, World
from support.actors import troupe
from support.running import check

HOLDERS = 3
NAMES = [f"p{number}" for number in range(HOLDERS)]
WORDS = {name.encode() for name in NAMES}
TARGETS = [
    *("redirect to :8080", "redirect to :3128", "redirect to :80"),
    *("dnat ip to 172.17.0.2:80", "dnat ip to 127.0.0.1:8080", "dnat ip6 to [::1]:8080"),
]
QUICK, PATIENT = 0.1, 3.0  # seconds


def test_listeners_under_random_rules(seed):
    chance = random.Random(f"listeners {seed}")
    with World() as world, Servers() as servers, troupe() as actors:
        listeners = [line for line in (listen(chance, servers, actors) for _unused in range(6)) if line]
        rules = divert(world, chance) if chance.random() < 0.6 else load_rules(chance)
        for entry in chance.sample(ENTRIES, 3):
            asked = entry.format(chance.choice(PORTS))
            allowed = chance.choice([None, *NAMES])
            result = check([asked], state="listening", held_by=[f"process:{allowed}"] if allowed else [])
            if any(doubt["kind"] == "nat" for doubt in result["doubts"]):
                continue
            (requirement,) = parse([asked])
            question = (requirement.protocol, requirement.endpoints, requirement.first)
            (found,) = result["ports"]
            # What seems wrong is asked again, with more time.
            for patience in (QUICK, PATIENT):
                answers = world.answers(*question, patience)
                fault = wrong(found["met"], len(requirement.endpoints) == 1, allowed, answers)
                if not fault:
                    break
            else:
                story = [f"{asked} by {allowed}: {fault}: {answers}", result["msg"], *listeners, rules]
                raise AssertionError("\n".join(story))


def listen(chance, servers, actors):
    """A server that a process with a name of its own has, too."""
    protocol, holder = chance.choice(["tcp", "tcp", "udp"]), chance.randrange(HOLDERS)
    address, port = chance.choice(["0.0.0.0", "::", "::", *sorted(OWN)]), chance.choice([*PORTS, *OTHER_PORTS])
    v6only = chance.choice([True, False]) if address == "::" else None
    with contextlib.suppress(OSError):
        actors[holder].take([servers.add(protocol, address, port, NAMES[holder].encode(), v6only)])
        return f"{NAMES[holder]} has [{address}]:{port}/{protocol}{' v6only' * bool(v6only)}"
    return None


def divert(world, chance):
    """Rules that leave no doubt: some ports go elsewhere, whoever asks."""
    diverted = [
        f"meta l4proto {chance.choice(['tcp', 'tcp', 'udp'])} th dport {port} {chance.choice(TARGETS)}"
        for port in chance.sample(PORTS, 2)
    ]
    hooks = (
        f"chain {hook} {{ type nat hook {hook} priority -100; {'; '.join(diverted)}; }};"
        for hook in ("prerouting", "output")
    )
    rules = f"table inet diverted {{ {' '.join(hooks)} }}"
    world.nft(rules)
    return rules


def wrong(met, has_address, allowed, answers):
    """What does not fit. Who answers elsewhere is unknown to the host: it does for those who ask for nobody."""
    answering = answers & {*WORDS, ELSEWHERE}
    everybody_answered = answering == answers
    good = {allowed.encode()} if allowed else WORDS
    if met:
        if not answering or (has_address and not everybody_answered):
            return "met, but clients get no answer"
        return "met, but others answer" if allowed and answering - good else ""
    if has_address:
        return "not met, but served" if answers <= good else ""
    return "not met, but served" if answering & good and (not allowed or answering <= good) else ""
