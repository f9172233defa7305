# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether SELinux is on: where it is not, nothing else of this folder is needed."""

from __future__ import annotations


def is_on(proc: str = "/proc") -> bool:
    """Whether a policy is loaded, also where selinuxfs is hidden, as in containers."""
    try:
        # Without SELinux, the second file is that of another security module.
        return "selinuxfs" in _text(f"{proc}/filesystems").split() and ":" in _text(f"{proc}/self/attr/current")
    except OSError:
        return False


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
