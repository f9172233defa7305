# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs port_check over a whole batch: through Ansible, or by its arguments as one plain process."""

from __future__ import annotations

import functools
import json
import os
import site
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.sandbox import become

MODULE = "preflight.ports.port_check"


def run(arguments: dict[str, Any], collections: Path, scratch: Path, direct: bool, user: str | None) -> Any:
    """The module's result. Another user gets it as a plain process: that user may not reach the controller's files."""
    if direct or user:
        return _process(arguments, collections, user)
    return _ansible(arguments, collections, scratch)


def _process(arguments: dict[str, Any], collections: Path, user: str | None) -> Any:
    name = f"ansible_collections.{MODULE.replace('ports.', 'ports.plugins.modules.')}"
    done = subprocess.run(
        [_python(user), "-m", name],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        check=False,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": _path(collections), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=functools.partial(become, user) if user else None,
    )
    return _result(done, done.stdout)


def _path(collections: Path) -> str:
    return os.pathsep.join([str(collections), *site.getsitepackages(), os.environ.get("PYTHONPATH", "")])


@functools.lru_cache(maxsize=None)
def _python(user: str | None) -> str:
    """Our interpreter, or the system's where the user may not enter the directories above ours."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run([python, "-c", ""], check=True, cwd="/", preexec_fn=user and functools.partial(become, user))
        except (PermissionError, subprocess.CalledProcessError):
            continue
        return python
    raise RuntimeError(f"no Python that {user} may run")


def _ansible(arguments: dict[str, Any], collections: Path, scratch: Path) -> Any:
    playbook = scratch / "playbook.json"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [{MODULE: arguments}]}]))
    config = scratch / "ansible.cfg"
    config.touch()
    settings = {
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_HOME": str(scratch / "ansible"),
        "ANSIBLE_REMOTE_TEMP": str(scratch / "tmp"),
        "ANSIBLE_STDOUT_CALLBACK": "minimal",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-c", "local", "-i", "localhost,", str(playbook)],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8", **settings},
    )
    return _result(done, done.stdout.partition(" => ")[2])


def _result(done: Any, text: str) -> Any:
    try:
        result = json.JSONDecoder().raw_decode(text.lstrip())[0]
        if "ports" in result and "conflicts" in result:
            return result
    except ValueError:
        pass
    raise RuntimeError(
        f"the module gave no verdict (rc {done.returncode}):\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    )
