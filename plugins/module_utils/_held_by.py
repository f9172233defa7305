# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``held_by``: who may hold a port."""

from __future__ import annotations

import fnmatch
import typing as t

FIELDS = ("process", "unit", "container", "user", "exe")
_WITHOUT_PREFIX = ("process", "unit", "container")


class PatternError(ValueError):
    """A pattern that could never match."""


class Pattern(t.NamedTuple):
    """A shell glob (fnmatch(3), case-sensitive) for some of the holder's names."""

    text: str
    fields: tuple[str, ...]
    glob: str


def parse_pattern(text: t.Any) -> Pattern:
    """``nginx*`` or ``unit:nginx`` -> Pattern. Raises PatternError."""
    if not isinstance(text, str):
        raise PatternError(f"{text!r} is not a pattern; write a string such as 'nginx*' or 'unit:nginx.service'")
    text = text.strip()
    field, colon, glob = text.partition(":")
    narrowed = colon and field in FIELDS
    pattern = Pattern(text, (field,), glob) if narrowed else Pattern(text, _WITHOUT_PREFIX, text)
    if not pattern.glob:
        raise PatternError(f"{text!r} is an empty pattern; write one such as 'nginx*' or 'unit:nginx.service'")
    return pattern


def matches(pattern: Pattern, names: t.Mapping[str, t.Sequence[str]]) -> bool:
    """Whether one of *names* (field -> the names that the holder has there) is what *pattern* allows."""
    return any(fnmatch.fnmatchcase(name, pattern.glob) for field in pattern.fields for name in names.get(field, ()))
