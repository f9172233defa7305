# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text that others chose (process, unit and container names, the request's own names), made safe to print."""

from __future__ import annotations

import typing as t


def printable(text: str) -> str:
    """*text* with every control, format and undecodable character written as a visible escape.

    A process may call itself anything (prctl(2) PR_SET_NAME), ANSI escapes and bidirectional overrides included.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape(character) for character in text)


def _escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte that surrogateescape could not decode
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def located(port: int | str, protocol: str, address: str | None) -> str:
    """``80/tcp``, ``10.0.0.5:80/tcp``, ``[::1]:80/tcp``."""
    before = "" if address is None else f"[{address}]:" if ":" in address else f"{address}:"
    return f"{before}{port}/{protocol}"


def joined(words: t.Sequence[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
