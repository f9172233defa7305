# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of containers, and the containers that helper processes publish ports for."""

from __future__ import annotations

import glob
import os
import re
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._holders import docker
from ansible_collections.preflight.ports.plugins.module_utils._holders.json_files import at, read_json
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container

_PODMAN = "/var/lib/containers/storage/*-containers/*containers.json"
_OCI_BUNDLES = (
    "/run/containerd/io.containerd.runtime.v2.task/*/{id}/config.json",
    "/run/k3s/containerd/io.containerd.runtime.v2.task/*/{id}/config.json",  # of K3s and RKE2
    "/run/containers/storage/*-containers/{id}/userdata/config.json",
)
_RANDOM_ID = re.compile("[0-9a-f]{64}$")
_NAME_ANNOTATIONS = ("io.kubernetes.cri.container-name", "io.kubernetes.container.name", "nerdctl/name")


def named(container: Container, root: str = "/") -> Container:
    """*container* with the name that its runtime's state files give it, where the user may read them."""
    if container.name:
        return container
    find = {"docker": _docker_name, "podman": _podman_name}.get(container.runtime, _oci_name)
    name = find(container.id, root)
    # Who starts one by hand, with ctr, gives it an ID that is a name.
    return container._replace(name=name or (None if _RANDOM_ID.match(container.id) else container.id))


def published_by(process: str, arguments: t.Sequence[str], root: str = "/") -> Container | None:
    """The container whose port a helper process holds: docker-proxy, or the conmon of podman."""
    pairs = list(zip(arguments, arguments[1:]))
    options = dict(reversed(pairs))  # of an option given twice, the first: conmon's own come before its runtime's
    if process == "docker-proxy" and "-container-ip" in options:
        return _docker_container_at(options["-container-ip"], root)
    if process == "conmon" and "-c" in options:
        return Container(options["-c"], options.get("-n"), "podman")
    return None


def published(protocol: str, port: int, root: str = "/") -> Container | None:
    """The container for which Docker itself keeps the port of this host."""
    for known in docker.containers(root):
        if (protocol, port) in known.published:
            return Container(known.id, known.name, "docker")
    return None


def behind(identity: str | None, target: str, root: str = "/") -> Container | None:
    """The container that a NAT rule names, or the one of docker that has the address of the rule's target."""
    if identity is None:
        return _docker_container_at(target.rpartition(":")[0].strip("[]"), root)
    for runtime, find in (("podman", _podman_name), ("containerd", _oci_name)):
        name = find(identity, root)
        if name:
            return Container(identity, name, runtime)
    return Container(identity, None, "unknown")


def _docker_container_at(address: str, root: str) -> Container | None:
    """*address*: an empty one is nobody's."""
    for known in docker.containers(root):
        if address in known.addresses:
            return Container(known.id, known.name, "docker")
    return None


def _docker_name(identity: str, root: str) -> str | None:
    return next((known.name for known in docker.containers(root) if known.id == identity), None)


def _podman_name(identity: str, root: str) -> str | None:
    for path in glob.glob(_below(root, _PODMAN)):
        listed = read_json(path)
        for each in listed if isinstance(listed, list) else []:
            names = at(each, "names")
            if at(each, "id") == identity and isinstance(names, list) and names:
                return str(names[0])
    return None


def _oci_name(identity: str, root: str) -> str | None:
    for pattern in _OCI_BUNDLES:
        for path in glob.glob(_below(root, pattern.format(id=identity))):
            annotations = at(read_json(path), "annotations")
            for key in _NAME_ANNOTATIONS:
                if at(annotations, key):
                    return str(at(annotations, key))
    return None


def _below(root: str, *parts: str) -> str:
    return os.path.join(root, *(part.lstrip("/") for part in parts))
