# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the modules share: modules run as Ansible runs them, or in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import yaml
from ansible.module_utils import basic


@pytest.fixture
def run_module(monkeypatch, capsys):
    """Runs a module in this process, and gives what it prints."""

    def run(module, **arguments):
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)  # from ansible-core 2.19 on
        with pytest.raises(SystemExit) as end:
            module.main()
        result = json.loads(capsys.readouterr().out)
        assert end.value.code == (1 if result.get("failed") else 0)
        return result

    return run


@pytest.fixture
def as_process():
    """Runs Python with these arguments where it finds what the tests find, and gives the finished process."""

    def run(*arguments):
        paths = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        return subprocess.run([sys.executable, *arguments], env=paths, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def loaded_by(as_process):
    """The files of module_utils that a script loads: on a target, Python compiles them anew in each task."""

    def names(script):
        tell = """
import sys
names = (name.partition("preflight.ports.plugins.module_utils.")[2] for name in sys.modules)
print(*sorted(name for name in names if "." in name))
"""
        ended = as_process("-c", script + tell)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.split()

    return names


@pytest.fixture
def documented():
    """The keys that a module's documentation promises, always, below a key."""

    def keys(module, *path):
        known = yaml.safe_load(module.RETURN)
        for key in path:
            known = known[key]["contains"]
        return {key for key, value in known.items() if value["returned"] == "always"}

    return keys


@pytest.fixture
def options(monkeypatch):
    """The options of a module, as (documented, specified)."""

    class Specified(Exception):
        pass

    def of(module):
        specified = {}

        def specify(argument_spec, supports_check_mode):
            assert supports_check_mode
            specified.update(argument_spec)
            raise Specified

        monkeypatch.setattr(module, "AnsibleModule", specify)
        with pytest.raises(Specified):
            module.main()
        told = yaml.safe_load(module.DOCUMENTATION)["options"]
        for each in told.values():
            del each["description"]
        return told, specified

    return of
