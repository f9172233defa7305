# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What another program prints."""

from __future__ import annotations

import os
import subprocess

_FOLDERS = ("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/run/current-system/sw/bin")
_SECONDS = 3


class CommandError(Exception):
    """The host lacks the program, or it failed, or took too long."""


def output(program: str, *arguments: str) -> str:
    """What it prints, in the C locale. Raises CommandError.

    *program* is looked for where an administrator installs it, whatever PATH says, and gets no environment of ours.
    """
    path = next((each for each in (f"{folder}/{program}" for folder in _FOLDERS) if os.access(each, os.X_OK)), None)
    if not path:
        raise CommandError(f"no {program}")
    try:
        # Nobody else chooses a word of it. run_command() needs a module, and has no limit in time.
        printed = subprocess.check_output(  # noqa: S603  # pylint: disable=ansible-bad-function
            [path, *arguments],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"LC_ALL": "C"},
            timeout=_SECONDS,
        )
        return printed.decode("utf-8", "replace")
    except (OSError, subprocess.SubprocessError) as error:
        raise CommandError(str(error)) from error
