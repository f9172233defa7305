# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a port that is to listen is served, as its clients meet it. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.finding import (
    REDIRECTED,
    UNAVAILABLE,
    UNKNOWN,
    Finding,
    worst,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import (
    Census,
    Holder,
    holder_of,
    merged,
    redirected,
    unidentified,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import preferred, serves
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import Requirement
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    ANY4,
    ANY6,
    SERVING,
    Endpoint,
    Socket,
)
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict, allows


def judge_served(requirement: Requirement, port: int, findings: t.Sequence[Finding], census: Census) -> Verdict:
    """The verdict from the findings for each endpoint.

    Clients must reach a service, and only services that ``held_by`` allows. Where NAT rules take all of an address's
    traffic, clients reach the service there.
    """
    service = [
        _service(requirement, endpoint, finding, census)
        for endpoint, finding in zip(requirement.endpoints, findings)
        if finding.state != UNAVAILABLE or len(findings) == 1
    ]
    strangers = merged(_strangers(requirement, (holder for each in service for holder in each.servers)))
    diverted = merged(_strangers(requirement, (holder for each in service for holder in each.answering)))
    # Without an address, one of the families will do.
    met = any(each.is_there for each in service) and not (strangers or diverted)
    met = met and (len(requirement.endpoints) > 1 or all(each.is_there for each in service))
    held = Verdict(
        requirement,
        port,
        SERVING[requirement.protocol] if met else worst(finding.state for finding in findings),
        met,
        merged(_holders(findings, requirement, census)),
        strangers=strangers,
        served=tuple(dict.fromkeys(endpoint for each in service for endpoint in each.served)) if met else (),
    )
    redirect = next((finding.redirect for finding in findings if finding.redirect), None)
    if met or strangers or not redirect:
        return held
    return held._replace(
        state=REDIRECTED,
        holders=(redirected(redirect, REDIRECTED, requirement.protocol),),
        answering=merged(holder for each in service for holder in each.answering),
        strangers=diverted,
    )


class _Service(t.NamedTuple):
    """What clients meet on one endpoint."""

    is_there: bool
    servers: t.Sequence[Holder] = ()
    """Those of the sockets here that clients may meet."""
    answering: t.Sequence[Holder] = ()
    """The holders that clients reach where NAT rules send them."""
    served: t.Sequence[Endpoint] = ()


def _service(requirement: Requirement, endpoint: Endpoint, finding: Finding, census: Census) -> _Service:
    if finding.state == UNAVAILABLE:
        return _Service(False)  # its sockets would be in the way, but no client reaches an address that is not here
    asked = endpoint._replace(interface=endpoint.interface or finding.device)
    met = preferred(asked, [held for held in finding.sockets if held.state == SERVING[requirement.protocol]])
    servers = [holder_of(held, census) for held in met]
    if not finding.redirect:
        by_part = [[held.endpoint for held in met if _serves(requirement, each, held)] for each in _parts(asked)]
        narrow = [endpoint if each.is_wildcard else each for serving in by_part for each in serving]
        return _Service(all(by_part), servers, served=narrow)
    # The rules may be about one of several addresses.
    others = servers if endpoint.is_wildcard and not finding.redirect.is_total else ()
    left = [each for each in finding.redirect.spared if any(_has(held, each) for held in met)]
    beside = [endpoint._replace(address=each) for each in left] if len(requirement.endpoints) > 1 else []
    if allows(requirement, redirected(finding.redirect, REDIRECTED, requirement.protocol)):
        return _Service(True, others, served=[endpoint])
    answering = [holder_of(held, census) for held in finding.answering]
    unknown = [redirected(finding.redirect, REDIRECTED, requirement.protocol)] if finding.strangers_answer else []
    is_there = bool(answering) and not finding.answered_in_part
    return _Service(is_there or bool(beside), others, answering + unknown, [endpoint] if is_there else beside)


def _has(held: Socket, address: bytes) -> bool:
    return held.endpoint.is_wildcard or (held.endpoint.ipv4 or held.endpoint.address) == address


def _parts(endpoint: Endpoint) -> t.Sequence[Endpoint]:
    """Each version of IP that its clients use: a socket for each will do."""
    if endpoint.address != ANY6 or endpoint.v6only:
        return (endpoint,)
    return (endpoint._replace(v6only=True), endpoint._replace(address=ANY4, v6only=None))


def _serves(requirement: Requirement, endpoint: Endpoint, held: Socket) -> bool:
    """Whether it takes all that they send; without a required address, on some address."""
    return len(requirement.endpoints) > 1 or serves(endpoint, held.endpoint)


def _strangers(requirement: Requirement, holders: t.Iterable[Holder]) -> t.Iterator[Holder]:
    return (holder for holder in holders if requirement.held_by and not allows(requirement, holder))


def _holders(findings: t.Iterable[Finding], requirement: Requirement, census: Census) -> t.Iterator[Holder]:
    """One for each socket."""
    findings = list(findings)
    if any(finding.state == UNKNOWN for finding in findings):
        yield unidentified(UNKNOWN, requirement.protocol)
    for held in dict.fromkeys(held for finding in findings for held in finding.sockets):
        yield holder_of(held, census)
