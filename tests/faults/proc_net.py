# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A /proc/net of our own making."""

from __future__ import annotations

import tempfile
from pathlib import Path

from support.namespaces import mount

MS_BIND = 0x1000
TABLES = ("tcp", "tcp6", "udp", "udp6")


def serve(changes: dict[str, bytes], without: tuple[str, ...] = ()) -> None:
    """From now on this process reads these tables, and for the others what is in them now."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    mount("tmpfs", str(folder), "tmpfs")
    for name in set(TABLES) - set(without):
        (folder / name).write_bytes(changes.get(name, Path("/proc/net", name).read_bytes()))
    mount(str(folder), "/proc/self/net", "", MS_BIND)
