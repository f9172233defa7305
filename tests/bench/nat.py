# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to look for 20 ports in the NAT rules of a host, beside the command that would list them.

Processor time in milliseconds, the best of many: of a new process that has to compile the modules out of an archive, as
a task does, and of one that has them.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Dict, Sequence

from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ANY4, ANY6, Endpoint
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate
from redirects import large
from redirects.world import World

UTILS = Path(__file__).parents[2] / "plugins/module_utils"
RULES, PORTS = 1000, 20
OTHERS = range(100, 100 + PORTS)
NONE, FEW = "no rules", "a few rules about other ports"
SHAPES = {shape.name: shape for shape in large.SHAPES if shape.make in (large.kube_proxy, large.kube_proxy_nft)}
IPTABLES_MODE = "kube-proxy, iptables-nft"
LISTED_BY_NFT = [name for name in SHAPES if not name.endswith("legacy")]
SHOWN = "nft --json list ruleset"
OTHER, THEIR = "other", "of their"

NEW, LOADED, LISTED = "new process", "loaded", "nft"
Costs = Dict[str, float]

# The first modules are those that the rest of the task has taken already.
TASK = """
import ctypes, importlib, itertools, os, re, socket, struct, sys, time, zlib
package = "ansible_collections.preflight.ports.plugins.module_utils."
sys.path.insert(0, sys.argv[1])
for name in ("_table.sock_diag", "_request.entries", "_verdict.sentences"):
    importlib.import_module(package + name)
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ANY4, ANY6, Endpoint
importlib.import_module(package + "_check.compiling").compile_once()  # as the task does
questions = [Question("tcp", Endpoint(*end), int(port)) for end in ((ANY4,), (ANY6, True)) for port in sys.argv[2:]]
started = time.process_time()
found = importlib.import_module(package + "_netfilter.gate").find(questions)
print(time.process_time() - started)
sys.exit(found is None)
"""


def measure(scratch: Path) -> dict[str, dict[str, Costs]]:
    """Host -> which ports are asked for -> costs. Enters network namespaces."""
    archive = _pack(scratch / "modules.zip")
    found: dict[str, dict[str, Costs]] = {}
    for name, rules in ((NONE, "flush ruleset"), (FEW, large.published(10))):
        with World() as world:
            world.nft(rules)
            found[name] = {OTHER: _costs(archive, OTHERS)}
    for name, shape in SHAPES.items():
        with World() as world:
            theirs = shape.load(world, RULES)[:PORTS]
            found[name] = {OTHER: _costs(archive, OTHERS), THEIR: _costs(archive, theirs)}
    return found


def _costs(archive: str, ports: Sequence[int]) -> Costs:
    return {NEW: _new_process(archive, ports), LOADED: _loaded(ports), LISTED: _listing()}


def _new_process(archive: str, ports: Sequence[int]) -> float:
    command = [sys.executable, "-B", "-c", TASK, archive, *map(str, ports)]
    return min(float(subprocess.check_output(command)) for _unused in range(15)) * 1000


def _loaded(ports: Sequence[int]) -> float:
    questions = [
        Question("tcp", endpoint, port) for endpoint in (Endpoint(ANY4), Endpoint(ANY6, True)) for port in ports
    ]
    costs = []
    for _unused in range(30):
        started = time.process_time()
        gate.find(questions)
        costs.append(time.process_time() - started)
    return min(costs) * 1000


def _listing() -> float:
    costs = []
    for _unused in range(15):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(SHOWN.split(), check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(costs) * 1000


def _pack(path: Path) -> str:
    """The modules as a task has them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        package = Path("ansible_collections/preflight/ports/plugins/module_utils")
        for folder in (package, *package.parents):
            archive.writestr(os.path.join(folder, "__init__.py"), "")
        for module in UTILS.rglob("*.py"):
            archive.write(module, package / module.relative_to(UTILS))
    return str(path)
