# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one question of a look costs: of a task, which has to compile what answers it, and of a process that has that.

Processor time in milliseconds, the best of many.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple, Sequence

UTILS = Path(__file__).parents[2] / "plugins/module_utils"
PROCESSES, TIMES = 15, 30

# The first modules are those that the rest of the task has taken already.
SCRIPT = """
import ctypes, importlib, sys, time, zlib
import ansible.module_utils.basic
package = "ansible_collections.preflight.ports.plugins.module_utils."
sys.path.insert(0, sys.argv[1])
for name in ("_table.sock_diag", "_request.entries", "_verdict.sentences", "_model.passage", "_model.question"):
    importlib.import_module(package + name)
from ansible_collections.preflight.ports.plugins.module_utils._model.passage import Access
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ANY4, ANY6, Endpoint
importlib.import_module(package + "_module.compiling").compile_once()  # as the task does
ends, ports = (Endpoint(ANY4), Endpoint(ANY6, True)), [int(port) for port in sys.argv[4:]]
asked = eval(sys.argv[3])
for _time in range({times}):
    started = time.process_time()
    found = importlib.import_module(package + sys.argv[2].rpartition(".")[0])
    found = getattr(found, sys.argv[2].rpartition(".")[2])(*asked)
    print(time.process_time() - started)
sys.exit(found is None)
"""


class Costs(NamedTuple):
    new: float
    """In a task."""
    loaded: float
    """Without what importing takes."""


class Part(NamedTuple):
    function: str
    """Below module_utils."""
    arguments: str
    """Made of ``ends`` and ``ports``."""


NAT = Part("_netfilter.gate.find", "[[Question('tcp', end, port) for end in ends for port in ports]]")
FIREWALL = Part("_netfilter.gate.passages", "[[Access('tcp', ends, port, port) for port in ports]]")


def claims(root: Path) -> Part:
    return Part("_claims.gate.find", f"[{str(root)!r}]")


def measure(archive: str, part: Part, ports: Sequence[int] = ()) -> Costs:
    """*archive* is one of pack()."""
    news, loaded = [], []
    for times in (1,) * PROCESSES + (TIMES,):
        command = [sys.executable, "-B", "-c", SCRIPT.format(times=times), archive, *part, *map(str, ports)]
        first, *later = (float(line) * 1000 for line in subprocess.check_output(command).splitlines())
        news.append(first)
        loaded += later
    return Costs(min(news), min(loaded))


def pack(path: Path) -> str:
    """The modules as a task has them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        package = Path("ansible_collections/preflight/ports/plugins/module_utils")
        for folder in (package, *package.parents):
            archive.writestr(os.path.join(folder, "__init__.py"), "")
        for module in UTILS.rglob("*.py"):
            archive.write(module, package / module.relative_to(UTILS))
    return str(path)
