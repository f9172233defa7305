# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible sends a module as an archive, and Python compiles what it imports from there anew in each task."""

from __future__ import annotations

import functools
import zipimport


def compile_once() -> None:
    """Let zipimport compile each file once from now on.

    It compiles a file in find_spec(), for its name alone, throws the code away, and compiles the file again to run it:
    get_filename() and get_code() in Lib/zipimport.py. Between the two it compiles nothing else.
    """
    if hasattr(zipimport, "_compile_source"):
        zipimport._compile_source = functools.lru_cache(maxsize=1)(zipimport._compile_source)
