# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders.cgroups import (
    container,
    owner,
    paths,
    task,
    unit,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container
from support.records import CONTAINER_ID

ID = CONTAINER_ID
POD = "kubepods-besteffort-pod0a1b2c3d_0000_4444_8888_0123456789ab.slice"
BY_HAND = Container("web", None, "containerd")
USERS = "/user.slice/user-1001.slice/user@1001.service"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("0::/init.scope\n", ["/init.scope"], id="v2"),
        pytest.param(
            "2:cpu:/a\n1:name=systemd:/system.slice/nginx.service\n",
            ["/system.slice/nginx.service", "/a"],
            id="v1: systemd's own first",
        ),
        pytest.param("2:cpu,cpuacct:/a\n1:name=systemd:/b\n0::/c\n", ["/c", "/b", "/a"], id="hybrid: v2 first"),
        pytest.param("3:pids:/x\n2:cpu:/y\n", ["/x", "/y"], id="v1 without systemd, as written"),
        pytest.param("0::/a:b\n", ["/a:b"], id="a colon in the path"),
        pytest.param("nonsense\n0::/a\n", ["/a"], id="a malformed row"),
        pytest.param("0::/a\rb\x0b\x1c\u2028c\n", ["/a\rb\x0b\x1c\u2028c"], id="only the line feed ends a row"),
    ],
)
def test_paths(text, expected):
    assert paths(text) == expected


@pytest.mark.parametrize(
    ("cgroup_paths", "expected"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param(["/"], None, id="the root"),
        pytest.param(["/system.slice/nginx.service"], "nginx.service", id="a service"),
        pytest.param(["/system.slice/system-getty.slice/getty@tty1.service"], "getty@tty1.service", id="an instance"),
        pytest.param(["/init.scope"], "init.scope", id="PID 1"),
        pytest.param(
            ["/user.slice/user-1000.slice/user@1000.service/app.slice/web.service"],
            "user@1000.service/web.service",
            id="a user's own service",
        ),
        pytest.param(["/user.slice/user-1000.slice/user@1000.service"], "user@1000.service", id="a user's manager"),
        pytest.param(
            ["/user.slice/user-1000.slice/user@1000.service/init.scope"],
            "user@1000.service/init.scope",
            id="what a user's manager runs in",
        ),
        pytest.param(["/user.slice/user-1000.slice/session-3.scope"], "session-3.scope", id="a session"),
        pytest.param(["/system.slice/nginx.service/workers"], "nginx.service", id="a cgroup below the unit"),
        pytest.param(["/system.slice/ssh.socket"], "ssh.socket", id="a socket unit"),
        pytest.param(["/user.slice/user-1000.slice"], None, id="a slice is no unit of a process"),
        pytest.param(["/.service"], None, id="a suffix alone"),
        pytest.param(["/x", "/system.slice/nginx.service"], "nginx.service", id="the first path that has one"),
    ],
)
def test_unit(cgroup_paths, expected):
    assert unit(cgroup_paths) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(f"/docker/{ID}", (ID, None, "docker"), id="docker, cgroupfs"),
        pytest.param(f"/system.slice/docker-{ID}.scope", (ID, None, "docker"), id="docker, systemd"),
        pytest.param(f"/system.slice/docker-{ID}.scope/init.scope", (ID, None, "docker"), id="systemd inside docker"),
        pytest.param(f"/machine.slice/libpod-{ID}.scope/container", (ID, None, "podman"), id="podman"),
        pytest.param(
            f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope",
            (ID, None, "podman"),
            id="podman without root",
        ),
        pytest.param(f"/libpod_parent/libpod-{ID}", (ID, None, "podman"), id="podman, cgroupfs"),
        pytest.param(f"/system.slice/web.service/libpod-payload-{ID}", (ID, None, "podman"), id="podman, quadlet"),
        pytest.param(f"/machine.slice/libpod-conmon-{ID}.scope", None, id="conmon is beside the container"),
        pytest.param(f"/kubepods.slice/{POD}/crio-{ID}.scope", (ID, None, "cri-o"), id="cri-o"),
        pytest.param(f"/kubepods.slice/{POD}/cri-containerd-{ID}.scope", (ID, None, "containerd"), id="containerd"),
        pytest.param(
            f"/system.slice/containerd.service/{POD}:cri-containerd:{ID}",
            (ID, None, "containerd"),
            id="containerd, v1",
        ),
        pytest.param(f"/kubepods/besteffort/pod0a1b2c3d-0000/{ID}", (ID, None, "containerd"), id="kubepods, cgroupfs"),
        pytest.param(f"/kubepods.slice/{POD}/docker-{ID}.scope", (ID, None, "docker"), id="docker under kubernetes"),
        pytest.param(f"/system.slice/nerdctl-{ID}.scope", (ID, None, "containerd"), id="nerdctl"),
        pytest.param("/lxc/web", ("web", "web", "lxc"), id="lxc, v1"),
        pytest.param("/lxc.payload.web/system.slice/nginx.service", ("web", "web", "lxc"), id="lxc"),
        pytest.param("/lxc.payload/web", ("web", "web", "lxc"), id="lxc 4"),
        pytest.param("/lxc.monitor.web", None, id="lxc's monitor is outside"),
        pytest.param("/machine.slice/machine-web.scope/payload", ("web", "web", "nspawn"), id="nspawn machine"),
        pytest.param(r"/machine.slice/machine-web\x2d1.scope", ("web-1", "web-1", "nspawn"), id="an escaped name"),
        pytest.param(
            "/machine.slice/systemd-nspawn@web.service/payload", ("web", "web", "nspawn"), id="nspawn service"
        ),
        pytest.param(r"/machine.slice/machine-qemu\x2d1\x2dvm.scope", None, id="a virtual machine is no container"),
        pytest.param("/system.slice/docker.service", None, id="the docker daemon itself"),
        pytest.param(f"/system.slice/docker-{ID[:63]}.scope", None, id="not a whole ID"),
        pytest.param(f"/notdocker-{ID}.scope", None, id="a name that only ends in docker"),
        pytest.param(f"{USERS}/docker-{ID}.scope", None, id="a user's own folder, named like one of docker's"),
        pytest.param(f"{USERS}/machine-web.scope", None, id="a user's own folder, named like a machine"),
        pytest.param(f"{USERS}/lxc.payload.db", None, id="a user's own folder, named like one of lxc"),
        pytest.param("/system.slice/nginx.service", None, id="no container"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_container(path, expected):
    expected = expected and Container(*expected)
    assert container([path]) == expected
    assert container(["/", path]) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{USERS}/nginx.service", 1001),
        (USERS, 1001),
        ("/system.slice/nginx.service", None),
        ("/xuser@1.service", None),
    ],
)
def test_owner(path, expected):
    assert owner(["/", path]) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/default/web", ("default", BY_HAND), id="a namespace and an ID"),
        pytest.param("/k8s.io/web/init.scope", ("k8s.io", BY_HAND), id="systemd inside"),
        pytest.param("/system.slice/nginx.service", None, id="a unit"),
        pytest.param("/init.scope", None, id="PID 1"),
        pytest.param("/../default/web", None, id="outside the namespace of control groups"),
        pytest.param("/default/../web", None, id="a way up"),
        pytest.param("/", None, id="the root"),
    ],
)
def test_task(path, expected):
    assert task(["/", path]) == expected
