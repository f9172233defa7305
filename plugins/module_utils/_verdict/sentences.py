# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a port is not as wanted, or who holds it, in words. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.finding import (
    DUPLICATE,
    REDIRECTED,
    REFUSED,
    UNAVAILABLE,
    UNKNOWN,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Holder, Redirect
from ansible_collections.preflight.ports.plugins.module_utils._model.pattern import Pattern
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    SERVING,
    TCP,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.text import joined, printable
from ansible_collections.preflight.ports.plugins.module_utils._verdict.names import container_name, name_of, who
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict, allows


def reason(verdict: Verdict) -> str:
    """Why the port is not as wanted, or who is allowed to hold it. It follows the port and a colon."""
    requirement = verdict.requirement
    if verdict.doubt:
        return verdict.doubt.reason
    if verdict.state == FREE:
        return f"nothing listens there, only on {joined(verdict.elsewhere)}" if verdict.elsewhere else "nothing listens"
    if verdict.state == DUPLICATE:
        return f"also wanted by {joined([printable(name) for name in verdict.rivals])}"
    if verdict.state == REFUSED:
        who = f"to user {printable(requirement.user)}" if requirement.user else "by a policy of this host"
        return f"bind(2) is refused {who}"
    if verdict.state == UNAVAILABLE:
        return _unavailable(verdict)
    if verdict.state == UNKNOWN:
        return "in use by something that neither the socket table nor /proc shows"
    held = "; ".join(f"{_doing(holder)}{_held_by(holder, requirement.held_by)}" for holder in verdict.holders)
    if verdict.met:
        return held
    if verdict.state == REDIRECTED and requirement.state == LISTENING:
        return f"{held}, {_who_answers(verdict)}"
    if requirement.state == LISTENING:
        return _not_served(verdict, held)
    return f"{held}{_allowed(verdict)}"


def _allowed(verdict: Verdict) -> str:
    """What ``held_by`` says to it."""
    patterns = verdict.requirement.held_by
    if not patterns or not any(holder.process or holder.redirect or holder.kernel for holder in verdict.holders):
        return ""
    if verdict.state in (CONNECTED, CLOSING):
        return "; held_by allows no connection"
    return f"; allowed here: {_patterns(patterns)}"


def _unavailable(verdict: Verdict) -> str:
    address = verdict.requirement.address
    if verdict.lacks_family:
        return "IPv6 is off on this host"
    missing = f"the address {address or 'to bind'} is not on this host"
    if address and "%" in address:
        missing = f"the address or the device of {address} is not on this host"
    if not verdict.holders:
        return missing
    in_the_way = "; ".join(f"{_doing(holder)}{_held_by(holder)}" for holder in verdict.holders)
    if verdict.requirement.state == LISTENING:
        return f"{missing}; {in_the_way}"
    return f"{missing}; if it were, the port would be taken: {in_the_way}"


def _who_answers(verdict: Verdict) -> str:
    if not verdict.answering:
        return "where nothing is known to answer"
    known = [name_of(holder) for holder in verdict.answering if not holder.redirect]
    if not known:
        return "where this host cannot see who answers"
    answers = f"where {joined(known)} answers"
    if verdict.strangers:
        return f"{answers}; wanted: {_patterns(verdict.requirement.held_by)}"
    return f"{answers}, but not on every address"


def _not_served(verdict: Verdict, held: str) -> str:
    requirement = verdict.requirement
    serving = SERVING[requirement.protocol]
    if verdict.strangers:
        if any(holder.state == serving and allows(requirement, holder) for holder in verdict.holders):
            others = joined([name_of(holder) for holder in verdict.strangers])
            return f"{held}; {others} serves it, too; wanted: {_patterns(requirement.held_by)}"
        known = all(holder.process or holder.kernel for holder in verdict.strangers)
        return f"{held}; wanted: {_patterns(requirement.held_by)}" if known else held
    return f"{held}; {_missed(verdict)}" if verdict.state == serving else held


def _missed(verdict: Verdict) -> str:
    """Whom the servers leave out."""
    devices = only_devices(verdict)
    if devices:
        return f"this serves only clients that come in by {joined(devices)}"
    if is_for_ipv6_alone(verdict):
        return "this serves IPv6 alone, as far as the host tells (IPV6_V6ONLY)"
    return f"this does not serve {verdict.requirement.address}"


def only_devices(verdict: Verdict) -> list[str]:
    """Those by which clients are served; none if some server is bound to no device."""
    servers = [holder for holder in verdict.holders if holder.state == SERVING[verdict.requirement.protocol]]
    devices = [holder.interface for holder in servers if holder.interface]
    return devices if len(devices) == len(servers) else []


def is_for_ipv6_alone(verdict: Verdict) -> bool:
    """Whether clients of IPv4 are all that a server on ``::`` leaves out."""
    return verdict.requirement.address == "::" and any("::" in holder.addresses for holder in verdict.holders)


def _patterns(patterns: t.Sequence[Pattern]) -> str:
    return joined([printable(each.text) for each in patterns], "or")


def _doing(holder: Holder) -> str:
    """``listening on 0.0.0.0 and ::``."""
    if holder.redirect:
        traffic = f"its traffic at {holder.redirect.address} is " if holder.redirect.address else ""
        return f"{traffic}sent to {holder.redirect.target}"
    device = f" on {holder.interface}" if holder.interface else ""
    addresses = f"{joined(holder.addresses)}{device}"
    to_peer = f" to {holder.peer}" if holder.peer else ""
    if holder.state == CONNECTED:
        return f"local port of a connection{to_peer}"
    if holder.state == CLOSING:
        return f"blocked on {addresses} by a connection{to_peer} that is closing"
    if holder.state == BOUND and holder.protocol == TCP:
        return f"bound on {addresses}, not listening yet"
    return f"{holder.state} on {addresses}"


def _held_by(holder: Holder, patterns: t.Sequence[Pattern] = ()) -> str:
    if holder.redirect:
        return f" by NAT rules of {rules(holder.redirect)}"
    asked = f"; held_by {_patterns(patterns)} could not be asked" if patterns and holder.hidden else ""
    return f", held by {who(holder)}{asked}"


def rules(redirect: Redirect) -> str:
    """``iptables (ip nat PREROUTING > DOCKER, container web)``."""
    known = (" > ".join(redirect.chains), redirect.label, container_name(redirect.container))
    return f"{redirect.tool} ({', '.join(filter(None, known))})"


def diversion(redirect: Redirect, targets: t.Sequence[str], is_ipv6: bool) -> str:
    """What NAT rules may do to a port that counts as free or served."""
    where = f"{targets[0]} and elsewhere" if len(targets) > 1 else targets[0]
    if redirect.depends_on:
        depends = joined(redirect.depends_on)
        return f"NAT rules of {rules(redirect)} may send its traffic to {where}, depending on {depends}"
    version = f"IPv{6 if is_ipv6 else 4}"
    traffic = f"its traffic at {redirect.address}" if redirect.address else f"its traffic of {version}"
    return f"NAT rules of {rules(redirect)} send {traffic} to {where}"
