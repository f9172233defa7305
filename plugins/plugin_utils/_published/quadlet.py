# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A quadlet -> the ports that it publishes, as entries."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._claims.publish import SpecError, parse
from ansible_collections.preflight.ports.plugins.module_utils._claims.quadlet import SECTIONS, parsed


class QuadletError(ValueError):
    """The file cannot be understood."""


def entries(text: str, name: str) -> list[dict[str, t.Any]]:
    """Entries for ``ports``. *name*: that of the file, ``web.container``. Raises QuadletError."""
    name = os.path.basename(name)
    stem, _dot, kind = name.rpartition(".")
    if not stem or kind not in SECTIONS:
        kinds = ", ".join(f".{each}" for each in SECTIONS)
        raise QuadletError(f"name {name!r}: give the name of the file, which ends in one of {kinds}")
    quadlet = parsed(name, text)
    # A .kube file does not say which containers it makes.
    held_by = [f"unit:{quadlet.service}"] if kind == "kube" else [f"container:{quadlet.container}"]
    found = []
    for value in quadlet.ports:
        try:
            port = parse(value)
        except SpecError as error:
            raise QuadletError(f"{name}: PublishPort={value}: {error}") from error
        found += [port.entry(stem, held_by)] if port else []
    return found
