# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that this user may not see, or that are gone before they are looked at."""

from __future__ import annotations

import builtins
import json
import os
from typing import Any, Callable, Dict, List, Tuple

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import child
from support import sandbox
from support.apart import apart, in_mounts, in_processes
from support.namespaces import mount
from support.people import holders_of, listener, port_of, start
from support.running import check, conflict

# of the system calls that tell what a process is and has
LOOKS = [
    (builtins, "open"),
    *((os, name) for name in ("open", "listdir", "scandir", "readlink", "stat", "getxattr")),
]
READLINK = os.readlink


def as_stranger(scene: Callable[[], Any]) -> Any:
    def inside() -> Any:
        scene()  # loads what the other user may not read
        sandbox.become("nobody")
        return scene()

    return apart(inside)


def with_hidden_processes(scene: Callable[[], Any]) -> Any:
    """Where one may, beside the processes of the whole machine: there only an administrator can know of no holder."""

    def inside() -> Any:
        mount("proc", "/proc", "proc", 0, "hidepid=2")
        return scene()

    return in_processes(scene, "hidepid=2") if os.geteuid() else in_mounts(inside)


@pytest.mark.parametrize("source", ["netlink", "procfs", "psutil"])
def test_hidden_processes_are_said_to_be_hidden(source: str) -> None:
    def scene() -> dict[str, Any]:
        server = listener()
        port = port_of(server)
        start(lambda: (server, sandbox.prctl(sandbox.PR_SET_DUMPABLE, 0)))
        server.close()
        return as_stranger(lambda: check([port], source=source))

    found = conflict(with_hidden_processes(scene))
    assert found["state"] == "listening"
    assert [(holder["hidden"], holder["kernel"], holder["pid"]) for holder in found["holders"]] == [(True, False, None)]
    assert "become" in found["advice"]


def test_nothing_in_proc() -> None:
    def scene() -> dict[str, Any]:
        server = listener()
        mount("tmpfs", "/proc", "tmpfs")
        return check([port_of(server), 4000], source="netlink")

    result = in_mounts(scene)
    found = conflict(result)
    assert found["state"] == "listening"
    assert [(holder["hidden"], holder["kernel"]) for holder in found["holders"]] == [(True, False)]
    assert result["ports"][1]["met"]


def test_a_proc_that_may_not_be_listed() -> None:
    def scene() -> dict[str, Any]:
        server = listener()
        mount("tmpfs", "/proc", "tmpfs", 0, "mode=0")
        return as_stranger(lambda: check([port_of(server)], source="netlink"))

    found = conflict(in_mounts(scene))
    assert found["state"] == "listening"
    assert found["holders"][0]["hidden"]


class Struck:
    """Ends a process just before the n-th time that somebody looks at it."""

    def __init__(self, pid: int, end: Callable[[], None], moment: int) -> None:
        self.folder = f"/proc/{pid}/"
        self.end = end
        self.left = moment
        for module, name in LOOKS:
            setattr(module, name, self._before(getattr(module, name)))

    def _before(self, look: Callable[..., Any]) -> Callable[..., Any]:
        def struck(path: Any, *arguments: Any, **keywords: Any) -> Any:
            if self._is_below(keywords.get("dir_fd") or path):
                self.left -= 1
                if self.left == 0:
                    self.end()
            return look(path, *arguments, **keywords)

        return struck

    def _is_below(self, place: Any) -> bool:
        """Whether a path is one of the process; of a descriptor, that which it was opened for."""
        path = READLINK(f"/proc/self/fd/{place}") if isinstance(place, int) else str(place)
        return f"{path}/".startswith(self.folder)


Outcome = Tuple[Dict[str, Any], List[int]]


def at_every_moment(source: str, count: int) -> list[Outcome]:
    """The module's results, the eldest of so many holders ending at ever later moments, and the holders' pids."""

    def ended_at(moment: int) -> Outcome | None:
        child.ask = lambda answer, _seconds: json.loads(json.dumps(answer()))  # here, where the moments are counted
        server = listener()
        port = port_of(server)
        people = holders_of(server, count)
        struck = Struck(people[0].pid, people[0].end, moment)
        result = check([port], source=source)
        was_struck = struck.left <= 0
        for each in people[was_struck:]:
            each.end()  # else they stay in /proc, and there is more to look at
        return (result, [each.pid for each in people]) if was_struck else None

    def scene() -> list[Outcome]:
        outcomes: list[Outcome] = []
        while True:
            outcome = apart(lambda: ended_at(len(outcomes) + 1))
            if outcome is None:
                return outcomes
            outcomes.append(outcome)

    outcomes = in_processes(scene)
    assert len(outcomes) > 5
    return outcomes


@pytest.mark.parametrize("source", ["netlink", "procfs", "psutil"])
def test_a_holder_that_ends_at_any_moment(source: str) -> None:
    for moment, (result, _pids) in enumerate(at_every_moment(source, count=1), start=1):
        assert not result.get("failed") or conflict(result)["state"] == "listening", moment
        for each in result["conflicts"]:
            assert [(holder["kernel"], holder["hidden"]) for holder in each["holders"]] == [(False, False)], moment


@pytest.mark.parametrize("source", ["netlink", "procfs", "psutil"])
def test_one_of_two_holders_that_ends_at_any_moment(source: str) -> None:
    for moment, (result, pids) in enumerate(at_every_moment(source, count=2), start=1):
        found = conflict(result)
        assert found["state"] == "listening", moment
        assert found["holders"][0]["pid"] in pids, moment
        assert pids[1] in found["holders"][0]["pids"], moment
