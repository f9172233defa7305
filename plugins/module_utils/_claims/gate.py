# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may claim ports on this host: a host without systemd, Docker and quadlets costs nothing more."""

from __future__ import annotations

import os

from ansible_collections.preflight.ports.plugins.module_utils._model.claim import Claim

_QUADLETS = ("etc/containers/systemd", "run/containers/systemd", "usr/share/containers/systemd")
_DOCKER = ("etc/docker", "var/lib/docker", "usr/bin/dockerd", "usr/sbin/dockerd")


def find(root: str = "/") -> list[Claim]:
    """All claims, so far as this user may know."""
    found: list[Claim] = []
    is_systemd = os.path.isdir(os.path.join(root, "run/systemd/system"))  # sd_booted(3)
    # Only now: on a target, each import costs time in each task.
    if is_systemd:
        from ansible_collections.preflight.ports.plugins.module_utils._claims import socket_units
        from ansible_collections.preflight.ports.plugins.module_utils._claims.units import units

        folders = units(root)
        found += socket_units.claims(folders, root)
        if any(os.path.isdir(os.path.join(root, folder)) for folder in _QUADLETS):
            from ansible_collections.preflight.ports.plugins.module_utils._claims import quadlets

            found += quadlets.claims(_QUADLETS, folders, root)
    if any(os.path.exists(os.path.join(root, path)) for path in _DOCKER):
        from ansible_collections.preflight.ports.plugins.module_utils._claims import containers

        found += containers.claims(root)
    return found
