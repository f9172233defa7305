# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts answer -> records. A host may answer anything: what is not as the modules return it is malformed. Pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import LAST_PORT, TCP, UDP
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable
from ansible_collections.preflight.ports.plugins.module_utils._reach.states import STATES
from ansible_collections.preflight.ports.plugins.module_utils._reach.visits import MOST, STAGES

_LONGEST_TEXT = 500
_MOST_SECONDS = 100000.0
_MOST_RULES = 500
# As a tuple: what a host says may have no hash.
_STATES_OF_CLIENTS = tuple(state for state in STATES if state not in ("dropped_by_host", "lost", "reply_lost"))


class Malformed(ValueError):
    """An answer that the module never gives; the text says what is wrong with it."""


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
    """The flows of a result of port_connect. *expected*: for each flow, whether it is to be open."""
    rows = _list(_dict(result, "the answer").get("flows"), "flows", len(expected))
    if len(rows) != len(expected):
        raise Malformed(f"it tells of {len(rows)} flows and was asked for {len(expected)}")
    return [_tried(row, number) for number, row in enumerate(rows)]


def _tried(value: t.Any, number: int) -> Tried:
    row = _dict(value, "a flow")
    if _number(row.get("id"), "id", MOST) != number:
        raise Malformed("its flows are not in order")
    state = row.get("state")
    if state not in _STATES_OF_CLIENTS:
        raise Malformed(f"state {_shown(state)} does not exist")
    seconds = row.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds <= _MOST_SECONDS:
        raise Malformed(f"seconds {_shown(seconds)} is no time")
    translated = row.get("translated")
    if translated is not None and not isinstance(translated, bool):
        raise Malformed(f"translated {_shown(translated)} is no truth value")
    source, address = row.get("source"), row.get("address")
    return Tried(
        str(state),
        float(seconds),
        _text(row.get("reason", ""), "reason"),
        None if address is None else _address(address),
        None if source is None else _end(source),
        translated,
    )


def started(result: t.Any) -> Started:
    """A result of port_responder with state present."""
    answer = _dict(result, "the answer")
    ports: dict[tuple[str, int], Port] = {}
    for value in _list(answer.get("ports"), "ports", MOST):
        row = _dict(value, "a port")
        state = row.get("state")
        if state not in ("bound", "taken", "refused", "unavailable"):
            raise Malformed(f"state {_shown(state)} of a port does not exist")
        holder = row.get("holder")
        key = (_protocol(row.get("protocol")), _port(row.get("port")))
        port = Port(
            str(state), _text(row.get("reason", ""), "reason"), None if holder is None else _text(holder, "holder")
        )
        known = ports.get(key)
        if known is None or known.state == "bound":  # of several addresses, one that is not bound counts
            ports[key] = port
    early = answer.get("may_end_early")
    return Started(
        _bool(answer, "running"),
        ports,
        _bool(answer, "witness"),
        None if early is None else _text(early, "may_end_early"),
    )


def seen(result: t.Any) -> Seen:
    """A result of port_responder with state absent."""
    answer = _dict(result, "the answer")
    visits: dict[tuple[str, int], dict[End, int]] = {}
    for value in _list(answer.get("visits"), "visits", MOST):
        row = _dict(value, "a visit")
        stage = row.get("stage")
        if stage not in STAGES:
            raise Malformed(f"stage {_shown(stage)} does not exist")
        key = (_protocol(row.get("protocol")), _port(row.get("port")))
        source = End(_address(row.get("source")), _number(row.get("source_port"), "source_port", LAST_PORT))
        visits.setdefault(key, {})[source] = STAGES.index(stage)
    missed = _number(answer.get("missed"), "missed", 1 << 62)
    return Seen(_bool(answer, "running"), _bool(answer, "witness"), missed, visits, _rules(answer.get("firewall")))


def _rules(value: t.Any) -> dict[tuple[str, int, str], Rules]:
    found: dict[tuple[str, int, str], Rules] = {}
    for each in _list(value, "firewall", _MOST_RULES):
        row = _dict(each, "a row of the firewall")
        key = (_protocol(row.get("protocol")), _port(row.get("port")), _address(row.get("source")))
        texts = [None if row.get(name) is None else _text(row[name], name) for name in Rules._fields[1:]]
        rules = Rules(row.get("verdict") == "open", *texts)
        if key not in found or found[key].is_open:
            found[key] = rules
    return found


def _shown(value: t.Any) -> str:
    return printable(repr(value)[:60])


def _dict(value: t.Any, what: str) -> t.Mapping[str, t.Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{what} is not a dictionary")
    return value


def _list(value: t.Any, what: str, most: int) -> list[t.Any]:
    if not isinstance(value, list):
        raise Malformed(f"{what} is not a list")
    if len(value) > most:
        raise Malformed(f"{what} has {len(value)} entries; at most {most} are expected")
    return value


def _text(value: t.Any, what: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{what} {_shown(value)} is not text")
    return printable(value[:_LONGEST_TEXT])


def _bool(answer: t.Mapping[str, t.Any], key: str) -> bool:
    value = answer.get(key)
    if not isinstance(value, bool):
        raise Malformed(f"{key} {_shown(value)} is no truth value")
    return value


def _number(value: t.Any, what: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Malformed(f"{what} {_shown(value)} is not a number of 0 to {most}")
    return int(value)


def _port(value: t.Any) -> int:
    return _number(value, "port", LAST_PORT)


def _protocol(value: t.Any) -> str:
    if value not in (TCP, UDP):
        raise Malformed(f"protocol {_shown(value)} does not exist")
    return str(value)


def _address(value: t.Any) -> str:
    try:
        if not isinstance(value, str) or len(value) > 64:
            raise ValueError
        return str(ipaddress.ip_address(value.partition("%")[0]))
    except ValueError:
        raise Malformed(f"{_shown(value)} is not an address") from None


def _end(value: t.Any) -> End:
    row = _dict(value, "source")
    return End(_address(row.get("address")), _port(row.get("port")))
