# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd's socket units that are enabled: systemd.socket(5), systemd.unit(5). Their files are read, nothing is run."""

from __future__ import annotations

import glob
import os
import re
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._claims.settings import read
from ansible_collections.preflight.ports.plugins.module_utils._model.claim import Claim
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable

_FOLDERS = (
    "etc/systemd/system",
    "run/systemd/system",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
)
_TARGETS = ("sockets", "sysinit", "basic", "multi-user", "graphical", "default")  # which every boot reaches
_MOST_BYTES = 1 << 16
_PROTOCOLS = {"ListenStream": "tcp", "ListenDatagram": "udp"}
_LISTEN = re.compile(r"(?:(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):)?([0-9]{1,5})")


def claims(root: str = "/") -> list[Claim]:
    """Those of units that some boot target wants. Files that cannot be read claim nothing."""
    return [claim for name in _enabled(root) for claim in _of_unit(name, root)]


def _enabled(root: str) -> list[str]:
    wanted = (
        os.path.join(root, folder, f"{target}.target.{how}", "*.socket")
        for folder in _FOLDERS
        for target in _TARGETS
        for how in ("wants", "requires")
    )
    return sorted({os.path.basename(path) for pattern in wanted for path in glob.glob(pattern)})


def _of_unit(name: str, root: str) -> t.Iterator[Claim]:
    prefix, at, rest = name.partition("@")
    template = f"{prefix}@.socket" if at else name
    text = next((text for each in (name, template) for text in [_fragment(each, root)] if text is not None), "")
    if not text:
        return  # missing, or masked by an empty file or a link to /dev/null
    shown = printable(name[:255])
    for protocol, address, port in _listens([text, *_drop_ins((name, template), root)], rest[: -len(".socket")]):
        reason = f"{shown} is enabled: systemd takes the port at the next boot, or when the unit is started"
        yield Claim(protocol, address, port, port, "unit", shown, reason, f"Disable it (systemctl disable {shown})")


def _fragment(name: str, root: str) -> str | None:
    """The unit's own file, that of the administrator first."""
    texts = (_text(os.path.join(root, folder, name)) for folder in _FOLDERS)
    return next((text for text in texts if text is not None), None)


def _drop_ins(names: t.Iterable[str], root: str) -> list[str]:
    """In the order of their names; of several with one name, that of the first folder."""
    found: dict[str, str] = {}
    for name in (*names, "socket"):
        for folder in _FOLDERS:
            for path in glob.glob(os.path.join(root, folder, f"{name}.d", "*.conf")):
                found.setdefault(os.path.basename(path), path)
    return [_text(found[name]) or "" for name in sorted(found)]


def _listens(texts: t.Iterable[str], instance: str) -> list[tuple[str, str | None, int]]:
    """(protocol, address, port). An empty value takes back all before it."""
    found: list[tuple[str, str | None, int]] = []
    for text in texts:
        for section, key, value in read(text):
            if section != "Socket" or not key.startswith("Listen"):
                continue
            if not value:
                found = []
            match = _LISTEN.fullmatch(value.replace("%i", instance).replace("%I", instance))
            if match and key in _PROTOCOLS and 0 < int(match[3]) < 65536:
                found.append((_PROTOCOLS[key], match[1] or match[2], int(match[3])))
    return found


def _text(path: str) -> str | None:
    """None if there is no such file."""
    try:
        if os.path.realpath(path) == os.devnull:
            return ""
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return None
