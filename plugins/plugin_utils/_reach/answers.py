# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts answer -> records. A host may answer anything: what is not as the modules return it is malformed. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import LAST_PORT, TCP, UDP
from ansible_collections.preflight.ports.plugins.module_utils._reach.states import STATES
from ansible_collections.preflight.ports.plugins.module_utils._reach.visits import MOST, STAGES
from ansible_collections.preflight.ports.plugins.plugin_utils._play.shapes import (
    Malformed,
    boolean,
    choice,
    integer,
    listed,
    maybe,
    record,
    text,
)
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.plan import MOST_FLOWS

_LONGEST_TEXT = 500
_MOST_SECONDS = 100000.0
_MOST_RULES = 500
_STATES_OF_CLIENTS = tuple(state for state in STATES if state not in ("dropped_by_host", "lost", "reply_lost"))


class End(t.NamedTuple):
    address: str
    port: int


class Tried(t.NamedTuple):
    """What a client says of one flow."""

    state: str
    seconds: float
    reason: str = ""
    address: str | None = None
    source: End | None = None
    translated: bool | None = None


class Rules(t.NamedTuple):
    """What the target's own rules do to a client."""

    is_open: bool
    """Whether its firewall lets it in."""
    by: str | None = None
    rule: str | None = None
    advice: str | None = None
    sent_to: str | None = None
    """Where its NAT rules send what comes."""


class Port(t.NamedTuple):
    """What became of one port of a responder."""

    state: str
    reason: str
    holder: str | None


class Started(t.NamedTuple):
    """What a responder said when it started."""

    running: bool
    ports: t.Mapping[tuple[str, int], Port]
    witness: bool
    may_end_early: str | None


class Seen(t.NamedTuple):
    """What a responder said when it ended."""

    ran: bool
    """Whether it still ran."""
    witness: bool
    missed: int
    visits: t.Mapping[tuple[str, int], t.Mapping[End, int]]
    """(protocol, port) -> source -> stage, as an index into STAGES."""
    rules: t.Mapping[tuple[str, int, str], Rules] = {}
    """(protocol, port, address of a client) -> what they do to it."""


def tried(result: t.Any, expected: t.Sequence[bool]) -> list[Tried]:
    """The flows of a result of port_connect. *expected*: for each flow, whether it is to be open. Raises Malformed."""
    flows = _CONNECT(result)["flows"]
    if [flow["id"] for flow in flows] != list(range(len(expected))):
        raise Malformed(f"{len(flows)} flows, or not in order; {len(expected)} were asked for")
    return [Tried(**{field: flow[field] for field in Tried._fields if field in flow}) for flow in flows]


def started(result: t.Any) -> Started:
    """A result of port_responder with state present. Raises Malformed."""
    answer = _STARTED(result)
    ports: dict[tuple[str, int], Port] = {}
    for row in answer["ports"]:
        known = ports.get((row["protocol"], row["port"]))
        if known is None or known.state == "bound":  # of several addresses, one that is not bound counts
            ports[row["protocol"], row["port"]] = Port(row["state"], row.get("reason", ""), row.get("holder"))
    return Started(answer["running"], ports, answer["witness"], answer.get("may_end_early"))


def seen(result: t.Any) -> Seen:
    """A result of port_responder with state absent. Raises Malformed."""
    answer = _SEEN(result)
    visits: dict[tuple[str, int], dict[End, int]] = {}
    for row in answer["visits"]:
        source = End(row["source"], row["source_port"])
        visits.setdefault((row["protocol"], row["port"]), {})[source] = STAGES.index(row["stage"])
    rules: dict[tuple[str, int, str], Rules] = {}
    for row in answer["firewall"]:
        key = (row["protocol"], row["port"], row["source"])
        if key not in rules or rules[key].is_open:
            rules[key] = Rules(row.get("verdict") == "open", *(row.get(field) for field in Rules._fields[1:]))
    return Seen(answer["running"], answer["witness"], answer["missed"], visits, rules)


def _words(value: t.Any) -> str:
    """What is too long is cut: another user of the host may have chosen a part of it."""
    return str(text()(value[:_LONGEST_TEXT] if isinstance(value, str) else value))


def _seconds(value: t.Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= _MOST_SECONDS:
        raise Malformed("no such time")
    return float(value)


def _address(value: t.Any) -> str:
    try:
        if not isinstance(value, str) or len(value) > 64:
            raise ValueError
        return str(ipaddress.ip_address(value.partition("%")[0]))
    except ValueError:
        raise Malformed("an address that is none") from None


_PROTOCOL, _PORT = choice(TCP, UDP), integer(0, LAST_PORT)
_END = record({"address": _address, "port": _PORT})
_CONNECT = record(
    {
        "flows": listed(
            record(
                {"id": integer(), "state": choice(*_STATES_OF_CLIENTS), "seconds": _seconds},
                {
                    "reason": _words,
                    "address": maybe(_address),
                    "source": maybe(lambda value: End(**_END(value))),
                    "translated": maybe(boolean),
                },
            ),
            MOST_FLOWS,
        )
    }
)
_STARTED = record(
    {
        "running": boolean,
        "witness": boolean,
        "ports": listed(
            record(
                {
                    "protocol": _PROTOCOL,
                    "port": _PORT,
                    "state": choice("bound", "taken", "refused", "unavailable"),
                },
                {"reason": _words, "holder": maybe(_words)},
            ),
            MOST,
        ),
    },
    {"may_end_early": maybe(_words)},
)
_SEEN = record(
    {
        "running": boolean,
        "witness": boolean,
        "missed": integer(),
        "visits": listed(
            record(
                {
                    "protocol": _PROTOCOL,
                    "port": _PORT,
                    "source": _address,
                    "source_port": _PORT,
                    "stage": choice(*STAGES),
                }
            ),
            MOST,
        ),
        "firewall": listed(
            record(
                {"protocol": _PROTOCOL, "port": _PORT, "source": _address},
                {"verdict": _words, **dict.fromkeys(Rules._fields[1:], maybe(_words))},
            ),
            _MOST_RULES,
        ),
    }
)
