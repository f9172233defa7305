# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ordinary user shapes costs root's check little, and ends."""

from __future__ import annotations

import json
import os
import resource
import socket
import time
from typing import Any

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import command_lines, owners
from ansible_collections.preflight.ports.plugins.module_utils._table import bound_only
from hostile.intruder import calling_himself, serving
from support.apart import in_network
from support.people import port_of
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
