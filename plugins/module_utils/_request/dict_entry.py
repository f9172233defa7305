# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An entry of the ``ports`` option that is a dict -> Requirement records. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import (
    WILDCARDS,
    Requirement,
    RequirementError,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import TCP, Endpoint
from ansible_collections.preflight.ports.plugins.module_utils._request import terms
from ansible_collections.preflight.ports.plugins.module_utils._request.values import (
    ServiceLookup,
    kind_of,
    ports_of,
    protocols_of,
)

_KEYS = ("port", "protocol", "address", "interface", "name", *terms.OPTIONS)


def requirements(
    entry: dict[t.Any, t.Any], defaults: t.Mapping[str, t.Any], service: ServiceLookup
) -> list[Requirement]:
    """The requirements of *entry*, one for each protocol; what it does not say is as in *defaults*.

    Raises RequirementError.
    """
    unknown = [str(key) for key in entry if key not in _KEYS]
    if unknown:
        raise RequirementError(f"unknown key {', '.join(map(repr, unknown))}; the keys are {', '.join(_KEYS)}")
    if entry.get("port") is None:
        raise RequirementError("the key 'port' is missing")
    name = entry.get("name")
    if not isinstance(name, (str, type(None))):
        raise RequirementError(f"name: expected a string, not {kind_of(name)}")
    wanted = _text(entry, "address")
    address, endpoints = _bound(None if wanted == "*" else wanted, _text(entry, "interface"))
    fields = {**defaults, **terms.terms(entry)}
    port, protocols = _port_and_protocols(entry["port"], entry.get("protocol"))
    parsed = []
    for protocol in protocols:
        first, last, is_range = ports_of(port, protocol, service)
        parsed.append(Requirement(protocol, first, last, address, endpoints, name or None, is_range, **fields))
    return parsed


def _port_and_protocols(port: t.Any, protocol: t.Any) -> tuple[t.Any, list[str]]:
    """The port may name the protocol: ``51820/udp``."""
    named = protocols_of(protocol) if protocol is not None else None
    if isinstance(port, str) and ":" in port:
        raise RequirementError(f"the port {port!r} has an address; write that with the key 'address'")
    if not isinstance(port, str) or "/" not in port:
        return port, named or [TCP]
    port, _slash, written = port.partition("/")
    if named is not None and set(named) != set(protocols_of(written)):
        raise RequirementError(f"'port' says {written!r} and 'protocol' says {protocol!r}; write one of them")
    return port, protocols_of(written)


def _text(entry: dict[t.Any, t.Any], key: str) -> str | None:
    value = entry.get(key)
    if not isinstance(value, (str, type(None))):
        raise RequirementError(f"{key}: expected a string, not {kind_of(value)}")
    return value.strip() or None if value else None


def _bound(address: str | None, interface: str | None) -> tuple[str | None, tuple[Endpoint, ...]]:
    if address is None and interface is None:
        return None, WILDCARDS
    # Only now: most name no address.
    from ansible_collections.preflight.ports.plugins.module_utils._request import addresses

    try:
        return addresses.bound(addresses.located(address, interface))
    except addresses.AddressError as error:
        raise RequirementError(str(error)) from error
