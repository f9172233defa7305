# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``held_by``: who may hold a port."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.pattern import Pattern

FIELDS = ("process", "unit", "container", "user", "exe")
_WITHOUT_PREFIX = ("process", "unit", "container")


class PatternError(ValueError):
    """A pattern that could never match."""


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
