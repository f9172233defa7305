# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quadlets that a boot starts: podman-systemd.unit(5)."""

from __future__ import annotations

import glob
import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._claims.publish import SpecError, parse
from ansible_collections.preflight.ports.plugins.module_utils._claims.quadlet import SECTIONS, parsed
from ansible_collections.preflight.ports.plugins.module_utils._model.claim import Claim
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable

_FOLDERS = ("etc/containers/systemd", "run/containers/systemd", "usr/share/containers/systemd")
_MOST_BYTES = 1 << 16


def claims(root: str = "/") -> list[Claim]:
    """Those of root's quadlets that have an [Install] section which some target wants."""
    found: dict[str, str] = {}
    for folder in _FOLDERS:
        for kind in SECTIONS:
            for path in glob.glob(os.path.join(root, folder, f"*.{kind}")):
                found.setdefault(os.path.basename(path), path)
    return [claim for name in sorted(found) for claim in _of_quadlet(name, _text(found[name]))]


def _of_quadlet(name: str, text: str) -> t.Iterator[Claim]:
    quadlet = parsed(name, text)
    container, file = printable(quadlet.container[:255]), printable(name[:255])
    for value in quadlet.ports if quadlet.is_installed else ():
        try:
            found = parse(value)
        except SpecError:
            continue
        if found:
            address = None if found.address in ("0.0.0.0", "::") else found.address
            reason = f"the quadlet {file} takes the port at the next boot, or when it is started"
            remedy = f"Take WantedBy out of {file}"
            yield Claim(found.protocol, address, found.first, found.last, "container", container, reason, remedy)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return ""
