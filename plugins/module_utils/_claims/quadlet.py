# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a quadlet says: podman-systemd.unit(5). Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._claims.settings import read

SECTIONS = {"container": "Container", "pod": "Pod", "kube": "Kube"}
"""The suffix of the file's name -> the section that publishes."""


class Quadlet(t.NamedTuple):
    """A file that publishes ports."""

    container: str
    """The name of the container that has the ports; of a pod, its infra container."""
    ports: list[str]
    """Its PublishPort lines; none where it has the host's network."""
    is_installed: bool
    """Whether a boot starts it."""
    service: str
    """The unit that runs it."""


def parsed(name: str, text: str) -> Quadlet:
    """*name*: that of the file, ``web.container``."""
    stem, _dot, kind = name.rpartition(".")
    settings = list(read(text))
    own = [(key, value) for section, key, value in settings if section == SECTIONS.get(kind)]
    last = dict(own)
    container = _expanded(last.get("ContainerName") or last.get("PodName") or f"systemd-{stem}", stem)
    wanted = ("WantedBy", "RequiredBy")
    install = [(key, value) for section, key, value in settings if section == "Install"]
    is_usable = not stem.endswith("@") or "DefaultInstance" in dict(install)
    return Quadlet(
        f"{container}-infra" if kind == "pod" else container,
        [] if last.get("Network") == "host" else _all("PublishPort", own),
        is_usable and any(key in wanted and value for key, value in install),
        f"{last.get('ServiceName') or stem + ('-pod' if kind == 'pod' else '')}.service",
    )


def _expanded(text: str, stem: str) -> str:
    """With the specifiers of systemd.unit(5) that are parts of the unit's name."""
    prefix, _at, instance = stem.partition("@")
    values = {"%p": prefix, "%i": instance, "%N": stem, "%%": "%"}
    return re.sub("%.", lambda found: values.get(found[0], found[0]), text)


def _all(key: str, settings: t.Iterable[tuple[str, str]]) -> list[str]:
    """An empty value takes back all before it."""
    found: list[str] = []
    for name, value in settings:
        if name == key:
            found = [*found, value] if value else []
    return found
