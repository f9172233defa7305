# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What engines keep in files of JSON."""

from __future__ import annotations

import json
import typing as t

_MOST_BYTES = 1 << 24


def read_json(path: str) -> t.Any:
    """None where it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None


def at(value: t.Any, *keys: str) -> t.Any:
    """What is there in nested dicts, or None."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
