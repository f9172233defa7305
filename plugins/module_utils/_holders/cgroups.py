# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a process's cgroup path tells: its systemd unit and its container."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container

_USER_MANAGER = re.compile(r"(?:^|/)(user@([0-9]+)\.service)(?:/|$)")
_TASK = re.compile(r"/([a-zA-Z0-9][^/]*)(?<!\.slice)/([a-zA-Z0-9][^/]*)")
_UNIT = re.compile(r"[^/]+\.(?:service|scope|socket|mount|swap)$")
_ID = r"([0-9a-f]{64})"
# Compiling a pattern takes longer than all else here: that is done only if the word is in the path.
_CONTAINERS = (
    ("docker", rf"(?:^|/)docker[-/]{_ID}", "docker"),
    ("libpod", rf"(?:^|/)libpod-(?:payload-)?{_ID}", "podman"),
    ("crio", rf"(?:^|/)crio-{_ID}", "cri-o"),
    ("cri-containerd", rf"cri-containerd[-:]{_ID}", "containerd"),
    ("nerdctl", rf"(?:^|/)nerdctl-{_ID}", "containerd"),
    ("kubepods", rf"(?:^|/)kubepods[^/]*/.*{_ID}", "containerd"),
    ("lxc", r"(?:^|/)lxc(?:/|\.payload[./])([^/]+)", "lxc"),
    ("machine-", r"(?:^|/)machine-(?!qemu|lxc)([^/]+)\.scope", "nspawn"),
    ("systemd-nspawn@", r"(?:^|/)systemd-nspawn@([^/]+)\.service", "nspawn"),
)


def paths(text: str) -> list[str]:
    """The paths in ``/proc/PID/cgroup``, those of systemd's own hierarchy (cgroups(7): v2, then name=systemd) first."""
    rows = [line.split(":", 2) for line in text.split("\n") if line.count(":") >= 2]
    order = {"": 0, "name=systemd": 1}
    return [path for _number, _names, path in sorted(rows, key=lambda row: order.get(row[1], 2))]


def unit(cgroup_paths: t.Sequence[str]) -> str | None:
    """The innermost systemd unit.

    Below the manager of a user, who may give control groups any name there: ``user@1000.service/nginx.service``.
    """
    for path in cgroup_paths:
        for part in reversed(path.split("/")):
            if _UNIT.match(part):
                manager = _USER_MANAGER.search(path)
                return f"{manager[1]}/{part}" if manager and manager[1] != part else part
    return None


def owner(cgroup_paths: t.Sequence[str]) -> int | None:
    """The uid of the user who made the control group; None if the administrator did."""
    managers = filter(None, map(_USER_MANAGER.search, cgroup_paths))
    return next((int(manager[2]) for manager in managers), None)


def container(cgroup_paths: t.Sequence[str]) -> Container | None:
    """The container, with a name where the path has one. Of a user's own, only podman makes any."""
    for path in cgroup_paths:
        is_a_users = _USER_MANAGER.search(path)
        for word, pattern, runtime in _CONTAINERS:
            if is_a_users and runtime != "podman":
                continue
            found = re.search(pattern, path) if word in path else None
            if found:
                name = _unescaped(found[1])
                return Container(name, name if runtime in ("lxc", "nspawn") else None, runtime)
    return None


def task(cgroup_paths: t.Sequence[str]) -> tuple[str, Container] | None:
    """What may be a container that containerd runs by itself, as with ``ctr run``, and its namespace there."""
    found = next(filter(None, map(_TASK.match, cgroup_paths)), None)
    return (found[1], Container(found[2], None, "containerd")) if found else None


def _unescaped(name: str) -> str:
    r"""systemd-escape(1) writes ``-`` inside a unit's name as ``\x2d``."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), name)
