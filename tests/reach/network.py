# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client, a router and a target, each a network namespace, and modules that run in them."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.preflight.ports.plugins.plugin_utils._reach import answers
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.judge import Judged, Target, judge

KEY = "a token for these tests"
CLIENT4, CLIENT6 = "10.77.1.2", "fd77:1::2"
ROUTER4, ROUTER6 = "10.77.2.1", "fd77:2::1"
TARGET4, TARGET6 = "10.77.2.2", "fd77:2::2"
OTHER4 = "10.77.2.3"
"""A second address of the target."""

_HERE = Path(__file__).parent
_NUMBERS = itertools.count()
# A user other than root may be unable to read the Python that runs the tests.
_PLAIN_PYTHON = "/usr/bin/python3"


class Network:
    def __init__(self) -> None:
        self.mark = f"reach-{os.getpid()}-{next(_NUMBERS)}"
        self.client, self.router, self.target = (f"{self.mark}-{end}" for end in ("client", "router", "target"))
        self.namespaces = [self.client, self.router, self.target]
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Network:
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _make(self) -> None:
        for each in self.namespaces:
            do("ip", "netns", "add", each)
            self.on(each, "sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0")
        for end, mine, number in ((self.client, "c0", 1), (self.target, "t0", 2)):
            do("ip", "link", "add", mine, "netns", end, "type", "veth", "peer", "name", mine, "netns", self.router)
            self.on(
                end,
                f"""
                ip link set lo up; ip link set {mine} up
                ip addr add 10.77.{number}.2/24 dev {mine}; ip addr add fd77:{number}::2/64 dev {mine} nodad
                ip route add default via 10.77.{number}.1; ip route add default via fd77:{number}::1
            """,
            )
            self.on(
                self.router,
                f"""
                ip link set {mine} up
                ip addr add 10.77.{number}.1/24 dev {mine}; ip addr add fd77:{number}::1/64 dev {mine} nodad
            """,
            )
        self.on(self.router, "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        self.on(self.target, f"ip addr add {OTHER4}/24 dev t0")

    def __exit__(self, *_exception: object) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()
        for each in self.namespaces:
            if Path("/run/netns", each).exists():
                for pid in output("ip", "netns", "pids", each).split():
                    os.kill(int(pid), signal.SIGKILL)
                do("ip", "netns", "del", each)

    def on(self, namespace: str, script: str) -> str:
        return output("ip", "netns", "exec", namespace, "sh", "-ec", script)

    def rules(self, namespace: str, text: str) -> None:
        do("ip", "netns", "exec", namespace, "nft", "-f", "-", given=text.replace("; }", ";\n}\n"))

    def python(self, namespace: str, program: str) -> subprocess.Popen[bytes]:
        """A program that prints a line once it is ready, and ends with the network."""
        command = ["ip", "netns", "exec", namespace, sys.executable, "-c", program]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self._processes.append(process)
        assert process.stdout and process.stdout.readline()
        return process

    def module(self, namespace: str, module: str, user: str | None = None, /, **arguments: Any) -> dict[str, Any]:
        command = ["ip", "netns", "exec", namespace]
        if user:
            command += ["setpriv", "--reuid", user, "--regid", "nogroup", "--clear-groups", _PLAIN_PYTHON]
        else:
            command.append(sys.executable)
        paths = [str(_HERE.parents[1] / ".collections"), *(path for path in sys.path if path.endswith("-packages"))]
        done = subprocess.run(
            [*command, str(_HERE / "one_module.py"), module],
            input=json.dumps(arguments).encode(),
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            check=False,
            timeout=120,
        )
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def start(self, ports: list[Any], user: str | None = None, **options: Any) -> dict[str, Any]:
        arguments = {"token": KEY, "name": "target", "ports": ports, "seconds": 60, **options}
        return self.module(self.target, "port_responder", user, **arguments)

    def stop(self, user: str | None = None) -> dict[str, Any]:
        return self.module(self.target, "port_responder", user, token=KEY, name="target", state="absent")

    def connect(self, to: list[Any], timeout: float = 2.0, user: str | None = None) -> dict[str, Any]:
        return self.module(self.client, "port_connect", user, token=KEY, to=to, timeout=timeout)

    def flow(
        self,
        port: int | str = 5432,
        to: str = TARGET4,
        timeout: float = 2.0,
        responder: bool = True,
        user: str | None = None,
        **options: Any,
    ) -> Judged:
        """One flow from the client to the target, tested and judged as the role does."""
        started = self.start([port], user, listen=responder, **options)
        number, _slash, protocol = str(port).partition("/")
        bound = started["ports"][0]["state"] == "bound" and responder
        entry = {"host": to, "port": int(number), "protocol": protocol or "tcp"}
        row = self.connect([{**entry, "responder": "target"} if bound else entry], timeout, user)
        seen = self.stop(user)
        (tried,) = answers.tried(row, [True])
        ends = frozenset([tried.source] if tried.source else [])
        side = Target(True, answers.started(started), answers.seen(seen), None, ends)
        if not responder:
            side = side._replace(started=None)
        return judge(protocol or "tcp", int(number), tried, side)


def do(*command: str, given: str = "") -> None:
    done = subprocess.run(command, input=given.encode(), stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode()}"


def output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode()}"
    return done.stdout.decode()


def wait_until(true: Any, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
