# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of reports: which paths may be given, and how they are written."""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t


def paths(names: t.Iterable[str]) -> list[str]:
    """Absolute; from the directory in which Ansible was started, as people expect of a command line."""
    return [os.path.abspath(os.path.expanduser(os.path.expandvars(name.strip()))) for name in names]


def problem(path: str, kinds: t.Sequence[str]) -> str | None:
    """Why a report cannot be written there. *kinds*: how its name may end."""
    if os.path.splitext(path)[1] not in kinds:
        return f"{path}: a report ends in {', '.join(kinds[:-1])} or {kinds[-1]}"
    if os.path.isdir(path):
        return f"{path}: is a directory; a report is a file"
    folder = os.path.dirname(path)
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        return f"{path}: {folder} is not a directory; name a path below one"
    if not os.access(folder, os.W_OK | os.X_OK):
        who = f"the user who runs Ansible (uid {os.geteuid()}) may not write"
        return f"{path}: {who} into {folder}; name a path below a directory where it may"
    return None


def write(path: str, pieces: t.Iterable[str]) -> None:
    """Replaces what is there, be it a link, at once and as a whole. Raises OSError."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(prefix=".port-report-", dir=folder)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        raise
