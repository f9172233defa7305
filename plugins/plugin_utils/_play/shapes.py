# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of untrusted values: each gives a clean value, or raises Malformed. Pure.

Nothing of a value that is refused is in the error.
"""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable

Shape = t.Callable[[t.Any], t.Any]

_MOST_CHARACTERS = 8192
_MOST_NUMBER = 1 << 63


class Malformed(ValueError):
    """A value that is not what it should be; the text says what it has."""


def text(most: int = _MOST_CHARACTERS, lines: bool = False) -> Shape:
    """Printable, or *lines* of such, *most* characters before that."""

    def check(value: t.Any) -> str:
        if not isinstance(value, str):
            raise Malformed("no text where there should be one")
        if len(value) > most:
            raise Malformed("a text that is too long")
        return "\n".join(map(printable, value.split("\n"))) if lines else printable(value)

    return check


def integer(least: int = 0, most: int = _MOST_NUMBER) -> Shape:
    def check(value: t.Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise Malformed("no such number")
        return int(value)

    return check


def boolean(value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise Malformed("neither true nor false where it should be one")
    return value


def choice(*words: str) -> Shape:
    def check(value: t.Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise Malformed("a word that is none of those it may be")
        return str(value)

    return check


def maybe(shape: Shape) -> Shape:
    return lambda value: None if value is None else shape(value)


def listed(shape: Shape, most: int) -> Shape:
    def check(value: t.Any) -> list[t.Any]:
        if not isinstance(value, list):
            raise Malformed("no list where there should be one")
        if len(value) > most:
            raise Malformed("a list that is too long")
        return [shape(each) for each in value]

    return check


def record(required: t.Mapping[str, Shape], optional: t.Mapping[str, Shape] | None = None) -> Shape:
    """A dict with these keys. Others are left out."""

    def check(value: t.Any) -> dict[str, t.Any]:
        if not isinstance(value, dict):
            raise Malformed("no dictionary where there should be one")
        missing = [key for key in required if key not in value]
        if missing:
            raise Malformed(f"no {missing[0]!r}")
        known = {key: shape(value[key]) for key, shape in required.items()}
        known.update((key, shape(value[key])) for key, shape in (optional or {}).items() if key in value)
        return known

    return check
