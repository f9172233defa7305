# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conditions of a unit about files: systemd.unit(5). Those about anything else are taken to hold."""

from __future__ import annotations

import os
import typing as t

_TESTS = {"PathExists": os.path.exists, "PathIsDirectory": os.path.isdir, "PathIsSymbolicLink": os.path.islink}


def may_start(settings: t.Iterable[tuple[str, str, str]], root: str = "/") -> bool:
    """Whether the unit's conditions let it start now. *settings*: (section, key, value)."""
    needed: list[bool] = []
    one_of: list[bool] = []
    for section, key, value in settings:
        if section != "Unit" or not key.startswith(("Condition", "Assert")):
            continue
        if not value:
            needed, one_of = [], []  # takes back all before it
            continue
        rest = value.lstrip("|!")
        marks = value[: len(value) - len(rest)]
        test = _TESTS.get(key.replace("Condition", "", 1).replace("Assert", "", 1))
        holds = test is None or test(os.path.join(root, rest.strip().lstrip("/"))) is not ("!" in marks)
        (one_of if "|" in marks else needed).append(holds)
    return all(needed) and (not one_of or any(one_of))
