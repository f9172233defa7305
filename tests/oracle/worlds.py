# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random worlds: operations that make sockets, and requirements to judge beside them.

Of every choice the plainest comes first, and what is to come often comes more than once.
"""

from __future__ import annotations

import random
from typing import Any, Dict

from oracle.scene import SPAN
from support.actors import COUNT
from support.cgroup_bpf import HOOKS
from support.sandbox import DEVICES

World = Dict[str, Any]

LITERALS_4 = ["127.0.0.1", *(pair[0] for pair in DEVICES.values())]
LITERALS_6 = ["::1", *(pair[1] for pair in DEVICES.values())]
LITERALS = LITERALS_4 + LITERALS_6
MAPPED = ["::ffff:" + address for address in LITERALS_4]
BINDABLE = ["0.0.0.0", "::", *LITERALS, "127.0.0.2", *MAPPED, "::ffff:0.0.0.0"]
MULTICAST = ["224.0.0.251"]
ABSENT = ["203.0.113.9", "2001:db8:9::9"]

HOLDERS = [[actor] for actor in range(COUNT)] + [[0, 1], [1, 3], [2, 4], [4, 5], [1, 2, 5], [0, 3, 4]]
OPTIONS = {
    "reuse": [False, True],
    "reuseport": [False, False, False, True],
    "v6only": [False, True],
    "device": [*[None] * 10, "lo", "lo", "pf0"],
    "holders": HOLDERS,
}

POLICIES = 0.15  # of the worlds; a control group takes 64 programs at a hook

# Ports are slots of the world, None for the kernel's choice, or "sN" for the one that operation N's socket has.
KINDS: dict[str, dict[str, list[Any]]] = {
    "tcp": {
        "do": ["open"],
        "protocol": ["tcp"],
        "address": BINDABLE,
        "port": [0, 0, 0, 0, 1, 2, None],
        "listen": [True, True, False],
        **OPTIONS,
    },
    "udp": {
        "do": ["open"],
        "protocol": ["udp"],
        "address": BINDABLE + MULTICAST,
        "port": [0, 0, 0, 0, 1, 2, None],
        "peer": [None, None, None, None, *LITERALS],
        **OPTIONS,
    },
    "connection": {
        "do": ["connect"],
        "via": [*[None] * 24, *LITERALS],
        "address": [*[None] * 30, *LITERALS, "::", *MAPPED],
        "port": [None, None, None, 0, 1, 1, 2],
        "late": [False, False, True],
        "closed": [[], [], ["server"], ["client"], ["server", "client"], ["client", "server"]],
        "server_holders": HOLDERS,
        **OPTIONS,
        # answers to a device-bound client may come in on another device, and then nothing ever connects
        "device": [None],
    },
    "end": {"do": ["close", "close", "shutdown"]},
    "policy": {
        "do": ["refuse"],
        "hook": list(HOOKS),
        "protocol": ["tcp", "tcp", "udp"],
        "port": [0, 0, 1, 2],
        "count": [1, 1, SPAN],
    },
    "ask": {
        "protocol": ["tcp", "tcp", "udp"],
        "address": [None, None, None, "0.0.0.0", "::", *BINDABLE, *ABSENT],
        "port": [0, 0, 0, 1, 2],
        "count": [1, 1, 1, 1, 1, 1, 2, SPAN],
        "want": ["free"],
        "interface": [*[None] * 8, "lo", *DEVICES],
        "later": [False, False, False, True],
        "allowed": [None],
    },
    "listener asked": {
        "protocol": ["tcp", "tcp", "udp"],
        "address": [None, None, None, *BINDABLE, *ABSENT],
        "port": [0, 0, 1],
        "count": [1],
        "want": ["listening"],
        "interface": [None],
        "later": [False],
        "allowed": [None, None, *HOLDERS],
    },
}


def world(rng: random.Random) -> World:
    ops: list[dict[str, Any]] = []
    for _unused in range(rng.randint(0, 7)):
        listeners = [number for number, op in enumerate(ops) if op.get("listen")]
        kinds = ["tcp"] * 3 + ["udp"] + ["connection"] * 5 * bool(listeners) + ["end"] * bool(ops)
        kind = rng.choice(kinds)
        op = _one(rng, kind, len(ops))
        if kind == "connection":
            op["to"] = rng.choice(listeners)
        elif kind == "end":
            op["to"] = rng.randrange(len(ops))
        ops.append(op)
    if rng.random() < POLICIES:
        ops.append(_one(rng, "policy", 0))
    asks = [_one(rng, rng.choice(["ask"] * 2 + ["listener asked"]), len(ops)) for _unused in range(rng.randint(1, 8))]
    return {"low": rng.choice([False, False, False, True]), "ops": ops, "asks": asks}


def _one(rng: random.Random, kind: str, earlier: int) -> dict[str, Any]:
    """One of a kind; the ports of earlier operations are as likely as all the others together."""
    chosen = {field: rng.choice(choices) for field, choices in KINDS[kind].items()}
    if "port" in chosen and earlier and rng.random() < 0.3:
        chosen["port"] = f"s{rng.randrange(earlier)}"
    return {"kind": kind, **chosen}
