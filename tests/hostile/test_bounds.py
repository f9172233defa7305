# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ordinary user shapes costs root's check little, and ends."""

from __future__ import annotations

import json
import os
import resource
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import command_lines, docker, owners
from ansible_collections.preflight.ports.plugins.module_utils._kernel import command
from ansible_collections.preflight.ports.plugins.module_utils._table import bound_only
from hostile.intruder import NOBODY, calling_himself, calling_themselves, serving
from support.apart import in_mounts, in_network, in_processes
from support.namespaces import mount
from support.people import listener, port_of
from support.running import check

TOKEN = "s3cret"  # noqa: S105
MOST_SECONDS = 10  # in which the module answers, whatever one user does
LONG = ["x" * 100_000] * 10


def cost_of(port: int, **options: Any) -> tuple[dict[str, Any], int, float]:
    """The result, and the memory in KiB and the time in seconds that it took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    result = check([port], **options)
    return result, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, time.monotonic() - started


@pytest.mark.parametrize("cmdline", [False, True], ids=["not asked for", "asked for"])
def test_a_huge_command_line(cmdline: bool) -> None:
    def scene() -> tuple[dict[str, Any], int, float]:
        with calling_himself("server", LONG) as port:
            return cost_of(port, cmdline=cmdline)

    result, kibibytes, seconds = in_network(scene)
    assert result["conflicts"][0]["holders"][0]["process"] == "server"
    assert len(json.dumps(result)) < (200_000 if cmdline else 5_000)
    assert kibibytes < 20_000
    assert seconds < MOST_SECONDS


def test_a_huge_name() -> None:
    def scene() -> dict[str, Any]:
        name = "a" * 15
        with calling_himself(name, title=name + "b" * 2000) as port:
            return check([port])

    (holder,) = in_network(scene)["conflicts"][0]["holders"]
    assert holder["process"] == "a" * 15 + "b" * 240


def test_a_title_with_a_secret() -> None:
    def scene() -> dict[str, Any]:
        with calling_himself("myworker-daemon", title=f"myworker-daemon-7 --token={TOKEN}") as port:
            return check([port])

    result = in_network(scene)
    assert TOKEN not in json.dumps(result)
    assert result["conflicts"][0]["holders"][0]["process"] == "myworker-daemon-7"


def test_a_read_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """As from a page of memory that the owner's own file system never delivers."""
    monkeypatch.setattr(command_lines, "_text", lambda *_arguments: time.sleep(3600))

    def scene() -> tuple[dict[str, Any], int, float]:
        with calling_himself("fifteen-letters") as port:
            return cost_of(port, cmdline=True)

    result, _kibibytes, seconds = in_network(scene)
    (holder,) = result["conflicts"][0]["holders"]
    assert (holder["process"], holder["cmdline"]) == ("fifteen-letters", None)
    assert seconds < MOST_SECONDS


@pytest.mark.parametrize("timeout", [0, 1])
def test_a_socket_that_never_tells_its_port(timeout: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look asks several times, and each time could wait for its owner."""
    monkeypatch.setattr(bound_only, "walk", lambda *_arguments: time.sleep(3600))

    def scene() -> tuple[dict[str, Any], int, float]:
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            return cost_of(port_of(bound), source="procfs", timeout=timeout)

    result, _kibibytes, seconds = in_network(scene)
    assert result["conflicts"][0]["state"] == "unknown"
    assert "was given up" in result["msg"]
    assert seconds < timeout + MOST_SECONDS


def test_more_descriptors_than_there_is_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "_SECONDS", 0.0)

    def scene() -> dict[str, Any]:
        with serving(lambda _server: [os.dup(2) for _unused in range(500)]) as port:
            return check([port], held_by=["*"])

    result = in_network(scene)
    (holder,) = result["conflicts"][0]["holders"]
    assert (result["failed"], holder["hidden"], holder["kernel"]) == (True, True, False)


CONTAINERS = 300
PUBLISHERS = 30


@pytest.mark.parametrize(
    ("is_root", "most_reads"), [(False, 0), (True, 2 * CONTAINERS)], ids=["his own processes", "those of the engine"]
)
def test_many_publishers_of_many_containers(is_root: bool, most_reads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The states of all containers are read anew for nobody who is called docker-proxy."""
    reads = []
    read_json = docker.read_json
    monkeypatch.setattr(docker, "read_json", lambda path: reads.append(path) or read_json(path))

    def scene() -> tuple[dict[str, Any], int]:
        for folder in ("/etc", "/run", "/var/lib"):
            mount("tmpfs", folder, "tmpfs")
        for number in range(CONTAINERS):
            folder = Path(f"/var/lib/docker/containers/{number:064x}")
            folder.mkdir(parents=True)
            networks = {"Networks": {"bridge": {"IPAddress": f"172.17.{number >> 8}.{number & 255}"}}}
            (folder / "config.v2.json").write_text(json.dumps({"Name": f"/c{number}", "NetworkSettings": networks}))
        arguments = [["-container-ip", f"172.17.0.{2 + number}"] for number in range(PUBLISHERS)]
        with calling_themselves("docker-proxy", arguments, is_root) as ports:
            return check(ports), len(reads)

    result, count = in_mounts(scene)
    holders = [holder for each in result["conflicts"] for holder in each["holders"]]
    names = sorted(holder["container"]["name"] if holder["container"] else "" for holder in holders)
    assert names == sorted(f"c{2 + number}" if is_root else "" for number in range(PUBLISHERS))
    assert count <= most_reads


def as_systemd(folder: Path, script: str) -> tuple[dict[str, Any], float]:
    """Root's check where the first process, which is called systemd, holds a port, and a user has a systemctl."""
    folder.chmod(0o755)
    program = folder / "systemctl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    os.chown(program, NOBODY, NOBODY)
    os.environ.update(PATH=f"{folder}:{os.environ['PATH']}", TOKEN=TOKEN)
    Path("/proc/self/comm").write_text("systemd")
    with listener() as server:
        result, _kibibytes, seconds = cost_of(port_of(server))
    return result, seconds


def test_a_systemctl_of_his_own(tmp_path: Path) -> None:
    """On the PATH that root's task has."""
    result, _seconds = in_processes(lambda: as_systemd(tmp_path, f"touch {tmp_path}/pwned"))
    (holder,) = result["conflicts"][0]["holders"]
    assert (holder["pid"], holder["process"]) == (1, "systemd")
    assert not (tmp_path / "pwned").exists()


def test_what_the_systemctl_of_the_host_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_FOLDERS", (str(tmp_path),))
    in_processes(lambda: as_systemd(tmp_path, f"/usr/bin/env > {tmp_path}/environment"))
    environment = (tmp_path / "environment").read_text().splitlines()
    assert "LC_ALL=C" in environment
    assert TOKEN not in "".join(environment)


def test_a_systemctl_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_FOLDERS", (str(tmp_path),))
    result, seconds = in_processes(lambda: as_systemd(tmp_path, "exec sleep 60"))
    assert result["conflicts"][0]["holders"][0]["unit"] is None
    assert seconds < MOST_SECONDS
