# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where systemd and podman look for a unit's file and for what is added to it: systemd.unit(5)."""

from __future__ import annotations

import os
import typing as t

_MOST_BYTES = 1 << 16


class Folder(t.NamedTuple):
    """A folder of a load path, and the names in it."""

    path: str
    names: frozenset[str]


LoadPath = t.Tuple[Folder, ...]
"""Of two files with one name, the one in the first folder counts."""


def load_path(folders: t.Iterable[str]) -> LoadPath:
    """Folders that cannot be read are left out."""
    found = []
    for path in dict.fromkeys(map(os.path.realpath, folders)):
        try:
            found.append(Folder(path, frozenset(os.listdir(path))))
        except OSError:
            continue
    return tuple(found)


def path_of(name: str, folders: LoadPath) -> str | None:
    """The unit's own file."""
    return next((os.path.join(folder.path, name) for folder in folders if name in folder.names), None)


def is_masked(path: str) -> bool:
    """Whether the file is empty or a link to /dev/null, whose size is 0, too."""
    try:
        return not os.stat(path).st_size
    except OSError:
        return False


def beside(names: t.Sequence[str], suffix: str, folders: LoadPath) -> dict[str, str]:
    """Name -> path of all that the folders ``NAME.suffix`` of a unit hold. *names*: the unit's own one and its aliases.

    The folders of the unit's template and of its prefixes count (``a-.socket.d`` for ``a-b.socket``), then that of its
    type: unit_file_find_dropin_paths() in systemd's src/shared/dropin.c.
    """
    found: dict[str, str] = {}
    for each in (*(tuple(dict.fromkeys(_variants(name))) for name in names), (names[0].rpartition(".")[2],)):
        for folder in folders:
            for variant in each:
                if f"{variant}.{suffix}" in folder.names:
                    inner = os.path.join(folder.path, f"{variant}.{suffix}")
                    for name in _listed(inner):
                        found.setdefault(name, os.path.join(inner, name))
    return found


def texts(names: t.Sequence[str], path: str, folders: LoadPath) -> list[str]:
    """The unit's own file at *path*, then its drop-ins in the order of their names."""
    added = beside(names, "d", folders)
    return [_text(path), *(_text(added[name]) for name in sorted(added) if name.endswith(".conf"))]


def _variants(name: str) -> t.Iterator[str]:
    yield name
    stem, _dot, kind = name.rpartition(".")
    prefix, _at, instance = stem.partition("@")
    if instance:
        yield from _variants(f"{prefix}@.{kind}")
    shorter = prefix[:-1] if prefix.endswith("-") else prefix
    dash = shorter.rfind("-")
    if dash > 0:
        yield from _variants(shorter[: dash + 1] + (f"@{instance}" if instance else "") + f".{kind}")


def _listed(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return ""
