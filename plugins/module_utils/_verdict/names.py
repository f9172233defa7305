# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holders in words. Pure."""

from __future__ import annotations

from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container, Holder


def who(holder: Holder) -> str:
    """``nginx (pid 812, nginx.service, user root)``."""
    process = holder.process
    if process is None:
        whose = f" of user {holder.user}" if holder.user else ""
        return "the kernel" if holder.kernel else f"a process{whose} that this user may not see"
    others = len(holder.processes) - 1
    pids = f"pid {process.pid}" + (f" and {others} more" if others > 0 else "")
    known = (pids, container_name(holder.container), process.unit, f"user {process.user or process.uid}")
    return f"{name_of(holder)} ({', '.join(filter(None, known))})"


def name_of(holder: Holder) -> str:
    """``nginx``, ``the kernel``, ``a hidden process``."""
    if holder.process:
        name, program = holder.process.name or "a nameless process", holder.process.program
        if not program:
            return name
        server, _blank, application = program.partition(" ")
        if server.rpartition("/")[2] == name:  # a script that its process is named after
            return f"{name} {application}".strip()
        return f"{name} running {program}"
    return "the kernel" if holder.kernel else "a process that this user may not see"


def container_name(container: Container | None) -> str | None:
    """``container web``, ``container web of user alice``."""
    if not container:
        return None
    whose = f" of user {container.user}" if container.user else ""
    return f"container {container.name or container.id[:12]}{whose}"
