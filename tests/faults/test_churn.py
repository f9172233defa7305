# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections come and go as fast as one core can, while a listener and a free port stay what they are."""

from __future__ import annotations

import os
import socket
import struct
from typing import Any

import pytest
from support.apart import in_processes
from support.people import listener, port_of, start
from support.running import check

FREE = 4000  # below the ports that connections are given
RESET = struct.pack("=ii", 1, 0)


def churn(server: socket.socket) -> None:
    """Most of them end with a reset, so that TIME_WAIT does not use the ports up."""
    number = 0
    while True:
        number += 1
        with socket.socket() as client:
            if number % 16:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            try:
                client.connect(server.getsockname())
            except OSError:
                continue
            server.accept()[0].close()


@pytest.mark.parametrize(("source", "looks"), [("netlink", 1000), ("procfs", 100)])
def test_the_answers_stay_the_same(source: str, looks: int) -> None:
    def scene() -> tuple[dict[str, int], int, int]:
        stable, busy = listener(), listener()
        port = port_of(stable)
        pid = start(lambda: stable).pid
        stable.close()
        started = connections()
        if not os.fork():
            churn(busy)
        answers: dict[str, int] = {}
        for _unused in range(looks):
            answer = str(summary(check([port, FREE], source=source)))
            answers[answer] = answers.get(answer, 0) + 1
        return answers, connections() - started, pid

    answers, churned, pid = in_processes(scene)
    assert answers == {str((["listening", "free"], [[pid]])): looks}
    assert churned > looks


def summary(result: dict[str, Any]) -> tuple[Any, Any]:
    return (
        [entry["state"] for entry in result["ports"]],
        [[holder["pid"] for holder in found["holders"]] for found in result["conflicts"]],
    )


def connections() -> int:
    """How many were opened in this network namespace."""
    with open("/proc/net/snmp", encoding="utf-8") as counts:
        names, values = (line.split() for line in counts if line.startswith("Tcp:"))
    return int(dict(zip(names, values))["ActiveOpens"])
