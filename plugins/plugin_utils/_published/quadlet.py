# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A quadlet -> the ports that it publishes: podman-systemd.unit(5)."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._claims.publish import SpecError, parse
from ansible_collections.preflight.ports.plugins.module_utils._claims.settings import read

_SECTIONS = ("Container", "Pod", "Kube")


class QuadletError(ValueError):
    """The file cannot be understood."""


def entries(text: str, name: str) -> list[dict[str, t.Any]]:
    """Entries for ``ports``. *name*: that of the file, ``web.container``. Raises QuadletError."""
    stem, _dot, kind = name.rpartition(".")
    settings = [(key, value) for section, key, value in read(text) if section in _SECTIONS]
    own = dict(settings)
    if own.get("Network") == "host":
        return []
    container = own.get("ContainerName") or own.get("PodName") or f"systemd-{stem}"
    held_by = [f"container:{container}-infra" if kind == "pod" else f"container:{container}"]
    found = []
    for key, value in settings:
        if key == "PublishPort" and value:
            try:
                port = parse(value)
            except SpecError as error:
                raise QuadletError(f"{name}: PublishPort={value}: {error}") from error
            found += [port.entry(stem, [] if kind == "kube" else held_by)] if port else []
    return found
