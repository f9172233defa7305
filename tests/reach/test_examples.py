# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of the documentation that takes several hosts is run on hosts that are network namespaces."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from examples.blocks import Example, commands, examples, is_between_hosts
from reach.hosts import Hosts

EXAMPLES = [example for example in examples() if example.between_hosts()]
COMMANDS = sorted(command for command in set(commands()) if is_between_hosts(command))

# Some names of the examples are nobody's here, so a verdict may say so; anything else is an error.
VERDICT = re.compile(
    r"\d+ flows? as expected|\d+ of \d+ flows? (is|are) not as expected|The responder|No responder runs"
)


def lab(folder: Path) -> Hosts:
    return Hosts(folder, web=2, db=2, monitoring=1, etcd=3)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.where)
def test_an_example_runs(example: Example, tmp_path: Path):
    with lab(tmp_path) as hosts:
        (tmp_path / "play.yml").write_text(json.dumps(example.plays()))
        _status, output = hosts.ansible("ansible-playbook", "play.yml", "-v", "-e", "ansible_become=false")
    assert VERDICT.search(output), output
    assert "malformed" not in output
    assert "WARNING" not in output


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(command: str, tmp_path: Path):
    name, *options = shlex.split(command.replace("-i hosts.ini ", ""))
    with lab(tmp_path) as hosts:
        _status, output = hosts.ansible(name, *options, "-v", "-e", "ansible_become=false")
    assert VERDICT.search(output), output
