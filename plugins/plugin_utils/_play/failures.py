# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a module gave no answer, in a line that is safe to print."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable

_MOST_CHARACTERS = 1000


def failure(result: t.Mapping[str, t.Any]) -> str:
    """What a module refuses it says in ``msg``. If it crashed or never ran, its errors tell why.

    Python ends a traceback with the reason; others begin with it.
    """
    said = first_line(result.get("msg") or "the module gave no reason")
    lines = [line.strip() for line in str(result.get("module_stderr") or "").splitlines() if line.strip()]
    if not lines:
        return said
    is_traceback = any(line.startswith("Traceback ") for line in lines)
    return f"{said.rstrip('.')}: {first_line(lines[-1 if is_traceback else 0])}"


def first_line(said: t.Any) -> str:
    return printable(str(said).partition("\n")[0][:_MOST_CHARACTERS])
