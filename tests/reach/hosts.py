# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many hosts behind one router, each a network namespace, as Ansible hosts.

Each has a link of its own: all namespaces of a kernel share the limit of neighbours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from reach.network import Network, do, output

ROOT = Path(__file__).parents[2]


class Hosts(Network):
    """*groups*: name -> how many hosts, which are called NAME1, NAME2 and so on."""

    def __init__(self, folder: Path, **groups: int) -> None:
        super().__init__()
        self.folder = folder
        self.groups = {group: [f"{group}{number + 1}" for number in range(count)] for group, count in groups.items()}
        self.names = [host for hosts in self.groups.values() for host in hosts]
        self.addresses = {host: f"10.78.{number}.2" for number, host in enumerate(self.names)}
        self.namespaces = [self.router, *map(self.namespace, self.names)]

    def namespace(self, host: str) -> str:
        return f"{self.mark}-{host}"

    def _make(self) -> None:
        do("ip", "netns", "add", self.router)
        self.on(self.router, "sysctl -qw net.ipv4.ip_forward=1; ip link set lo up")
        for number, host in enumerate(self.names):
            namespace = self.namespace(host)
            do("ip", "netns", "add", namespace)
            do(
                "ip",
                "link",
                "add",
                "e0",
                "netns",
                namespace,
                "type",
                "veth",
                "peer",
                f"p{number}",
                "netns",
                self.router,
            )
            self.on(self.router, f"ip link set p{number} up; ip addr add 10.78.{number}.1/24 dev p{number}")
            self.on(
                namespace,
                f"""
                ip link set lo up; ip link set e0 up
                ip addr add 10.78.{number}.2/24 dev e0; ip route add default via 10.78.{number}.1
                """,
            )
        self._write_inventory()

    def _write_inventory(self) -> None:
        hosts: dict[str, Any] = {}
        for host in self.names:
            hosts[host] = {
                "ansible_connection": "local",
                "ansible_shell_executable": self._inside(host, "/bin/sh"),
                "ansible_python_interpreter": self._inside(host, sys.executable),  # mitogen asks no shell
                "ansible_host": self.addresses[host],
            }
        groups = {group: {"hosts": {host: hosts[host] for host in names}} for group, names in self.groups.items()}
        (self.folder / "hosts.json").write_text(json.dumps({"all": {"children": groups}}))

    def _inside(self, host: str, program: str) -> str:
        """What runs the *program* on the host."""
        script = self.folder / f"{host}-{Path(program).name}"
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.namespace(host)} {program} "$@"\n')
        script.chmod(0o755)
        return str(script)

    def play(self, variables: dict[str, Any], *options: str, hosts: str = "all", **play: Any) -> tuple[int, str]:
        """(status, output) of a play with the role."""
        content = [
            {
                "name": "Flows",
                "hosts": hosts,
                "gather_facts": False,
                **play,
                "roles": [{"role": "preflight.ports.port_reach", "vars": variables}],
            }
        ]
        playbook = self.folder / "play.yml"
        playbook.write_text(json.dumps(content))
        return self.ansible("ansible-playbook", str(playbook), *options)

    def ansible(self, command: str, *options: str) -> tuple[int, str]:
        done = subprocess.run(
            [str(Path(sys.executable).parent / command), "-i", str(self.folder / "hosts.json"), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_FORKS": "10",
                "ANSIBLE_NOCOLOR": "1",
            },
            check=False,
            timeout=570,
        )
        return done.returncode, done.stdout.decode()

    def responders(self) -> list[int]:
        """The processes that are left on the hosts."""
        return [int(pid) for each in self.namespaces for pid in output("ip", "netns", "pids", each).split()]
