# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to describe a packet's way past NAT rules: where it ends, and which service the rules are for."""

from __future__ import annotations

import itertools
import os
import re
import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Destination, Redirect
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Arrival
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Target
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.redirects import Found

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container

# CNI's portmap plugin, and netavark: dnat name: "podman" id: "<64 digits>"
_CONTAINER = re.compile(r'dnat name: "?[^" ]+"? id: "?([0-9a-f]{12,64})\b')
# kube-proxy in its iptables mode: default/web:http, or default/web:http -> 10.244.0.5:8080
_SERVICE = re.compile(r"([a-z0-9.-]+/[a-z0-9.-]+(?::[a-z0-9.-]+)?)(?: -> .*)?")
# kube-proxy in its nftables mode: external-ULMVA6XW-default/web/tcp/http
_SERVICE_CHAIN = re.compile(r"(?:external|service)-[0-9A-Z]{8}-([^/]+/[^/]+)/[a-z]+/(.*)")
_DOCKER = "/var/lib/docker"
_NOTES = re.compile(r"kubernetes service (?:portals|nodeports).*")


def described(found: Found) -> Redirect:
    """Where there are several targets: the way to where they part, and the first of them."""
    way = found.sent[0].way
    targets = dict.fromkeys(destination(found.arrival, found.port, each.target) for each in found.sent)
    target, *others = targets
    shared = itertools.takewhile(lambda names: len(set(names)) == 1, zip(*(each.way.chains for each in found.sent)))
    length = max(1, sum(1 for _names in shared)) if others else len(way.chains)
    chains, passed = way.chains[:length], way.passed[:length]
    comments = [comment for comment in (rule.comment() for _place, rule in passed) if comment]
    text, container_id = label(chains, comments)
    return Redirect(
        f"{target} and {len(others)} more" if others else target,
        way.base.tool,
        tuple(map(printable, (f"{way.base.table} {chains[0]}", *chains[1:]))),
        printable(text) if text else None,
        None if others else _behind(container_id, target),
        tuple(map(printable, found.depends_on)),
        _destinations(found),
        found.is_total,
        found.spared,
        _text(found.arrival.address) if found.spared else None,
        tuple(targets) if others else (),
    )


def _destinations(found: Found) -> tuple[Destination, ...]:
    """All that the rules may choose from; none where one of them names a range, or is not understood."""
    destinations = []
    for target in dict.fromkeys(each.target for each in found.sent):
        if target is None or len(set(target.addresses)) > 1 or len(set(target.ports)) > 1:
            return ()
        same = None if target.is_redirect else found.arrival.address
        destinations.append(
            Destination(target.addresses[0] if target.addresses else same, (*target.ports, found.port)[0])
        )
    return tuple(destinations)


def _behind(container_id: str | None, target: str) -> Container | None:
    if not container_id and not os.path.isdir(_DOCKER):
        return None
    # Only where it may find one, because importing costs time.
    from ansible_collections.preflight.ports.plugins.module_utils._holders import containers

    return containers.behind(container_id, target)


def destination(arrival: Arrival, port: int, target: Target | None) -> str:
    """``10.88.0.5:80``, ``[fd00::5]:80``, ``port 8080 of this host``."""
    if target is None:
        return "an unknown destination"
    ports = "-".join(map(str, dict.fromkeys(target.ports or (port,))))
    if not target.addresses:
        return f"port {ports} of this host"
    addresses = "-".join(map(_text, dict.fromkeys(target.addresses)))
    return f"[{addresses}]:{ports}" if len(arrival.address) == 16 else f"{addresses}:{ports}"


def _text(address: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET6 if len(address) == 16 else socket.AF_INET, address)


def label(chains: t.Iterable[str], comments: t.Sequence[str]) -> tuple[str | None, str | None]:
    """The most that the way to a rule tells: (words, id of a container)."""
    container = next((found[1] for found in map(_CONTAINER.search, comments) if found), None)
    if container:
        return None, container
    service = next((found[1] for found in map(_SERVICE.fullmatch, comments) if found), None)
    in_chain = next((found for found in map(_SERVICE_CHAIN.fullmatch, chains) if found), None)
    if in_chain and not service:
        service = f"{in_chain[1]}:{in_chain[2]}" if in_chain[2] else in_chain[1]
    words = [comment for comment in comments if not _NOTES.fullmatch(comment)]
    return service or (words[-1] if words else None), None
