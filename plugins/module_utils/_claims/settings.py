# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of systemd's format: systemd.syntax(7). Pure."""

from __future__ import annotations

import typing as t


def read(text: str) -> t.Iterator[tuple[str, str, str]]:
    """(section, key, value) of each setting, in order. A line that ends with a backslash goes on in the next one."""
    section = ""
    for line in text.replace("\\\n", " ").splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif "=" in line and line[0] not in "#;":
            key, _equals, value = line.partition("=")
            yield section, key.strip(), value.strip()
