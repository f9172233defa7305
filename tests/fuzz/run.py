# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The long run of the tests here: atheris chooses the inputs, by the code that they reach.

    python -m fuzz.run --inputs 1000000

An input that fails stays in Hypothesis' database: `pytest tests/fuzz` then shows it, shrunk.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import importlib
import inspect
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator

HERE = Path(__file__).parent
BUFFER_BYTES = 1024  # that Hypothesis may take one input from
SEEDS = 200


def tests() -> Iterator[str]:
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(f"fuzz.{path.stem}")
        for name, member in inspect.getmembers(module):
            if name.startswith("test_") and hasattr(member, "hypothesis"):
                yield f"{path.stem}.{name}"


def fuzz(test: str, inputs: int) -> None:
    """In a process of its own, for atheris ends it. Says how many inputs the test has had."""
    import atheris

    with atheris.instrument_imports(include=["ansible_collections.preflight"]):
        module, _unused, name = test.partition(".")
        take = getattr(importlib.import_module(f"fuzz.{module}"), name).hypothesis.fuzz_one_input
    had = 0

    def one(buffer: bytes) -> None:
        nonlocal had
        if take(buffer) is not None:  # else it was too short to make an input of
            had += 1
        if had == inputs:
            print(had, flush=True)
            os._exit(0)

    corpus = tempfile.mkdtemp(prefix="corpus-")
    for number in range(SEEDS):
        Path(corpus, str(number)).write_bytes(random.randbytes(BUFFER_BYTES))
    limits = [f"-max_len={BUFFER_BYTES}", "-len_control=0", "-timeout=300", "-rss_limit_mb=4096"]
    options = [*limits, f"-artifact_prefix={corpus}/"]
    atheris.Setup([sys.argv[0], *options, corpus], one)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of all tests together (%(default)s)")
    parser.add_argument("--test", help="this one alone, in this process")
    options = parser.parse_args()
    if options.test:
        fuzz(options.test, options.inputs)
    started = time.monotonic()
    failed = had = 0
    names = list(tests())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        each = -(-options.inputs // len(names))
        runs = {pool.submit(_run, name, each): name for name in names}
        for run in concurrent.futures.as_completed(runs):
            name, done = runs[run], run.result()
            if done.returncode:
                failed += 1
                print(f"{name:45}    FAILED\n{done.stdout[-4000:]}\n{done.stderr[-1000:]}", flush=True)
            else:
                had += int(done.stdout)
                print(f"{name:45}{int(done.stdout):>10} inputs", flush=True)
    print(f"{had} inputs, {failed} of {len(names)} tests failed, {time.monotonic() - started:.0f} s")
    return int(failed > 0)


def _run(name: str, inputs: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fuzz.run", "--test", name, "--inputs", str(inputs)]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:  # atheris ends the process without tidying up
        environment = {**os.environ, "TMPDIR": scratch}
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


if __name__ == "__main__":
    sys.exit(main())
