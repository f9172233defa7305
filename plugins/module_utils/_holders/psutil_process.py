# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A process as psutil describes it, for targets other than Linux."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Process
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable

with contextlib.suppress(ImportError):
    import psutil


def process(pid: int) -> Process | None:
    """The process, or None when it is gone. What this user may not read of it is None."""
    try:
        seen = psutil.Process(pid)
        name = seen.name()
    except (psutil.Error, OSError):
        return None
    user = _allowed(seen.username)
    exe = _allowed(seen.exe)
    uids = _allowed(seen.uids)
    return Process(
        pid=pid,
        name=printable(name),
        exe=printable(exe) if exe else None,
        uid=uids.effective if uids else None,
        user=printable(user) if user else None,
        exe_is_here=bool(exe),  # these systems have no mount namespaces
        started=_allowed(seen.create_time),
    )


def command_lines(pids: t.Iterable[int]) -> dict[int, list[str]]:
    """Pid -> its arguments, of those that this user may read."""
    lines = {}
    for pid in pids:
        with contextlib.suppress(psutil.Error, OSError):
            lines[pid] = list(psutil.Process(pid).cmdline())
    return lines


def _allowed(read_it: t.Callable[[], t.Any]) -> t.Any:
    try:
        return read_it()
    except (psutil.Error, OSError, AttributeError):
        return None
