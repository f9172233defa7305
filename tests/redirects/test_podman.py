# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container that podman publishes, and whose ports it holds by a helper, or does not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import LISTENERS, TCP
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from ansible_collections.preflight.ports.plugins.module_utils._table import sock_diag
from redirects.world import World

UNMOUNT = ["umount", "--quiet"]
LIMITS = ["--ulimit", "nofile=20000:20000", "--ulimit", "nproc=20000:20000"]
SERVE = """
import socket
server = socket.create_server(("", 80))
while True:
    server.accept()[0].send(b"container")
"""
PUBLISHED, FREE = 8081, 8083


class Container:
    """A container of podman in the namespace of the caller, with a store of its own."""

    def __init__(self, store):
        self._podman = ["podman", "--root", str(store / "root"), "--runroot", str(store / "run"), "--runtime", "runc"]
        self.name = f"redirects-{uuid.uuid4().hex[:12]}"

    def __enter__(self):
        # The host's own files, with a layer over them, spare an image.
        started = [*LIMITS, "--name", self.name, "--publish", f"{PUBLISHED}:80", "--rootfs", "/:O"]
        self._run("run", "--detach", *started, "/usr/bin/python3", "-c", SERVE)
        (self.told,) = json.loads(self._run("inspect", self.name))
        return self

    def __exit__(self, *_exception):
        self._run("rm", "--force", "--time", "0", self.name)

    def _run(self, *arguments):
        done = subprocess.run([*self._podman, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def end_the_helper(self):
        """The container goes on without it."""
        with open(self.told["ConmonPidFile"], encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGKILL)


def listening():
    return sock_diag.read(TCP, PUBLISHED, PUBLISHED, LISTENERS)


@pytest.fixture
def store():
    """Podman takes short paths alone, and leaves its storage mounted."""
    path = Path(tempfile.mkdtemp(prefix="store"))
    yield path
    subprocess.run([*UNMOUNT, str(path / "root/overlay")], check=False)
    shutil.rmtree(path)


@pytest.mark.parametrize("has_helper", [True, False])
def test_a_published_port(has_helper, store):
    with World() as world, Container(store) as container:
        assert listening()
        if not has_helper:
            container.end_the_helper()
            until = time.monotonic() + 5
            while listening():
                assert time.monotonic() < until
                time.sleep(0.01)
        (address,) = [each["IPAddress"] for each in container.told["NetworkSettings"]["Networks"].values()]
        requirement, other = parse([PUBLISHED, FREE])
        found = gate.find(
            [Question("tcp", endpoint, port) for endpoint in requirement.endpoints for port in (PUBLISHED, FREE)]
        )
        assert [question[2] for question in found] == [PUBLISHED]
        redirect = next(iter(found.values()))
        assert redirect.target == f"{address}:80"
        assert (redirect.tool, redirect.depends_on) == ("iptables", ())
        assert redirect.container.id == container.told["Id"]
        assert world.answer("client", "tcp", "192.0.2.1", PUBLISHED) == b"container"
        assert set(world.truth("tcp", other.endpoints, FREE)) == {b"server"}
