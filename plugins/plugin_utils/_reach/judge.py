# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client says and what the target saw -> the state of a flow. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import TCP
from ansible_collections.preflight.ports.plugins.module_utils._reach import states
from ansible_collections.preflight.ports.plugins.module_utils._reach.visits import ARRIVED, ASKED, PASSED

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.plugin_utils._reach.answers import (
        End,
        Port,
        Rules,
        Seen,
        Started,
        Tried,
    )

_NO_RULE = "and no rule of its firewall stops it"
_ASK_NAT = "Delete the NAT rule on the target if it is left over, or name the port that it publishes."
_ASK_ROUTES = "Look at rp_filter and the routes of the target, and whether it has the address."
_ASK_WHAT_STOPS_DATA = (
    "Look for a firewall that lets packets without data pass, on the target, too, or for a link with a smaller MTU."
)
_ASK_THE_SERVICE = (
    "Look whether the service accepts connections: its queue is full where ss -ltn shows more in Recv-Q than in Send-Q."
    " If not, look for firewalls and routes on the way back."
)


class Target(t.NamedTuple):
    """What is known of a target's side of a flow."""

    in_play: bool = False
    started: Started | None = None
    seen: Seen | None = None
    problem: str | None = None
    """Why its responder is not known to have run; None if it did, or if there was to be none."""
    clients: frozenset[End] = frozenset()
    """The ends of all clients that tried this target: what they sent is explained."""


class Judged(t.NamedTuple):
    """The state of a flow, and why."""

    state: str
    reason: str
    at_target: bool = False
    """Whether the target's own firewall is the cause."""
    by: str | None = None
    rule: str | None = None
    advice: str | None = None


def judge(protocol: str, port: int, tried: Tried, target: Target) -> Judged:
    """The state of a flow that a client tried."""
    bound = target.started.ports.get((protocol, port)) if target.started else None
    told = Judged(tried.state, tried.reason)
    if not target.in_play or tried.state in (states.UNRESOLVED, states.NO_HOST, states.NO_ROUTE, states.NOT_TESTED):
        return told
    if tried.source and tried.source.address == tried.address:
        reason = f"the name of the target leads this client to itself ({tried.address}); set port_reach_address"
        return Judged(states.NOT_TESTED, reason)
    if target.problem and target.started is None:
        return Judged(states.NOT_TESTED, f"nothing is known of the target: {target.problem}")
    expected = bound is not None and bound.state == "bound" and target.started is not None and target.started.running
    if expected and (target.seen is None or not target.seen.ran) and tried.state != states.OPEN:
        early = target.started.may_end_early if target.started else None
        why = target.problem or early or "its time was over (port_reach_seconds), or somebody ended it"
        return Judged(states.NOT_TESTED, f"the responder did not run to the end: {why}")
    if bound and bound.state in ("refused", "unavailable") and tried.state not in (states.SERVED, states.ANSWERED):
        told = Judged(told.state, f"{told.reason}; the responder could not bind the port: {bound.reason}")
    return _with_visits(protocol, port, tried, told, target, bound)


def _with_visits(protocol: str, port: int, tried: Tried, told: Judged, target: Target, bound: Port | None) -> Judged:
    stage, end = _stage(protocol, port, tried.source, target)
    rules = target.seen.rules.get((protocol, port, end.address)) if target.seen and end else None
    witness = bool(target.seen and target.seen.witness and target.seen.ran and not target.seen.missed)
    absent = stage is None and witness and not _unexplained(protocol, port, target)
    taken = bound is not None and bound.state == "taken"
    holder = f" ({bound.holder})" if bound and bound.holder else ""
    if bound and bound.holder == "port_responder":
        return Judged(states.NOT_TESTED, "the responder of another run has the port")
    if tried.state == states.SERVED:
        if absent:
            return Judged(states.WRONG_PEER, "a connection was accepted, but nothing of it reached the target")
        return Judged(states.SERVED, f"the service on the target{holder} answered") if taken else told
    if tried.state == states.NO_ANSWER:
        return _explained(_silent(protocol, told, stage, absent, taken, holder), told, rules)
    if tried.state == states.ANSWERED and taken and not witness:
        reason = f"{told.reason.partition(': ')[0]} although a service{holder} has the port; nothing watches"
        return Judged(states.NOT_TESTED, reason)
    if tried.state in (states.REFUSED, states.REJECTED, states.ANSWERED):
        return _explained(_rejected(told, stage, absent), told, rules)
    if tried.state == states.WRONG_PEER and stage is not None:
        if stage >= ASKED:
            return Judged(states.REPLY_LOST, "the responder read the question, its answer did not come back")
        if stage == PASSED and protocol == TCP:
            return Judged(states.STALLED, "the connection was made, then no data passed", advice=_ASK_WHAT_STOPS_DATA)
    return told


def _explained(judged: Judged, told: Judged, rules: Rules | None) -> Judged:
    """With what the target's own rules do to the client, so far as it is known."""
    if not judged.at_target or not rules:
        return judged
    if rules.by:
        return judged._replace(by=rules.by, rule=rules.rule, advice=rules.advice)
    if rules.sent_to:
        said = told.reason.partition(": ")[0]
        return Judged(told.state, f"{said}; NAT rules of the target send it to {rules.sent_to}", advice=_ASK_NAT)
    if rules.is_open:
        return Judged(judged.state, f"{judged.reason.partition(', w')[0]}, {_NO_RULE}", advice=_ASK_ROUTES)
    return judged


def _silent(protocol: str, told: Judged, stage: int | None, absent: bool, taken: bool, holder: str) -> Judged:
    if stage == ARRIVED:
        return Judged(states.DROPPED_BY_HOST, "it reached the target, which dropped it before any server", True)
    if taken and protocol != TCP and not absent:
        delivered = "it was delivered to" if stage is not None else "nothing watches, and the port has"
        reason = f"{delivered} the service{holder}, which need not answer a stranger over UDP"
        return Judged(states.NOT_TESTED, reason)
    if stage is not None and taken:
        reason = (
            f"it got through to the target; the service{holder} does not accept it, or its answer did not come back"
        )
        return Judged(states.REPLY_LOST, reason, advice=_ASK_THE_SERVICE)
    if stage == PASSED and protocol != TCP:
        return Judged(states.NOT_TESTED, "it got through to the target, but nothing is known to have read it")
    if stage is not None:
        return Judged(states.REPLY_LOST, "it got through to the target, the answer did not come back")
    if absent:
        return Judged(states.LOST, f"{told.reason}; nothing of it reached the target")
    return told


def _rejected(told: Judged, stage: int | None, absent: bool) -> Judged:
    # What the client guessed about a reset, behind the colon, is known now.
    is_reset = told.state in (states.ANSWERED, states.REFUSED)
    state = states.REFUSED if is_reset else told.state
    said = told.reason.partition(": ")[0] if is_reset else told.reason
    if stage == ARRIVED:
        return Judged(state, f"{said}; it reached the target, whose own firewall rejects it", True)
    if absent:
        so = ", so something before it rejects it" if is_reset else ""
        return Judged(state, f"{said}; nothing of it reached the target{so}")
    return told


def _stage(protocol: str, port: int, source: End | None, target: Target) -> tuple[int | None, End | None]:
    """How far the flow came, and from where; None if the target has not seen it.

    A router that translates often keeps the port.
    """
    visits = target.seen.visits.get((protocol, port), {}) if target.seen else {}
    if source is None:
        return None, None
    if source in visits:
        return visits[source], source
    same_port = [(stage, end) for end, stage in visits.items() if end.port == source.port and end not in target.clients]
    return max(same_port, default=(None, None))


def _unexplained(protocol: str, port: int, target: Target) -> bool:
    """Whether somebody came to the port who is none of the clients, as it looks if addresses are translated."""
    visits = target.seen.visits.get((protocol, port), {}) if target.seen else {}
    return any(end not in target.clients for end in visits)


def is_met(expect: str, state: str, in_play: bool) -> bool:
    """Whether the flow is as expected. To a host of the play the way counts: ``answered`` shows that it is open."""
    return states.is_met(expect, state) or (expect == states.OPEN and state == states.ANSWERED and in_play)
