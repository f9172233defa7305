# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules, run in the calling process, so that the limits, filters and patches of the scene hold for them."""

from __future__ import annotations

import codecs
import contextlib
import importlib
import io
import json
import pkgutil
from typing import Any

from ansible.module_utils import basic

PLUGINS = "ansible_collections.preflight.ports.plugins"

# all of it, before a scene takes away what is needed to import it
for folder in ("modules", "module_utils"):
    package = importlib.import_module(f"{PLUGINS}.{folder}")
    for _finder, name, _is_package in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(name)
codecs.lookup("ascii")


def run(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The result of a module."""
    module = importlib.import_module(name)
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        module.main()
    result: dict[str, Any] = json.loads(printed.getvalue())
    return result


def check(ports: list[Any], **options: Any) -> dict[str, Any]:
    """The result of port_check."""
    return run(PLUGINS + ".modules.port_check", {"ports": ports, "ephemeral": "ignore", **options})


def conflict(result: dict[str, Any]) -> dict[str, Any]:
    """The only one, of a result that failed because of it."""
    assert result.get("failed"), result
    assert len(result["conflicts"]) == 1, result
    found: dict[str, Any] = result["conflicts"][0]
    return found
