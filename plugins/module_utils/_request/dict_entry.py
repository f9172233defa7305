# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An entry of the ``ports`` option that is a dict -> Requirement records. Pure."""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import (
    FREE,
    LISTENING,
    WILDCARDS,
    Requirement,
    RequirementError,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import LAST_PORT, TCP, UDP, Endpoint
from ansible_collections.preflight.ports.plugins.module_utils._request.values import (
    ServiceLookup,
    kind_of,
    patterns_of,
    port_range,
    protocol_of,
)

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.pattern import Pattern

_KEYS = ("port", "protocol", "address", "name", "state", "held_by")


def requirements(
    entry: dict[t.Any, t.Any], state: str, held_by: tuple[Pattern, ...], service: ServiceLookup
) -> list[Requirement]:
    """The requirements of *entry*, one for each protocol; what it does not say is as given. Raises RequirementError."""
    unknown = [str(key) for key in entry if key not in _KEYS]
    if unknown:
        raise RequirementError(f"unknown key {', '.join(map(repr, unknown))}; the keys are {', '.join(_KEYS)}")
    if entry.get("port") is None:
        raise RequirementError("the key 'port' is missing")
    address, endpoints = _address_of(entry.get("address"))
    name = entry.get("name")
    if not isinstance(name, (str, type(None))):
        raise RequirementError(f"'name' is a string; not {kind_of(name)}")
    if entry.get("state") is not None:
        state = entry["state"]
        if state not in (FREE, LISTENING):
            raise RequirementError(f"unknown state {state!r}; it is '{FREE}' or '{LISTENING}'")
    if entry.get("held_by") is not None:
        held_by = patterns_of(entry["held_by"], "'held_by'")
    parsed = []
    for protocol in _protocols(entry.get("protocol")):
        first, last = port_range(entry["port"], protocol, service)
        parsed.append(Requirement(protocol, first, last, address, endpoints, name or None, state, held_by))
    if sum(len(requirement.ports) for requirement in parsed) > LAST_PORT:
        raise RequirementError(f"more than {LAST_PORT} ports in one entry; write one entry for each protocol")
    return parsed


def _protocols(value: t.Any) -> list[str]:
    values = [TCP] if value is None else value if isinstance(value, list) else [value]
    if not values:
        raise RequirementError(f"'protocol' is an empty list; it is '{TCP}', '{UDP}' or a list of both")
    return list(dict.fromkeys(protocol_of(each) for each in values))


def _address_of(value: t.Any) -> tuple[str | None, tuple[Endpoint, ...]]:
    if value is None:
        return None, WILDCARDS
    if not isinstance(value, str):
        raise RequirementError(f"'address' is a string with an IP address; not {kind_of(value)}")
    # Only now: most name no address.
    from ansible_collections.preflight.ports.plugins.module_utils._request import addresses

    try:
        address = addresses.checked(value.strip(), socket.AF_INET6 if ":" in value else socket.AF_INET)
    except addresses.AddressError as error:
        raise RequirementError(str(error)) from error
    return address, (addresses.endpoint(address),)
