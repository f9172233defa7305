# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may claim ports on this host: a host without systemd, Docker and quadlets costs nothing more."""

from __future__ import annotations

import os

from ansible_collections.preflight.ports.plugins.module_utils._model.claim import Claim

_DOCKER = ("etc/docker", "var/lib/docker", "usr/bin/dockerd")


def find(root: str = "/") -> list[Claim]:
    """All claims, so far as this user may know."""
    found: list[Claim] = []
    is_systemd = os.path.isdir(os.path.join(root, "run/systemd/system"))  # sd_booted(3)
    # Only now: on a target, each import costs time in each task.
    if is_systemd:
        from ansible_collections.preflight.ports.plugins.module_utils._claims import socket_units

        found += socket_units.claims(root)
    if is_systemd and any(os.path.isdir(os.path.join(root, each, "containers/systemd")) for each in ("etc", "run")):
        from ansible_collections.preflight.ports.plugins.module_utils._claims import quadlets

        found += quadlets.claims(root)
    if any(os.path.exists(os.path.join(root, path)) for path in _DOCKER):
        from ansible_collections.preflight.ports.plugins.module_utils._claims import containers

        found += containers.claims(root)
    return found
