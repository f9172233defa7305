# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Patterns of ``held_by``: text -> Pattern. Pure."""

from __future__ import annotations

import difflib
import re
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.pattern import FIELDS, WITHOUT_PREFIX, Pattern


class PatternError(ValueError):
    """A pattern that could never match."""


def parse_pattern(text: t.Any) -> Pattern:
    """``nginx*`` or ``unit:nginx`` -> Pattern. Raises PatternError."""
    if not isinstance(text, str):
        raise PatternError(f"{text!r} is not a pattern; write a string such as 'nginx*' or 'unit:nginx.service'")
    text = text.strip()
    if text.startswith("/"):
        raise PatternError(f"{text!r} is a path; did you mean exe:{text}?")
    if text.startswith(("{'", '{"')):  # what Ansible makes of a dictionary
        raise PatternError(f"{text!r} is a dictionary; write a string such as 'nginx*' or 'unit:nginx.service'")
    prefix, colon, glob = text.partition(":")
    if colon and prefix in FIELDS:
        pattern = Pattern(text, (prefix,), glob.strip())
    elif colon and re.fullmatch(r"[A-Za-z_]+", prefix):
        near = difflib.get_close_matches(prefix.lower(), FIELDS, n=1)
        hint = (
            f"did you mean {near[0]}:{glob}?"
            if near
            else f"the prefixes are {', '.join(f'{each}:' for each in FIELDS)}"
        )
        raise PatternError(f"unknown prefix {prefix!r} in {text!r}; {hint}")
    else:
        pattern = Pattern(text, WITHOUT_PREFIX, text)
    if not pattern.glob:
        raise PatternError(f"{text!r} is an empty pattern; write one such as 'nginx*' or 'unit:nginx.service'")
    return pattern
