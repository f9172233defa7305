# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies that refuse bind(2): eBPF programs on the control group, seccomp, and the rights of ordinary users."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
from faults.seccomp import refuse_bind
from support import cgroup_bpf
from support.apart import apart, in_mounts, in_network
from support.people import listener
from support.running import check
from support.sandbox import become

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may load eBPF programs and become other users")

FIRST, LAST = 5000, 5009


def binds(protocol: str, address: str, port: int) -> bool:
    """Whether the kernel lets this process bind it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, cgroup_bpf.KINDS[protocol]) as server:
        try:
            server.bind((address, port))
        except OSError as error:
            assert error.errno in (errno.EPERM, errno.EACCES)
            return False
    return True


def states(result: dict[str, Any]) -> list[str]:
    return [entry["state"] for entry in result["ports"]]


def under_policy(scene: Callable[[], Any], *policies: tuple[str, str]) -> Any:
    """The scene where programs at these hooks refuse FIRST to LAST for these protocols."""

    def inside() -> Any:
        for hook, protocol in policies:
            cgroup_bpf.refuse(hook, protocol, FIRST, LAST)
        try:
            return scene()
        finally:
            cgroup_bpf.leave()

    return in_mounts(inside)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("hook", cgroup_bpf.HOOKS)
def test_a_program_that_refuses_ports(hook: str, protocol: str) -> None:
    address = "::1" if hook.endswith("6") else "127.0.0.1"
    others = {"tcp": "udp", "udp": "tcp"}

    def scene() -> tuple[list[bool], dict[str, Any]]:
        asked = [(protocol, FIRST), (protocol, LAST), (protocol, LAST + 1), (others[protocol], FIRST)]
        entries = [{"port": port, "protocol": each, "address": address} for each, port in asked]
        return [binds(each, address, port) for each, port in asked], check(entries)

    kernel, result = under_policy(scene, (hook, protocol))
    assert kernel == [False, False, True, True]
    assert states(result) == ["refused", "refused", "free", "free"]
    assert result["probed"]
    assert {conflict["reason"] for conflict in result["conflicts"]} == {"bind(2) is refused by a policy of this host"}


def test_a_range_with_refused_ports() -> None:
    result = under_policy(lambda: check([f"{FIRST}-{LAST + 5}"]), ("bind4", "tcp"), ("bind6", "tcp"))
    (conflict,) = result["conflicts"]
    assert (conflict["port"], conflict["count"], conflict["state"]) == (f"{FIRST}-{LAST}", 10, "refused")
    assert (result["ports"][0]["free"], result["ports"][0]["first_free"]) == (5, LAST + 1)


def test_a_family_that_is_refused_is_a_conflict() -> None:
    assert states(under_policy(lambda: check([FIRST]), ("bind6", "tcp"))) == ["refused"]


def test_no_pattern_allows_a_policy() -> None:
    assert under_policy(lambda: check([FIRST], held_by=["*"]), ("bind4", "tcp"))["failed"]


def test_a_refused_port_that_somebody_has() -> None:
    def scene() -> dict[str, Any]:
        with listener(port=LAST + 1):
            cgroup_bpf.refuse("bind4", "tcp", LAST + 1, LAST + 1)
            return check([f"127.0.0.1:{LAST + 1}"])

    assert states(under_policy(scene, ("bind4", "tcp"))) == ["listening"]


def test_seccomp_that_refuses_every_bind() -> None:
    def scene() -> dict[str, Any]:
        refuse_bind(errno.EACCES)
        return check([80, 8080])

    result = in_network(scene)
    assert states(result) == ["free", "free"]
    assert not result["probed"]
    assert result["msg"].startswith("All 2 required ports are free; bind(2) was not tried.\nIn doubt:\n  80/tcp: ")
    assert [(doubt["port"], doubt["kind"]) for doubt in result["doubts"]] == [(80, "not_probed"), (8080, "not_probed")]


@pytest.mark.parametrize(
    ("limit", "unprobed"),
    [
        pytest.param(None, [80, 1023], id="as it is by default"),
        pytest.param(80, [], id="lowered to a required port"),
        pytest.param(81, [80], id="just above a required port"),
        pytest.param(2000, [80, 1023, 1024], id="raised"),
    ],
)
def test_an_ordinary_user(limit: int | None, unprobed: list[int]) -> None:
    def scene() -> dict[str, Any]:
        if limit is not None:
            Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text(str(limit))
        become("nobody")
        return check([80, 1023, 1024, 8080])

    result = in_network(scene)
    assert states(result) == ["free"] * 4
    found = [
        port
        for doubt in result["doubts"]
        for port in (80, 1023, 1024, 8080)
        if doubt["kind"] == "not_probed" and str(port) == str(doubt["port"])
    ]
    assert found == unprobed
    assert result["probed"] is not bool(unprobed)


def test_an_ordinary_user_under_a_policy() -> None:
    def scene() -> dict[str, Any]:
        become("nobody")
        return check([f"127.0.0.1:{FIRST}", f"127.0.0.1:{LAST + 1}"])

    result = under_policy(lambda: apart(scene), ("bind4", "tcp"))
    assert states(result) == ["refused", "free"]


@pytest.mark.parametrize(("port", "state"), [(80, "refused"), (8080, "free")])
def test_the_user_of_the_server(port: int, state: str) -> None:
    result = in_network(lambda: check([port], user="nobody"))
    assert states(result) == [state]
    if state == "refused":
        assert result["conflicts"][0]["reason"] == "bind(2) is refused to user nobody"
        assert "CAP_NET_BIND_SERVICE" in result["conflicts"][0]["advice"]


@pytest.mark.parametrize(("port", "state"), [(80, "refused"), (8080, "free")])
def test_the_user_of_the_server_in_a_task(port: int, state: str, tmp_path: Path) -> None:
    """Ansible sends the module in an archive that only root may read."""
    arguments = ["-c", "local", "-i", "localhost,", "localhost", "-m", "preflight.ports.port_check"]
    options = {"ports": [port], "user": "nobody", "ephemeral": "ignore"}
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(Path(__file__).parents[2] / ".collections"),
        "ANSIBLE_HOME": str(tmp_path),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    }

    def task() -> str:
        command = [sys.executable, "-m", "ansible", "adhoc", *arguments, "-a", json.dumps(options)]
        return subprocess.run(
            command, env={**os.environ, **settings}, capture_output=True, text=True, check=False
        ).stdout

    said = in_network(task)
    assert f'"state": "{state}"' in said, said
