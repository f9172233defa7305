# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quadlets that a boot starts: podman-systemd.unit(5)."""

from __future__ import annotations

import itertools
import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._claims.load_path import (
    LoadPath,
    is_masked,
    load_path,
    path_of,
    texts,
)
from ansible_collections.preflight.ports.plugins.module_utils._claims.publish import SpecError, parse
from ansible_collections.preflight.ports.plugins.module_utils._claims.quadlet import SECTIONS, parsed
from ansible_collections.preflight.ports.plugins.module_utils._model.claim import Claim
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable

_USERS = "etc/containers/systemd/users"  # theirs, not root's
_MOST_FOLDERS = 256  # links may lead in circles


def claims(places: t.Sequence[str], units: LoadPath, root: str = "/") -> list[Claim]:
    """Those of root's quadlets that have an [Install] section which some target wants.

    *places*: the folders under *root*; *units*: where a unit may be masked.
    """
    folders = load_path(_with_subfolders(places, root))
    names = sorted({name for folder in folders for name in folder.names if name.rpartition(".")[2] in SECTIONS})
    return [claim for name in names for claim in _of_quadlet(name, folders, units)]


def _with_subfolders(places: t.Sequence[str], root: str) -> list[str]:
    users = os.path.join(root, _USERS)
    walks = (os.walk(os.path.join(root, place), followlinks=True) for place in places)
    found = (path for walk in walks for path, _folders, _files in itertools.islice(walk, _MOST_FOLDERS))
    return [path for path in found if path != users and not path.startswith(f"{users}/")]


def _of_quadlet(name: str, folders: LoadPath, units: LoadPath) -> t.Iterator[Claim]:
    quadlet = parsed(name, "\n\n".join(texts([name], path_of(name, folders) or "", folders)))
    service = path_of(quadlet.service, units)
    if service and is_masked(service):
        return
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
            ports = (found.protocol, address, found.first, found.last)
            yield Claim(*ports, "container", container, reason, remedy, printable(quadlet.service[:255]))
