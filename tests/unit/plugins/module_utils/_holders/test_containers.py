# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders.containers import (
    behind,
    named,
    published_by,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container
from support.records import CONTAINER_ID, WEB

ID, OTHER_ID = CONTAINER_ID, "f" * 64
BUNDLE = "run/containerd/io.containerd.runtime.v2.task/k8s.io"
CRIO_BUNDLE = "run/containers/storage/overlay-containers"
PODMAN = "var/lib/containers/storage"


@pytest.fixture
def state(tmp_path):
    """Writes a runtime's state file and gives the root that it is below."""

    def write(path, content):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(tmp_path)

    write("unrelated", "")
    return write


def docker(identity=ID):
    return f"var/lib/docker/containers/{identity}/config.v2.json"


@pytest.mark.parametrize(
    ("runtime", "path", "content", "expected"),
    [
        pytest.param("docker", docker(), {"Name": "/web"}, "web", id="docker"),
        pytest.param("docker", docker(), {"Name": "/"}, None, id="docker, empty name"),
        pytest.param("docker", docker(), {"Name": 5}, None, id="docker, no text"),
        pytest.param("docker", docker(), {}, None, id="docker, no name"),
        pytest.param("docker", docker(), [], None, id="docker, no object"),
        pytest.param("docker", docker(), "{", None, id="docker, no JSON"),
        pytest.param("docker", docker(OTHER_ID), {"Name": "/web"}, None, id="docker, another container"),
        pytest.param(
            "podman",
            f"{PODMAN}/overlay-containers/containers.json",
            [{"id": OTHER_ID, "names": ["db"]}, {"id": ID, "names": ["web", "alias"]}],
            "web",
            id="podman",
        ),
        pytest.param(
            "podman",
            f"{PODMAN}/vfs-containers/volatile-containers.json",
            [{"id": ID, "names": ["web"]}],
            "web",
            id="podman, volatile",
        ),
        pytest.param(
            "podman",
            f"{PODMAN}/overlay-containers/containers.json",
            [{"id": ID, "names": []}],
            None,
            id="podman, no names",
        ),
        pytest.param(
            "podman",
            f"{PODMAN}/overlay-containers/containers.json",
            [{"id": ID, "names": "web"}],
            None,
            id="podman, names no list",
        ),
        pytest.param(
            "podman", f"{PODMAN}/overlay-containers/containers.json", [{"id": ID}, 5], None, id="podman, names missing"
        ),
        pytest.param("podman", f"{PODMAN}/overlay-containers/containers.json", {"id": ID}, None, id="podman, no list"),
        pytest.param("podman", f"{PODMAN}/overlay-containers/containers.json", "[", None, id="podman, no JSON"),
        pytest.param(
            "containerd",
            f"{BUNDLE}/{ID}/config.json",
            {"annotations": {"io.kubernetes.cri.container-name": "web"}},
            "web",
            id="containerd",
        ),
        pytest.param(
            "containerd",
            f"{BUNDLE.replace('run/', 'run/k3s/', 1)}/{ID}/config.json",
            {"annotations": {"io.kubernetes.cri.container-name": "web"}},
            "web",
            id="containerd of K3s",
        ),
        pytest.param(
            "containerd", f"{BUNDLE}/{ID}/config.json", {"annotations": {"nerdctl/name": "web"}}, "web", id="nerdctl"
        ),
        pytest.param(
            "containerd",
            f"{BUNDLE}/{ID}/config.json",
            {"annotations": {"io.kubernetes.cri.sandbox-id": "x"}},
            None,
            id="containerd, other annotations",
        ),
        pytest.param(
            "containerd", f"{BUNDLE}/{ID}/config.json", {"annotations": None}, None, id="containerd, no annotations"
        ),
        pytest.param(
            "cri-o",
            f"{CRIO_BUNDLE}/{ID}/userdata/config.json",
            {"annotations": {"io.kubernetes.container.name": "web"}},
            "web",
            id="cri-o",
        ),
        pytest.param(
            "cri-o",
            f"{CRIO_BUNDLE}/{OTHER_ID}/userdata/config.json",
            {"annotations": {"io.kubernetes.container.name": "web"}},
            None,
            id="cri-o, another container",
        ),
    ],
)
def test_named(runtime, path, content, expected, state):
    container = Container(ID, None, runtime)
    assert named(container, state(path, content)) == Container(ID, expected, runtime)


@pytest.mark.parametrize("runtime", ["docker", "podman", "containerd", "cri-o"])
def test_named_where_there_are_no_state_files(runtime, tmp_path):
    assert named(Container(ID, None, runtime), str(tmp_path)).name is None


def test_named_leaves_a_name_alone(state):
    assert named(WEB, state(docker(), {"Name": "/other"})).name == "web"


def networks(**addresses):
    return {"NetworkSettings": {"Networks": {name: {"IPAddress": address} for name, address in addresses.items()}}}


PROXY = ["/usr/bin/docker-proxy", "-proto", "tcp", "-host-ip", "0.0.0.0", "-host-port", "8080",
         "-container-ip", "172.17.0.2", "-container-port", "80"]  # fmt: skip
CONMON = ["/usr/bin/conmon", "--api-version", "1", "-c", ID, "-u", ID, "-r", "/usr/bin/crun", "-n", "web",
          "--exit-command-arg", "-c", "--exit-command-arg", "-n"]  # fmt: skip


@pytest.mark.parametrize(
    ("process", "arguments", "expected"),
    [
        pytest.param("docker-proxy", PROXY, WEB, id="docker-proxy"),
        pytest.param("docker-proxy", [*PROXY[:8], "172.18.0.9"], WEB, id="its second network"),
        pytest.param("docker-proxy", [*PROXY[:8], "172.17.0.7"], None, id="docker-proxy of nobody"),
        pytest.param("docker-proxy", PROXY[:7], None, id="docker-proxy that doesn't tell"),
        pytest.param("docker-proxy", [""], None, id="docker-proxy without a command line"),
        pytest.param("conmon", CONMON, Container(ID, "web", "podman"), id="conmon"),
        pytest.param("conmon", ["conmon", "-c", ID], Container(ID, None, "podman"), id="conmon without a name"),
        pytest.param("conmon", ["conmon", "--version"], None, id="conmon without a container"),
        pytest.param("nginx", PROXY, None, id="another process with such arguments"),
        pytest.param("nginx", CONMON, None, id="another process with conmon's arguments"),
    ],
)
def test_published_by(process, arguments, expected, state):
    state(docker(OTHER_ID), {"Name": "/db", **networks(bridge="172.17.0.3")})
    state(docker("e" * 64), {"Name": "/stopped", "NetworkSettings": {"Networks": {"host": {}, "odd": None}}})
    state(docker("d" * 64), {"Name": "/broken", "NetworkSettings": {"Networks": []}})
    state(docker("c" * 64), "{")
    root = state(docker(), {"Name": "/web", **networks(bridge="172.17.0.2", other="172.18.0.9")})
    assert published_by(process, arguments, root) == expected


def test_published_by_where_there_are_no_state_files(tmp_path):
    assert published_by("docker-proxy", PROXY, str(tmp_path)) is None


@pytest.mark.parametrize(
    ("identity", "target", "expected"),
    [
        pytest.param(None, "172.17.0.2:80", WEB, id="docker, by its address"),
        pytest.param(None, "[172.17.0.2]:80", WEB, id="docker, in brackets"),
        pytest.param(None, "172.17.0.9:80", None, id="nobody's address"),
        pytest.param(None, "port 80 of this host", None, id="no address"),
        pytest.param("a" * 64, "10.88.0.5:80", Container("a" * 64, "db", "podman"), id="podman"),
        pytest.param("b" * 64, "10.88.0.5:80", Container("b" * 64, "api", "containerd"), id="containerd"),
        pytest.param(
            "c" * 64, "10.88.0.5:80", Container("c" * 64, None, "unknown"), id="a runtime without state files"
        ),
    ],
)
def test_behind(identity, target, expected, state):
    state(f"{PODMAN}/overlay-containers/containers.json", [{"id": "a" * 64, "names": ["db"]}])
    state(f"{BUNDLE}/{'b' * 64}/config.json", {"annotations": {"nerdctl/name": "api"}})
    root = state(docker(), {"Name": "/web", **networks(bridge="172.17.0.2")})
    assert behind(identity, target, root) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param({}, "web-of-the-shop", id="an ID by hand is the name"),
        pytest.param({"annotations": {"nerdctl/name": "web"}}, "web", id="a name"),
    ],
)
def test_named_by_hand(content, expected, state):
    root = state(f"{BUNDLE}/web-of-the-shop/config.json", content)
    assert named(Container("web-of-the-shop", None, "containerd"), root).name == expected
