# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit tests for the file that differs from git's index: those that mirror it first, then those around it.

cosmic-ray runs this for each mutant. It ends with 0 if no test notices the difference. If nothing differs, all run.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

TESTS = Path("tests/unit/plugins")
ALL = [TESTS / name for name in ("module_utils", "plugin_utils", "filter", "action")]
OPTIONS = ["-x", "-q", "-p", "no:cacheprovider", "-o", "pythonpath=tests"]
MOST_BYTES, MOST_SECONDS = 2 << 30, 60  # of processor time, of which all tests take a quarter


def around(path: Path) -> Iterator[list[Path]]:
    """From the nearest tests to all: some files are tested by what calls them."""
    within = path.relative_to("plugins")
    yield [TESTS / within.parent / f"test_{path.name}"]
    for folder in within.parents[:-2]:  # below module_utils or plugin_utils
        yield [TESTS / folder]
    yield ALL


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    command = ["git", "diff", "--name-only"]
    changed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    for tests in around(Path(changed)) if changed else [ALL]:
        if all(each.exists() for each in tests) and pytest.main([*OPTIONS, *map(str, tests)]):
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
