# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module would have found on many hosts, and the role's reports of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.answers import checked
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.reports import write
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.summary import summary
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.words import verdict

HEAD = """\
- name: {name}
  hosts: all
  gather_facts: false
  strategy: {strategy}
  serial: {serial}
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
"""
"""Of a play on this machine, with what it does to be added."""

UNREACHABLE = {"unreachable": True, "problem": "unreachable"}


def entry(port, name=None, state="free", met=True, protocol="tcp", address=None):
    return {"port": port, "protocol": protocol, "address": address, "name": name, "met": met, "state": state}


def holder(process, pid=812, unit=None, user="root", state="listening", addresses=("0.0.0.0", "::")):
    return {
        "addresses": list(addresses),
        "protocol": "tcp",
        "state": state,
        "pid": pid,
        "pids": [pid],
        "process": process,
        "exe": None,
        "program": None,
        "user": user,
        "uid": 0,
        "unit": unit,
        "container": None,
        "started": None,
        "interface": None,
        "peer": None,
        "hidden": False,
        "kernel": False,
    }


def conflict(asked, *holders, reason=None, advice=None, wanted="free", port=None):
    who = f"{holders[0]['process']} (pid {holders[0]['pid']}, user {holders[0]['user']})" if holders else "nobody"
    return {
        **{key: asked[key] for key in ("protocol", "address", "name", "state")},
        "port": port or asked["port"],
        "count": 1,
        "wanted": wanted,
        "reason": reason or f"{asked['state']} on 0.0.0.0 and ::, held by {who}",
        "advice": advice,
        "holders": list(holders),
    }


def doubt(asked):
    entry = {key: asked[key] for key in ("port", "protocol", "address", "name")}
    return {**entry, "kind": "nat", "reason": "NAT rules may send its traffic elsewhere", "advice": None}


def look(ports, conflicts=(), held=(), msg=None, **rest):
    lines = [f"{len(conflicts)} of {len(ports)} required ports are taken:"]
    lines += [f"  {each['port']}/{each['protocol']}: {each['reason']}" for each in conflicts]
    return {
        "changed": False,
        "failed": False,
        "msg": msg or ("\n".join(lines) if conflicts else f"All {len(ports)} required ports are free."),
        "ports": list(ports),
        "conflicts": list(conflicts),
        "held": list(held),
        "doubts": [],
        "ephemeral": [],
        "source": "netlink",
        "probed": True,
        "redirects_checked": True,
        "firewall": [],
        "firewall_checked": True,
        "elapsed": 0.004,
        **rest,
    }


def grid(hosts, ports, every=97):
    """So many hosts with so many ports; each so manieth port is taken."""
    looks = {}
    for number in range(hosts):
        asked, conflicts = [], []
        for index in range(ports):
            taken = (number * ports + index) % every == every - 1
            port = entry(8000 + index, f"service {index}", "listening" if taken else "free", not taken)
            asked.append(port)
            if taken:
                conflicts.append(
                    conflict(port, holder("apache2", unit="apache2.service"), advice="Stop apache2.service.")
                )
        looks[f"host{number:03d}.example.com"] = look(asked, conflicts)
    return looks


def run(folder: Path, play: str, inventory: dict, *arguments: str, **variables):
    """The finished ansible-playbook."""
    (folder / "play.yml").write_text(play)
    (folder / "hosts.yml").write_text(json.dumps(inventory))
    command = [Path(sys.executable).with_name("ansible-playbook"), "-i", "hosts.yml", "play.yml", *arguments]
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(Path(__file__).parents[2] / ".collections"),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_DISPLAY_FAILED_STDERR": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_SHOW_CUSTOM_STATS": "true",
    }
    return subprocess.run(
        [*command, "-e", json.dumps(variables)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def deployed(done):
    """The hosts that a finished ansible-playbook has said to be deployed on."""
    return sorted(line.split()[-1].strip('"') for line in done.stdout.splitlines() if "deployed on " in line)


def entries(looks: dict) -> dict:
    """As the role keeps them: what a target may have answered, checked."""
    return {
        name: look if "problem" in look else {"answer": checked(look, _asked(look))} for name, look in looks.items()
    }


def _asked(look: dict) -> list:
    keys = ("port", "protocol", "address", "name")
    return parse([{key: str(entry[key]) for key in keys if entry[key]} for entry in look["ports"]])


def report(looks: dict, *paths: Path) -> list[str]:
    """Writes the reports; the verdict."""
    found = summary(entries(looks))
    for path in paths:
        write(str(path), found, "Deploy the shop")
    return verdict(found["hosts"], [str(path) for path in paths])
