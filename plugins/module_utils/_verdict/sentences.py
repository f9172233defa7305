# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verdicts that somebody must read about, in words: the reason, the advice and the message. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.ephemeral import Ephemeral, merged
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import (
    DUPLICATE,
    REDIRECTED,
    UNAVAILABLE,
    UNKNOWN,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container, Holder
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE, LISTENING, Requirement
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    SERVING,
    TCP,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.text import joined, located, printable
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdicts import Verdict, allows

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Redirect

_MOST_LINES = 200
_TIME_WAIT_SECONDS = 60  # TCP_TIMEWAIT_LEN of the kernel's include/net/tcp.h


def label(requirement: Requirement, port: int | str) -> str:
    """``80/tcp (nginx)``."""
    name = f" ({printable(requirement.name)})" if requirement.name else ""
    return f"{located(port, requirement.protocol, requirement.address)}{name}"


def reason(verdict: Verdict) -> str:
    """Why the port is not as wanted, or who is allowed to hold it."""
    requirement = verdict.requirement
    if verdict.state == FREE:
        return f"nothing listens there, only on {joined(verdict.elsewhere)}" if verdict.elsewhere else "nothing listens"
    if verdict.state == DUPLICATE:
        return f"also wanted by {joined([printable(name) for name in verdict.rivals])}"
    if verdict.state == UNAVAILABLE:
        return f"the address {requirement.address or 'to bind'} is not on this host"
    if verdict.state == UNKNOWN:
        return "in use by something that neither the socket table nor /proc shows"
    held = "; ".join(f"{_doing(holder)}, {_held_by(holder)}" for holder in verdict.holders)
    serving = SERVING[requirement.protocol]
    if verdict.met or requirement.state != LISTENING or verdict.state != serving:
        return held
    if requirement.held_by and not any(
        allows(requirement, holder) for holder in verdict.holders if holder.state == serving
    ):
        return f"{held}; wanted: {joined([printable(each.text) for each in requirement.held_by], 'or')}"
    return f"{held}; this does not serve {requirement.address}"


def _doing(holder: Holder) -> str:
    """``listening on 0.0.0.0 and ::``."""
    if holder.redirect:
        return f"sent to {holder.redirect.target}"
    device = f" on {holder.interface}" if holder.interface else ""
    addresses = f"{joined(holder.addresses)}{device}"
    if holder.state == CONNECTED:
        return f"local port of a connection to {holder.peer}"
    if holder.state == CLOSING:
        return f"blocked on {addresses} by a connection to {holder.peer} that is closing"
    if holder.state == BOUND and holder.protocol == TCP:
        return f"bound on {addresses}, not listening yet"
    return f"{holder.state} on {addresses}"


def _held_by(holder: Holder) -> str:
    if holder.redirect:
        return f"by NAT rules of {_rules(holder.redirect)}"
    if holder.kernel:
        return "held by the kernel"
    process = holder.process
    if process is None:
        return f"held by a hidden process of user {holder.user}" if holder.user else "held by a hidden process"
    others = len(holder.pids) - 1
    pids = f"pid {process.pid}" + (f" and {others} more" if others > 0 else "")
    known = (
        pids,
        _container(holder.container),
        process.unit,
        f"user {process.user or process.uid}",
    )
    return f"held by {process.name or 'a nameless process'} ({', '.join(filter(None, known))})"


def _rules(redirect: Redirect) -> str:
    """``iptables (ip nat PREROUTING > DOCKER, container web)``."""
    known = (" > ".join(redirect.chains), redirect.label, _container(redirect.container))
    return f"{redirect.tool} ({', '.join(filter(None, known))})"


def _container(container: Container | None) -> str | None:
    return f"container {container.name or container.id[:12]}" if container else None


def advice(verdict: Verdict, privileged: bool, ephemeral: Ephemeral | None) -> str | None:
    """What to do about it; None where there is nothing to say that the reason does not.

    *privileged*: the task runs as root already. *ephemeral*: the host's settings, where it has them.
    """
    requirement = verdict.requirement
    if verdict.elsewhere:
        return f"Let the service listen on {requirement.address}, too, or ask for an address that it serves."
    if verdict.state == FREE:
        return "Start the service, or look at why it did not start."
    if verdict.state == DUPLICATE:
        return "Give one of them another port or address."
    if verdict.state == UNAVAILABLE:
        return "Configure the address on this host first, or ask for one that it has."
    if any(holder.hidden for holder in verdict.holders):
        if not privileged:
            return "Run the task with become: true to see who holds it."
        return "Look for the holder outside this container or namespace: from here not even root may look into it."
    if requirement.state == LISTENING:
        return None
    if verdict.state == REDIRECTED:
        remedy = "Remove what the rules are for"
        if any(holder.container for holder in verdict.holders):
            return f"{remedy}, or name its container in held_by if it is to keep the port."
        return f"{remedy}."
    if verdict.state == CLOSING:
        seconds = max((holder.seconds_left or 0 for holder in verdict.holders), default=0) or _TIME_WAIT_SECONDS
        return f"Wait for {seconds} seconds, for instance with timeout: {seconds}."
    if verdict.state == CONNECTED:
        if ephemeral and ephemeral.threatened([verdict.port]):
            return f"Close the connection, and keep others off the port with {ephemeral.sysctl([verdict.port])}"
        return "Close the connection."
    units = sorted({holder.process.unit for holder in verdict.holders if holder.process and holder.process.unit})
    services = [unit for unit in units if unit.endswith((".service", ".socket"))]
    if services:
        them, are = ("it", "it is") if len(services) == 1 else ("them", "they are")
        return f"Stop {joined(services)}, or name {them} in held_by if {are} to keep the port."
    if verdict.holders and all(holder.kernel for holder in verdict.holders):
        return "Remove the device or kernel service that has it, or name 'kernel' in held_by if it is to keep the port."
    return "Stop the holder, or name it in held_by if it is to keep the port."


def headline(verdicts: t.Sequence[Verdict], wanted: int) -> str:
    """The conflicts among *wanted* ports: a line that counts them and one line for each."""
    lines = [f"  {label(each.requirement, each.port)}: {reason(each)}" for each in verdicts[:_MOST_LINES]]
    if len(verdicts) > _MOST_LINES:
        lines.append(f"  and {len(verdicts) - _MOST_LINES} more, listed in 'conflicts'")
    one = len(verdicts) == 1
    plural = "" if wanted == 1 else "s"
    return "\n".join([f"{len(verdicts)} of {wanted} required port{plural} {_complaint(verdicts, one)}:", *lines])


def _complaint(verdicts: t.Sequence[Verdict], one: bool) -> str:
    verb = "is" if one else "are"
    if all(verdict.requirement.state == LISTENING for verdict in verdicts):
        return f"{verb} not served as required"
    if all(verdict.requirement.state == FREE and verdict.holders for verdict in verdicts):
        return f"{verb} taken"
    return f"{verb} not as required"


def ephemeral_finding(settings: Ephemeral, ports: t.Sequence[int]) -> str:
    """What threatens *ports*, and the line that protects them."""
    return (
        f"Any outgoing connection may take {'port' if len(ports) == 1 else 'the ports'} {merged(ports)}:"
        f" net.ipv4.ip_local_port_range is {settings.first}-{settings.last}."
        f" To reserve {'it' if len(ports) == 1 else 'them'}, set {settings.sysctl(ports)}"
    )


def redirect_findings(doubts: t.Mapping[Question, Redirect]) -> list[str]:
    """What may happen to ports that count as free, a sentence for each rule."""
    rules: dict[tuple[str, Redirect], dict[int, str]] = {}
    for question, redirect in doubts.items():
        # A rule for many ports may have a target for each.
        rules.setdefault((question.protocol, redirect._replace(target="")), {})[question.port] = redirect.target
    return [
        f"What is sent to {merged(targets)}/{protocol} may go to {_first(targets.values())} by NAT rules of"
        f" {_rules(redirect)}: that depends on {joined(redirect.depends_on)}."
        for (protocol, redirect), targets in rules.items()
    ]


def _first(targets: t.Iterable[str]) -> str:
    first, *others = dict.fromkeys(targets)
    return f"{first} and elsewhere" if others else first
