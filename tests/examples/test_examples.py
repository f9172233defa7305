# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of the documentation is run, on real sockets, in namespaces of its own."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, Sequence

import pytest
from examples.blocks import ROOT, Example, commands, examples, is_between_hosts
from support.apart import in_mounts
from support.namespaces import mount
from support.people import start

EXAMPLES = [example for example in examples() if not example.between_hosts()]
PLAYBOOK = "playbook.yml"
RESERVED = "/proc/sys/net/ipv4/ip_local_reserved_ports"


class Server(NamedTuple):
    """Listens on a port."""

    process: str
    port: int
    address: str = "0.0.0.0"
    seconds: int = 0
    """How long it stays; 0: as long as the example runs."""

    def act(self) -> socket.socket:
        Path("/proc/self/comm").write_text(self.process, encoding="ascii")
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the scene has a handler
        signal.alarm(self.seconds)
        server = socket.socket(socket.AF_INET6 if ":" in self.address else socket.AF_INET)
        server.bind((self.address, self.port))
        server.listen()
        return server


# In the namespace the user is root already.
HOST_VARIABLES = f"""\
[all:vars]
ansible_become=false
ansible_connection=local
ansible_python_interpreter={sys.executable}
"""

NGINX = [Server("nginx", 80), Server("nginx", 443)]
REDIS = [Server("redis-server", 6379, "127.0.0.1"), Server("redis-server", 6379, "::1")]

# Who listens while the example of that name runs. With the others nobody does.
SERVERS = {
    "Deploy the web servers": NGINX,
    "Choose a port for the service, and keep it": [Server("somebody", 20000)],
    "List the sockets of Redis": REDIS,
    "List what listens or is bound": NGINX,
    "Require nginx on both ports within half a minute": NGINX,
    "Require ports that are free, or held by their own service": [Server("prometheus", 9090)],
    "The ports of a web server must be free, or its own": NGINX + REDIS,
    "Verify": REDIS,
    "Wait until the old release has released its port": [Server("old-release", 8080, seconds=4)],
}


def run(command: Sequence[str], groups: set[str], servers: list[Server], scratch: Path) -> tuple[int, str]:
    """The exit status, and what the command wrote."""
    hosts = [f"[{group}]\n{group}1\n{group}2\n" for group in sorted(groups)] or ["[all]\nhost\n"]
    (scratch / "hosts.ini").write_text(HOST_VARIABLES + "".join(hosts), encoding="utf-8")
    (scratch / "ansible.cfg").write_text("[defaults]\ninventory = hosts.ini\n", encoding="utf-8")
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join([str(ROOT / ".collections"), *sys.path]),
        "ANSIBLE_CONFIG": str(scratch / "ansible.cfg"),
        "ANSIBLE_FORKS": "1",  # the hosts are one: their probes must not meet
        "ANSIBLE_GATHERING": "explicit",  # which takes longer than all the rest
        "ANSIBLE_HOME": str(scratch / "ansible"),
        "ANSIBLE_PIPELINING": "true",
        "LC_ALL": "C.UTF-8",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }

    def scene() -> tuple[int, str]:
        for folder in ("/etc/sysctl.d", "/etc/ansible"):  # examples write there
            Path(folder).mkdir(exist_ok=True)
            mount("none", folder, "tmpfs")
        for server in servers:
            start(server.act)
        done = subprocess.run(
            command,
            check=False,
            cwd=scratch,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    return in_mounts(scene)


def play(
    example: Example, servers: list[Server], scratch: Path, command: tuple[str, ...] = ("ansible-playbook", PLAYBOOK)
) -> tuple[int, str]:
    plays = example.plays()
    (scratch / PLAYBOOK).write_text(json.dumps(plays), encoding="utf-8")
    groups = {each["hosts"] for each in plays if "hosts" in each} - {"all"}
    return run(command, groups, servers, scratch)


def named(name: str) -> Example:
    return next(each for each in EXAMPLES if each.name == name)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.where)
def test_an_example_runs(example: Example, tmp_path: Path) -> None:
    status, output = play(example, SERVERS.get(example.name, []), tmp_path)
    print(output)
    assert status == 0
    others = [line for line in output.splitlines() if "it may go to any outgoing connection" not in line]
    assert "WARNING" not in "\n".join(others)
    assert re.search(r"ok=[1-9]", output)


@pytest.mark.parametrize("command", sorted(command for command in set(commands()) if not is_between_hosts(command)))
def test_a_command_runs(command: str, tmp_path: Path) -> None:
    status, output = run(shlex.split(command), {"web"}, [], tmp_path)
    print(output)
    assert status == 0
    assert "WARNING" not in output


def test_an_example_fails_when_it_does_not_hold(tmp_path: Path) -> None:
    status, output = play(named("Deploy the web servers"), [Server("stranger", 443)], tmp_path)
    assert status != 0
    assert "held by stranger" in output


def test_reserving_ports_keeps_those_that_are_reserved(tmp_path: Path) -> None:
    twice = f"echo 8080 > {RESERVED}; ansible-playbook {PLAYBOOK}; ansible-playbook {PLAYBOOK}; cat {RESERVED}"
    _status, output = play(named("Reserve the ports of our service"), [], tmp_path, ("sh", "-ec", twice))
    assert re.findall(r"changed=([0-9]+)", output) == ["1", "0"]
    assert output.endswith("\n8080,45000,45010-45019\n")


def test_every_server_has_its_example() -> None:
    assert set(SERVERS) <= {example.name for example in EXAMPLES}
