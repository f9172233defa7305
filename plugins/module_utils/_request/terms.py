# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a request that an entry may set for itself -> fields of Requirement. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import (
    FAIL,
    FREE,
    IGNORE,
    LISTENING,
    WARN,
    RequirementError,
)
from ansible_collections.preflight.ports.plugins.module_utils._request.values import kind_of

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.passage import Network
    from ansible_collections.preflight.ports.plugins.module_utils._model.pattern import Pattern

_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def terms(given: t.Mapping[t.Any, t.Any]) -> dict[str, t.Any]:
    """The fields for those of the options that are *given* a value. Raises RequirementError."""
    return {
        field: parse(given[option], option)
        for option, (field, parse) in _TERMS.items()
        if given.get(option) is not None
    }


def _state(value: t.Any, _option: str) -> str:
    if value not in (FREE, LISTENING):
        raise RequirementError(f"unknown state {value!r}; it is '{FREE}' or '{LISTENING}'")
    return str(value)


def _patterns(value: t.Any, option: str) -> tuple[Pattern, ...]:
    values = [each.strip() for each in value.split(",")] if isinstance(value, str) else value
    if not isinstance(values, (list, tuple)):
        raise RequirementError(f"{option}: expected a list of patterns, not {kind_of(values)}")
    if not values:
        return ()
    # Only now: on a target, each import costs time in each task.
    from ansible_collections.preflight.ports.plugins.module_utils._request.held_by import PatternError, parse_pattern

    try:
        return tuple(parse_pattern(each) for each in values)
    except PatternError as error:
        raise RequirementError(f"{option}: {error}") from error


def _boolean(value: t.Any, option: str) -> bool:
    known = value if isinstance(value, bool) else _BOOLEANS.get(str(value).lower())
    if known is None:
        raise RequirementError(f"{option}: expected true or false, not {kind_of(value)}")
    return known


def _user(value: t.Any, option: str) -> str | None:
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise RequirementError(f"{option}: expected the name or number of a user, not {kind_of(value)}")
    return str(value).strip() or None


def _domain(value: t.Any, option: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"(-?[\w.][\w.-]{0,199})?", value.strip(), re.ASCII):
        raise RequirementError(
            f"'{option}' is a domain such as 'httpd_t', without user, role and level; not {value!r:.99}"
        )
    return value.strip()


def _firewall(value: t.Any, option: str) -> str:
    if value not in (WARN, FAIL, IGNORE):
        raise RequirementError(f"{option}: expected '{WARN}', '{FAIL}' or '{IGNORE}', not {value!r}")
    return str(value)


def _clients(value: t.Any, option: str) -> tuple[Network, ...]:
    values = [each.strip() for each in value.split(",")] if isinstance(value, str) else value
    if not isinstance(values, (list, tuple)):
        raise RequirementError(f"{option}: expected a list of addresses and networks, not {kind_of(values)}")
    if not values:
        return ()
    # Only now, too: most requests leave out who connects.
    from ansible_collections.preflight.ports.plugins.module_utils._request import networks

    return tuple(networks.parse(each, option) for each in values)


_TERMS: dict[str, tuple[str, t.Callable[[t.Any, str], t.Any]]] = {
    "state": ("state", _state),
    "held_by": ("held_by", _patterns),
    "nonlocal": ("may_come_later", _boolean),
    "user": ("user", _user),
    "selinux_domain": ("selinux_domain", _domain),
    "firewall": ("firewall", _firewall),
    "clients": ("clients", _clients),
}
OPTIONS = tuple(_TERMS)
