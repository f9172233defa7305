# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import command_lines, processes, rootless
from ansible_collections.preflight.ports.plugins.module_utils._kernel import patience
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container, Process
from support.records import CONTAINER_ID, HARMLESS, HOSTILE

OTHER_ID = "f" * 64
OURS, ITS, ANOTHER = "net:[1]", "net:[2]", "net:[3]"
ALICE, BOB = 1000, 1001
WEB = Container(CONTAINER_ID, "web", "podman", "alice")
HELPER = Process(50, "rootlessport", uid=ALICE, user="alice")


class Host:
    """A /proc with no other files than these."""

    def __init__(self, tmp_path, monkeypatch):
        self.proc = tmp_path
        self.add("self", namespace=OURS)
        monkeypatch.setattr(processes, "user_name", {ALICE: "alice", BOB: "bob"}.get)
        processes._origin.cache_clear()

    def add(
        self, pid, comm="x", *, parent=1, namespace=OURS, started=0, cgroup="/", arguments=(), keeps=(), inodes=None
    ):
        folder = self.proc / str(pid)
        (folder / "ns").mkdir(parents=True)
        (folder / "ns/net").symlink_to(namespace)
        (folder / "fd").mkdir()
        (folder / "fdinfo").mkdir()
        for number, link in enumerate(keeps):
            (folder / "fd" / str(number)).symlink_to(link)
            (folder / "fdinfo" / str(number)).write_text(f"pos:\t0\nino:\t{(inodes or {}).get(link, 7)}\n")
        (folder / "stat").write_text(f"{pid} ({comm}) S {parent} {'0 ' * 17}{started} 0\n")
        (folder / "cgroup").write_text(f"0::{cgroup}\n")
        (folder / "cmdline").write_bytes(b"".join(os.fsencode(argument) + b"\0" for argument in arguments))

    def add_container(self, pid, identity, namespace=ITS, uid=ALICE, monitor=None, started=0):
        """Its first process, whose parent is the *monitor*."""
        cgroup = f"/user.slice/user-{uid}.slice/user@{uid}.service/user.slice/libpod-{identity}.scope/container"
        self.add(pid, parent=monitor or 1, namespace=namespace, started=started, cgroup=cgroup)

    def add_monitor(self, pid, identity, name):
        self.add(pid, "conmon", arguments=["/usr/bin/conmon", "-c", identity, "-n", name, "--", "-n", "other"])

    def containers(self, *found):
        return rootless.containers(found, str(self.proc))


@pytest.fixture
def host(tmp_path, monkeypatch):
    return Host(tmp_path, monkeypatch)


@pytest.fixture
def web(host):
    """One whose network namespace is ITS."""
    host.add_monitor(60, CONTAINER_ID, "web")
    host.add_container(61, CONTAINER_ID, monitor=60)
    return host


def test_a_child_in_the_namespace_of_the_container(web):
    web.add(50, "rootlessport")
    web.add(51, "exe", parent=50, namespace=ITS)
    assert web.containers(HELPER) == {50: WEB}


def test_a_descriptor_of_the_namespace_of_the_container(web):
    web.add(50, "pasta.avx2", keeps=["socket:[7]", "/dev/net/tun", ITS])
    assert web.containers(HELPER._replace(name="pasta.avx2")) == {50: WEB}


def test_a_descriptor_of_what_podman_has_mounted(web):
    path = "/run/user/1000/netns/netns-1"
    web.add(50, "pasta", keeps=["/dev/null", path], inodes={path: 2})
    assert web.containers(HELPER) == {50: WEB}


def test_nothing_leads_to_a_container(web):
    web.add(50, "rootlessport", keeps=["socket:[7]", ANOTHER])
    web.add(51, "exe", parent=50, namespace=OURS)
    assert web.containers(HELPER) == {}


def test_a_helper_that_is_gone(web):
    assert web.containers(HELPER) == {}


def test_a_container_of_somebody_else(host):
    host.add_container(61, CONTAINER_ID, uid=BOB)
    host.add(50, "rootlessport")
    host.add(51, "exe", parent=50, namespace=ITS)
    assert host.containers(HELPER) == {}


def test_the_first_container_of_a_pod_has_its_ports(host):
    host.add_monitor(60, OTHER_ID, "later")
    host.add_container(55, OTHER_ID, monitor=60, started=9)
    host.add_monitor(62, CONTAINER_ID, "web")
    host.add_container(63, CONTAINER_ID, monitor=62, started=8)
    host.add(50, "rootlessport")
    host.add(51, "exe", parent=50, namespace=ITS)
    assert host.containers(HELPER) == {50: WEB}


def test_a_process_in_a_container_on_the_network_of_the_host(host):
    unnamed = WEB._replace(name=None)
    host.add_monitor(60, CONTAINER_ID, "web")
    host.add_container(61, CONTAINER_ID, namespace=OURS, monitor=60)
    host.add(64, "worker", parent=61)
    assert host.containers(Process(64, "worker", container=unnamed)) == {64: WEB}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["conmon", "-c", OTHER_ID, "-n", "web"], id="of another container"),
        pytest.param(["conmon", "-c", CONTAINER_ID, "-n"], id="without a name"),
        pytest.param([], id="not to be read"),
    ],
)
def test_a_monitor_that_tells_no_name(arguments, host):
    host.add(60, "conmon", arguments=arguments)
    host.add_container(61, CONTAINER_ID, monitor=60)
    host.add(50, "pasta", keeps=[ITS])
    assert host.containers(HELPER) == {50: WEB._replace(name=None)}


def test_a_container_without_a_monitor(host):
    host.add_container(61, CONTAINER_ID)
    host.add(50, "pasta", keeps=[ITS])
    assert host.containers(HELPER) == {50: WEB._replace(name=None)}


def test_a_hostile_name(host):
    host.add_monitor(60, CONTAINER_ID, HOSTILE)
    host.add_container(61, CONTAINER_ID, monitor=60)
    host.add(50, "pasta", keeps=[ITS])
    assert host.containers(HELPER)[50].name == HARMLESS


def test_parents_in_a_circle(host):
    host.add_container(61, CONTAINER_ID, monitor=62)
    host.add(62, parent=61)
    host.add(50, "pasta", keeps=[ITS])
    assert host.containers(HELPER) == {50: WEB._replace(name=None)}


def test_it_gives_up_when_it_takes_too_long(web, monkeypatch):
    web.add(50, "pasta", keeps=[ITS])
    ours = patience.Patience()
    monkeypatch.setattr(rootless, "PATIENCE", ours)
    monkeypatch.setattr(patience.time, "monotonic", iter(range(100)).__next__)
    monkeypatch.setattr(command_lines, "read", lambda pids, proc: {})
    assert web.containers(HELPER) == {}
    assert ours.was_tried


def test_it_gives_up_on_the_way_to_a_monitor(web, monkeypatch):
    """As many processes as a user starts may each have as many ancestors."""
    monkeypatch.setattr(rootless, "PATIENCE", patience.Patience())
    monkeypatch.setattr(patience.time, "monotonic", iter((0, 100)).__next__)
    monkeypatch.setattr(command_lines, "read", lambda pids, proc: {})
    assert web.containers(Process(61, "worker", container=WEB._replace(name=None))) == {}
