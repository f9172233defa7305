# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command lines (proc_pid_cmdline(5)). Their owners choose everything: the size, and how long a read takes."""

from __future__ import annotations

import os
import sys
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel import child
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable

_MOST_BYTES = 1 << 17  # of one; the kernel's own limit for an argument
_MOST_BYTES_TOGETHER = 1 << 24
_SECONDS = 3.0


def read(pids: t.Collection[int], proc: str = "/proc") -> dict[int, list[str]]:
    """Pid -> its arguments. Those that could not be read, or not in time, are missing.

    A process may let the read of its memory hang for ever: it happens in a child that can be left behind.
    """

    def answer() -> dict[int, str]:
        found: dict[int, str] = {}
        room = _MOST_BYTES_TOGETHER
        for pid in pids:
            text = _text(f"{proc}/{pid}/cmdline", min(_MOST_BYTES, room))
            if text:
                found[pid] = text
                room -= len(text)
        return found

    if not pids:
        return {}
    if not sys.platform.startswith("linux"):
        from ansible_collections.preflight.ports.plugins.module_utils._holders import psutil_process

        return psutil_process.command_lines(pids)
    try:
        found = child.ask(answer, _SECONDS)
    except child.ChildError:
        return {}
    return {int(pid): text.rstrip("\0").split("\0") for pid, text in found.items()}


def add(holders: t.Collection[dict[str, t.Any]]) -> None:
    """Give each of the *holders*, as modules return them, the key ``cmdline``."""
    known = read({holder["pid"] for holder in holders if holder["pid"]})
    for holder in holders:
        arguments = known.get(holder["pid"])
        holder["cmdline"] = printable(" ".join(arguments)) if arguments else None


def _text(path: str, most: int) -> str:
    """At most so many bytes of a file; empty where it cannot be read."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(file, most).decode("utf-8", "surrogateescape")
    except OSError:
        return ""
    finally:
        os.close(file)
