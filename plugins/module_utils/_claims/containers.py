# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stopped containers that Docker starts by itself, by its files: hostconfig.json and config.v2.json."""

from __future__ import annotations

import glob
import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._claims.publish import SpecError, published
from ansible_collections.preflight.ports.plugins.module_utils._holders.docker_daemon import find
from ansible_collections.preflight.ports.plugins.module_utils._holders.json_files import at, read_json
from ansible_collections.preflight.ports.plugins.module_utils._model.claim import Claim
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable

_WITHOUT_PORTS = ("host", "none", "container")  # networks for which Docker publishes nothing


def claims(root: str = "/") -> list[Claim]:
    """Those of containers that are not running. Without the right to read the files there are none."""
    daemon = find(root)
    folders = sorted(glob.glob(os.path.join(root, daemon.data_root.lstrip("/"), "containers", "*")))
    return [claim for folder in folders for claim in _of_container(folder, bool(daemon.sockets))]


def _of_container(folder: str, engine_runs: bool) -> t.Iterator[Claim]:
    config, host = read_json(f"{folder}/config.v2.json"), read_json(f"{folder}/hostconfig.json")
    state = at(config, "State", "Running")
    # A power failure leaves the file as it was: whoever ran is started again as one that failed.
    has_crashed = state is True and not engine_runs
    if not (state is False or has_crashed) or not _restarts(config, host, has_crashed):
        return
    if str(at(host, "NetworkMode")).partition(":")[0] in _WITHOUT_PORTS:
        return
    name = printable(str(at(config, "Name") or os.path.basename(folder)).lstrip("/")[:255])
    bindings = at(host, "PortBindings")
    for inside, outside in bindings.items() if isinstance(bindings, dict) else ():
        container, _slash, protocol = str(inside).partition("/")
        for each in outside if isinstance(outside, list) else ():
            try:
                found = published(
                    str(at(each, "HostPort") or ""), container, protocol, str(at(each, "HostIp") or "") or None
                )
            except SpecError:
                continue
            if found:
                yield Claim(
                    found.protocol,
                    None if found.address in ("0.0.0.0", "::") else found.address,
                    found.first,
                    found.last,
                    "container",
                    name,
                    f"the stopped container {name} takes the port when Docker starts again",
                    f"Let it stay stopped (docker update --restart=no {name})",
                )


def _restarts(config: t.Any, host: t.Any, has_crashed: bool) -> bool:
    """RestartManager.ShouldRestart() of Docker, when the engine starts."""
    policy = at(host, "RestartPolicy", "Name")
    if at(config, "HasBeenStartedBefore") is not True:
        return False
    if policy == "unless-stopped":
        return at(config, "HasBeenManuallyStopped") is not True
    return policy == "always" or (policy == "on-failure" and (has_crashed or bool(at(config, "State", "ExitCode"))))
