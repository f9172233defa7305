# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables in a file of Compose: ``$NAME``, ``${NAME:-default}`` and the like, with ``$$`` for a dollar sign.

https://docs.docker.com/reference/compose-file/interpolation/
"""

from __future__ import annotations

import re
import typing as t

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")


class VariableError(ValueError):
    """A variable that is needed and not there, or a syntax error."""


def filled_in(text: str, values: t.Mapping[str, t.Any]) -> str:
    """*text* with the *values* of its variables. Raises VariableError."""
    found = []
    place = 0
    while place < len(text):
        dollar = text.find("$", place)
        if dollar < 0:
            break
        found.append(text[place:dollar])
        value, place = _at(text, dollar + 1, values)
        found.append(value)
    return "".join(found) + text[place:]


def _at(text: str, place: int, values: t.Mapping[str, t.Any]) -> tuple[str, int]:
    """The text for what follows a dollar sign, and where the reference ends."""
    if text.startswith("$", place):
        return "$", place + 1
    if text.startswith("{", place):
        end = _closing(text, place + 1)
        return _expression(text[place + 1 : end], values), end + 1
    name = _NAME.match(text, place)
    if not name:
        raise VariableError(f"a dollar sign in {text!r} stands for nothing; write $$")
    return _value(name[0], values), name.end()


def _closing(text: str, place: int) -> int:
    depth = 1
    for end in range(place, len(text)):
        depth += (text[end] == "{") - (text[end] == "}")
        if not depth:
            return end
    raise VariableError(f"a brace in {text!r} is not closed")


def _expression(text: str, values: t.Mapping[str, t.Any]) -> str:
    name = _NAME.match(text)
    if not name:
        raise VariableError(f"${{{text}}} has no name")
    rest = text[name.end() :]
    operator = next((each for each in _OPERATORS if rest.startswith(each)), "")
    if rest and not operator:
        raise VariableError(f"${{{text}}} is not understood")
    other = rest[len(operator) :]
    is_there = values.get(name[0]) is not None and not (operator.startswith(":") and str(values[name[0]]) == "")
    if operator.endswith("+"):
        return filled_in(other, values) if is_there else ""
    if is_there or not operator:
        return _value(name[0], values)
    if operator.endswith("?"):
        raise VariableError(f"the variable {name[0]} is not set: {other}")
    return filled_in(other, values)


def _value(name: str, values: t.Mapping[str, t.Any]) -> str:
    if values.get(name) is None:
        raise VariableError(f"the variable {name} is not set; name it in 'variables'")
    return str(values[name])
