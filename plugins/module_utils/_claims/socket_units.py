# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd's socket units that are enabled: systemd.socket(5). Their files are read, nothing is run."""

from __future__ import annotations

import re
import typing as t
from shlex import quote

from ansible_collections.preflight.ports.plugins.module_utils._claims.conditions import may_start
from ansible_collections.preflight.ports.plugins.module_utils._claims.load_path import LoadPath
from ansible_collections.preflight.ports.plugins.module_utils._claims.units import aliases, settings_of, started
from ansible_collections.preflight.ports.plugins.module_utils._model.claim import Claim
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable

_PROTOCOLS = {"ListenStream": "tcp", "ListenDatagram": "udp"}
_LISTEN = re.compile(r"(?:(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):)?([0-9]{1,5})")


def claims(folders: LoadPath, root: str = "/") -> list[Claim]:
    """Those of the units that a boot starts. Files that cannot be read claim nothing."""
    enabled = [name for name in started(folders) if name.endswith(".socket")]
    links = aliases(".socket", folders) if enabled else {}
    return list(dict.fromkeys(claim for name in enabled for claim in _of_unit(name, links, folders, root)))


def _of_unit(name: str, links: t.Mapping[str, list[str]], folders: LoadPath, root: str) -> t.Iterator[Claim]:
    own, settings = settings_of(name, links, folders) or (name, [])
    if not settings or not may_start(settings, root):
        return
    shown = printable(own[:255])
    # Without an [Install] section there is nothing that can be disabled: systemctl(1).
    can_be_disabled = any(section == "Install" for section, _key, _value in settings)
    quoted = quote(shown)
    remedy = f"Disable it (systemctl disable {quoted})" if can_be_disabled else f"Mask it (systemctl mask {quoted})"
    for protocol, address, port in _listens(settings, name.partition("@")[2][: -len(".socket")]):
        reason = f"{shown} is enabled: systemd takes the port at the next boot, or when the unit is started"
        yield Claim(protocol, address, port, port, "unit", shown, reason, remedy)


def _listens(settings: t.Iterable[tuple[str, str, str]], instance: str) -> list[tuple[str, str | None, int]]:
    """(protocol, address, port). An empty value takes back all before it."""
    found: list[tuple[str, str | None, int]] = []
    for section, key, value in settings:
        if section != "Socket" or not key.startswith("Listen"):
            continue
        if not value:
            found = []
        match = _LISTEN.fullmatch(value.replace("%i", instance).replace("%I", instance))
        if match and key in _PROTOCOLS and 0 < int(match[3]) < 65536:
            found.append((_PROTOCOLS[key], match[1] or match[2], int(match[3])))
    return found
