# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd's units: where their files are, and which ones a boot starts: systemd.unit(5)."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._claims.load_path import (
    LoadPath,
    beside,
    is_masked,
    load_path,
    path_of,
    texts,
)
from ansible_collections.preflight.ports.plugins.module_utils._claims.settings import read

_FOLDERS = (
    "etc/systemd/system.control",
    "run/systemd/system.control",
    "run/systemd/transient",
    "run/systemd/generator.early",
    "etc/systemd/system",
    "etc/systemd/system.attached",
    "run/systemd/system",
    "run/systemd/system.attached",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
    "run/systemd/generator.late",
)
_DEFAULT = "default.target"
_BOOT = (_DEFAULT, "multi-user.target", "basic.target", "sysinit.target", "sockets.target")
_PULLS = ("wants", "requires", "upholds")


def units(root: str = "/") -> LoadPath:
    """The folders of the system manager: SYSTEM_UNIT_PATHS in systemd's src/basic/path-lookup.c."""
    return load_path(os.path.join(root, folder) for folder in _FOLDERS)


def own_name(path: str) -> str:
    """That of the file; links to it are aliases."""
    return os.path.basename(os.path.realpath(path) if os.path.islink(path) else path)


def aliases(kind: str, folders: LoadPath) -> dict[str, list[str]]:
    """A file's name -> those of the links to it. *kind*: what their names end with, ``.socket``."""
    found: dict[str, list[str]] = {}
    for folder in folders:
        for name in folder.names:
            path = os.path.join(folder.path, name)
            if name.endswith(kind) and os.path.islink(path):
                found.setdefault(own_name(path), []).append(name)
    return found


def settings_of(
    name: str, links: t.Mapping[str, list[str]], folders: LoadPath
) -> tuple[str, list[tuple[str, str, str]]] | None:
    """The unit's own name and all its settings; None if it is not installed, or masked. *links*: its kind's aliases."""
    prefix, at, _rest = name.partition("@")
    path = path_of(name, folders) or (path_of(f"{prefix}@.{name.rpartition('.')[2]}", folders) if at else None)
    if path is None or is_masked(path):
        return None
    own = name if at else own_name(path)
    names = (own, *sorted(links.get(own, ())))
    return own, [setting for text in texts(names, path, folders) for setting in read(text)]


def started(folders: LoadPath) -> list[str]:
    """The names of the units that a boot starts because they are enabled, the targets of the boot included.

    Those that a unit's own file asks for (``Wants=``) are not among them.
    """
    default = path_of(_DEFAULT, folders)
    found = dict.fromkeys((*_BOOT, own_name(default) if default else _DEFAULT))
    waiting = list(found)
    while waiting:
        name = waiting.pop()
        new = [each for each in _pulled(name, folders) if each not in found]
        found.update(dict.fromkeys(new))
        waiting += new
    return sorted(found)


def _pulled(name: str, folders: LoadPath) -> t.Iterator[str]:
    for how in _PULLS:
        for other, path in beside([name], how, folders).items():
            if os.path.islink(path) and not is_masked(path):
                yield other
