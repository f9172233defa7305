# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No file descriptor left, from any moment on."""

from __future__ import annotations

import builtins
import os
import resource
import socket
from typing import Any, Callable, Dict, Tuple

import pytest
from support.apart import apart, in_processes
from support.people import listener, port_of, start
from support.running import check

DESCRIPTORS = 64

# of the system calls that take one
TAKERS = [(os, "open"), (os, "listdir"), (os, "scandir"), (builtins, "open"), (socket.socket, "__init__")]

Outcome = Tuple[Dict[str, Any], int]


class Exhausted:
    """Takes all that are left just before the n-th time that somebody asks for one."""

    def __init__(self, moment: int) -> None:
        self.left = moment
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        for place, name in TAKERS:
            setattr(place, name, self._before(getattr(place, name)))

    def _before(self, take: Callable[..., Any]) -> Callable[..., Any]:
        def exhausted(*arguments: Any, **keywords: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                self._exhaust()
            return take(*arguments, **keywords)

        return exhausted

    def _exhaust(self) -> None:
        try:
            while True:
                os.dup(0)
        except OSError:
            pass


def at_every_moment(source: str) -> list[Outcome]:
    def exhausted_at(moment: int) -> tuple[Outcome, bool]:
        server = listener()
        port = port_of(server)
        person = start(lambda: server)
        server.close()
        check([port], source=source)  # loads what is loaded late, also of Ansible
        exhausted = Exhausted(moment)
        result = check([port, 4000], source=source)
        person.end()  # else it stays in /proc, and there is one more to look at
        return (result, person.pid), exhausted.left <= 0

    def scene() -> list[Outcome]:
        outcomes: list[Outcome] = []
        while True:
            outcome, was_exhausted = apart(lambda: exhausted_at(len(outcomes) + 1))
            outcomes.append(outcome)
            if not was_exhausted:
                return outcomes

    return in_processes(scene)


@pytest.mark.parametrize("source", ["auto", "netlink", "procfs", "psutil"])
def test_none_left_at_any_moment(source: str) -> None:
    outcomes = at_every_moment(source)
    assert len(outcomes) > 5
    for moment, (result, pid) in enumerate(outcomes, start=1):
        assert result.get("failed"), moment
        if result["ports"]:
            assert [entry["state"] for entry in result["ports"]] == ["listening", "free"], moment
            assert {holder["pid"] for holder in result["conflicts"][0]["holders"]} <= {pid, None}, moment
        else:
            assert "Too many open files" in result["msg"], moment
    result, pid = outcomes[-1]
    assert [holder["pid"] for holder in result["conflicts"][0]["holders"]] == [pid]
