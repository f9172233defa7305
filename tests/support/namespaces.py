# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces for mounts and processes, beside the network's."""

from __future__ import annotations

import ctypes
import os

from support import sandbox

CLONE_NEWNS = 0x20000
CLONE_NEWPID = 0x20000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


def leave_mounts() -> None:
    """What is mounted from now on, only this process and its children see."""
    _unshare(CLONE_NEWNS)
    mount("none", "/", "", MS_REC | MS_PRIVATE)


def leave_processes() -> None:
    """The next child is the first process of a namespace, and its end is theirs."""
    _unshare(CLONE_NEWPID)


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    arguments = (source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())
    _check(sandbox.libc.mount(*arguments), f"mount {kind} on {target}")


def _unshare(flags: int) -> None:
    _check(sandbox.libc.unshare(flags), f"unshare {flags:#x}")


def _check(status: int, what: str) -> None:
    if status:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
