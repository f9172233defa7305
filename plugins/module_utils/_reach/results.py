# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Outcomes of a client -> the module's result. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.text import located, printable
from ansible_collections.preflight.ports.plugins.module_utils._reach import states, wire

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._reach.attempt import Outcome
    from ansible_collections.preflight.ports.plugins.module_utils._reach.destinations import Destination

_MOST_LINES = 100


class Found(t.NamedTuple):
    """One flow and how it ended."""

    flow: Destination
    outcome: Outcome
    others: tuple[Outcome, ...]
    """Of the other addresses of the name."""

    @property
    def met(self) -> bool:
        return states.is_met(self.flow.expect, self.outcome.state)


def found(flows: t.Sequence[Destination], outcomes: t.Sequence[t.Sequence[Outcome]], token: str) -> list[Found]:
    """Each flow with the outcome that counts. Another responder than the expected one is a wrong peer."""
    return [
        _one(flow, [_with_right_peer(flow, each, token) for each in several]) for flow, several in zip(flows, outcomes)
    ]


def _one(flow: Destination, outcomes: list[Outcome]) -> Found:
    state = states.closest({each.state for each in outcomes}, flow.expect)
    place = next(place for place, each in enumerate(outcomes) if each.state == state)
    return Found(flow, outcomes[place], tuple(outcomes[:place] + outcomes[place + 1 :]))


def _with_right_peer(flow: Destination, outcome: Outcome, token: str) -> Outcome:
    if not outcome.seen or outcome.seen.responder == wire.responder_id(token, flow.responder or ""):
        return outcome
    return outcome._replace(state=states.WRONG_PEER, reason="the responder of another host answered")


def translated(outcome: Outcome, port: int) -> bool | None:
    """Whether the responder saw another source or destination than was sent; None if none answered."""
    if not outcome.seen or not outcome.address:
        return None
    return (outcome.seen.source, outcome.seen.destination) != (
        outcome.source,
        wire.End(wire.plain(outcome.address), port),
    )


def row(number: int, each: Found, brief: bool) -> dict[str, t.Any]:
    flow, outcome = each.flow, each.outcome
    changed = translated(outcome, flow.port)
    # What the target saw may change any state but this one: its own responder answered.
    if brief and each.met and outcome.state == states.OPEN and not changed:
        return {"id": number, "state": outcome.state, "seconds": outcome.seconds}
    return {
        "id": number,
        "to": flow.host,
        "address": outcome.address,
        "port": flow.port,
        "protocol": flow.protocol,
        "name": flow.name,
        "expect": flow.expect,
        "met": each.met,
        "state": outcome.state,
        "reason": outcome.reason,
        "seconds": outcome.seconds,
        "source": _end(outcome.source),
        "translated": changed,
        "seen": outcome.seen
        and {
            "responder": outcome.seen.responder.hex(),
            "source": _end(outcome.seen.source),
            "destination": _end(outcome.seen.destination),
        },
        "others": [{"address": other.address, "state": other.state} for other in each.others],
    }


def _end(end: wire.End | None) -> dict[str, t.Any] | None:
    return end and end._asdict()


def message(flows: t.Sequence[Found]) -> str:
    unmet = [each for each in flows if not each.met]
    if not unmet:
        return f"{_counted(len(flows), 'flow')} as expected"
    be = "is" if len(unmet) == 1 else "are"
    lines = [f"{len(unmet)} of {_counted(len(flows), 'flow')} {be} not as expected:"]
    lines += [f"  {_line(each)}" for each in unmet[:_MOST_LINES]]
    if len(unmet) > _MOST_LINES:
        lines.append(f"  and {len(unmet) - _MOST_LINES} more")
    return "\n".join(lines)


def _line(each: Found) -> str:
    flow, outcome = each.flow, each.outcome
    name = f" {printable(flow.name)}" if flow.name else ""
    address = f" ({outcome.address})" if outcome.address not in (None, flow.host) else ""
    wanted = ", should be closed" if flow.expect != states.OPEN else ""
    return f"{located(flow.port, flow.protocol, flow.host)}{address}{name}: {outcome.state}{wanted}: {outcome.reason}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
