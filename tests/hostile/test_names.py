# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that an ordinary user gives himself satisfy no pattern that is meant to prove something."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any, Iterator

import pytest
from ansible_collections.preflight.ports.plugins.filter.profile_ports import profile_ports
from hostile.intruder import NOBODY, become_ordinary, calling_himself, ordinary_listener, serving
from support import sandbox
from support.apart import in_mounts, in_network
from support.namespaces import CLONE_NEWNS, mount
from support.people import port_of, start
from support.running import check

CLONE_NEWUSER = 0x10000000
CONTAINER = "0123456789abcdef" * 4


def who_holds(port: int, pattern: str) -> tuple[bool, dict[str, Any]]:
    """Whether *pattern* allows the holder, and the holder as root's check describes it."""
    met = not check([port], held_by=[pattern]).get("failed")
    (conflict,) = check([port])["conflicts"]
    (holder,) = conflict["holders"]
    return met, holder


@pytest.mark.parametrize(
    ("comm", "arguments", "pattern"),
    [
        ("conmon", ["-c", CONTAINER, "-n", "web"], "container:web"),
        ("docker-proxy", ["-container-ip", "172.17.0.2"], "container:*"),
        ("kernel", [], "kernel"),
        ("kernel", [], "process:kernel"),
        ("dockerd", [], "container:*"),
    ],
)
def test_a_name_of_a_helper(comm: str, arguments: list[str], pattern: str) -> None:
    def scene() -> tuple[bool, dict[str, Any]]:
        with calling_himself(comm, arguments) as port:
            return who_holds(port, pattern)

    met, holder = in_network(scene)
    assert not met
    assert (holder["process"], holder["uid"]) == (comm, NOBODY)
    assert (holder["container"], holder["kernel"], holder["hidden"]) == (None, False, False)


@pytest.mark.parametrize(
    ("profile", "comm", "title"),
    [
        ("redis", "redis-server", "redis-server"),
        ("postgresql", "postgres", "/usr/lib/postgresql/15/bin/postgres"),
        ("prometheus", "prometheus", "/usr/bin/prometheus"),
        ("kafka", "kafka", "kafka"),
    ],
)
def test_a_name_of_a_known_product(profile: str, comm: str, title: str) -> None:
    def scene() -> dict[str, Any]:
        with calling_himself(comm, title=title) as port:
            return check(profile_ports([{"name": profile, "ports": [port]}]))

    result = in_network(scene)
    assert result["failed"], "a play would go on with his port"
    assert result["conflicts"][0]["holders"][0]["process"] == comm


@contextlib.contextmanager
def his_control_group(folder: str) -> Iterator[Path]:
    """One that the ordinary user's own manager could have made."""
    root = Path("/run/groups")
    mount("tmpfs", "/run", "tmpfs")
    root.mkdir()
    mount("cgroup2", str(root), "cgroup2")
    manager = root / f"hostile-{os.getpid()}/user@{NOBODY}.service"
    (manager / folder).mkdir(parents=True)
    try:
        yield manager / folder
    finally:
        for group in (manager / folder, manager, manager.parent):
            group.rmdir()


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        ("nginx.service", "unit:nginx"),
        ("nginx.service", "unit:*nginx*"),
        (f"docker-{CONTAINER}.scope", "container:*"),
        ("machine-web.scope", "container:web"),
        ("lxc.payload.db", "container:db"),
    ],
)
def test_a_control_group_of_his_own(folder: str, pattern: str) -> None:
    def scene() -> tuple[bool, dict[str, Any]]:
        with his_control_group(folder) as group, serving(lambda _server: None) as port:
            (pid,) = check([port])["conflicts"][0]["holders"][0]["pids"]
            (group / "cgroup.procs").write_text(str(pid))
            return who_holds(port, pattern)

    met, holder = in_mounts(scene)
    assert not met
    assert holder["container"] is None
    assert holder["unit"] == f"user@{NOBODY}.service" + ("/" + folder) * folder.endswith((".service", ".scope"))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("container:redis", False), ("container:*redis*", False), ("*redis", False), ("container:nobody/redis", True)],
)
def test_a_container_of_his_own(pattern: str, expected: bool) -> None:
    """He chooses the name that its monitor is given. His own process may even be the monitor."""
    named_redis = ["-c", CONTAINER, "-n", "redis"]

    def scene() -> tuple[bool, dict[str, Any]]:
        with his_control_group(f"libpod-{CONTAINER}.scope") as group, calling_himself("conmon", named_redis) as port:
            (pid,) = check([port])["conflicts"][0]["holders"][0]["pids"]
            (group / "cgroup.procs").write_text(str(pid))
            return who_holds(port, pattern)

    met, holder = in_mounts(scene)
    assert met is expected
    assert holder["container"] == {"id": CONTAINER, "name": "redis", "runtime": "podman", "user": "nobody"}


def test_a_program_below_the_path_of_another() -> None:
    """In a mount namespace of his own any file is below any path."""

    def pretend(server: socket.socket) -> None:
        sandbox._check(sandbox.libc.unshare(CLONE_NEWUSER | CLONE_NEWNS))
        mount("/usr/bin/python3", "/usr/bin/env", "", 4096)  # MS_BIND
        server.set_inheritable(True)
        pid = os.fork()
        if not pid:
            sandbox.prctl(sandbox.PR_SET_PDEATHSIG, signal.SIGKILL)
            os.execv("/usr/bin/env", ["env", "-c", "import time; time.sleep(60)"])  # noqa: S606
        while os.readlink(f"/proc/{pid}/exe") != "/usr/bin/env":
            time.sleep(0.01)

    def scene() -> tuple[bool, list[int]]:
        with serving(pretend) as port:
            met, holder = who_holds(port, "exe:/usr/bin/env")
            return met, holder["pids"]

    met, pids = in_network(scene)
    assert not met
    assert len(pids) == 2


def test_a_descriptor_handed_to_roots_process() -> None:
    def scene() -> tuple[bool, dict[str, Any]]:
        with ordinary_listener() as server:
            port = port_of(server)
            root = start(server.dup)
            server.close()
            try:
                return who_holds(port, "user:root")
            finally:
                root.end()

    met, holder = in_network(scene)
    assert not met
    assert (holder["uid"], holder["hidden"], holder["kernel"]) == (NOBODY, True, False)


def test_a_descriptor_on_its_way() -> None:
    """Nobody has it while it is in a message that nobody has received."""

    def prepare(_server: socket.socket) -> Any:
        ours, theirs = socket.socketpair()
        server = socket.socket()
        server.bind(("127.0.0.1", 8083))
        server.listen()
        socket.send_fds(ours, [b"!"], [server.fileno()])
        server.close()
        return ours, theirs

    def scene() -> tuple[bool, dict[str, Any]]:
        with serving(prepare):
            return who_holds(8083, "kernel")

    met, holder = in_network(scene)
    assert not met
    assert (holder["uid"], holder["hidden"], holder["kernel"]) == (NOBODY, True, False)


def test_he_cannot_become_anybody() -> None:
    """The tests would prove nothing if he were root."""

    def scene() -> bool:
        become_ordinary()
        return os.access("/root", os.W_OK)

    assert not in_network(scene)
