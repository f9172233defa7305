# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A world as a few readable lines."""

from __future__ import annotations

from typing import Any

from oracle.worlds import World


def listing(world: World) -> list[str]:
    lines = [f"s{number} = {_operation(op)}" for number, op in enumerate(world["ops"]) if op]
    return lines + [f"? {_ask(ask)}" for ask in world["asks"] if ask] + ["P is below 1024"] * world["low"]


def _operation(op: dict[str, Any]) -> str:
    if op["do"] in ("close", "shutdown"):
        return f"{op['do']} s{op['to']}"
    if op["do"] == "refuse":
        ports = _place(op["hook"], op["port"]) + (f"..+{op['count'] - 1}" if op["count"] > 1 else "")
        return f"a policy that refuses {op['protocol']} {ports}"
    notes = [name for name in ("reuse", "reuseport", "v6only", "late") if op.get(name)]
    notes += [f"device {op['device']}"] * bool(op["device"])
    notes.append("by " + "+".join(f"p{actor}" for actor in op["holders"]))
    place = _place(op["address"], op["port"])
    if op["do"] == "connect":
        closed = "".join(f", {side} closes" for side in op["closed"])
        taken = "" if "server" in op["closed"] else " accepted by " + "+".join(f"p{a}" for a in op["server_holders"])
        via = f" through {op['via']}" if op["via"] else ""
        return f"tcp {place} connects to s{op['to']}{via}{taken} ({', '.join(notes)}){closed}"
    what = " listens" if op.get("listen") else f" connects to {op['peer']}" if op.get("peer") else " bound"
    return f"{op['protocol']} {place}{what} ({', '.join(notes)})"


def _ask(ask: dict[str, Any]) -> str:
    more = f"..+{ask['count'] - 1}" if ask["count"] > 1 else ""
    device = f" on {ask['interface']}" if ask["interface"] else ""
    later = ", an address that may come later" if ask["later"] else ""
    allowed = f", by {'+'.join(f'p{actor}' for actor in ask['allowed'])}" if ask["allowed"] else ""
    return f"{ask['want']}: {_place(ask['address'], ask['port'])}{more}/{ask['protocol']}{device}{later}{allowed}"


def _place(address: Any, port: Any) -> str:
    if port is None:
        number = "any port"
    elif isinstance(port, str):
        number = f"port of {port}"
    else:
        number = f"P+{port}" if port else "P"
    return f"[{address or 'no address'}]:{number}"
