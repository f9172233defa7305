# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit tests for the file that differs from git's index: those that mirror it first, then those around it.

cosmic-ray runs this for each mutant. It ends with 0 if no test notices the difference.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

TESTS = Path("tests/unit")
OPTIONS = ["-x", "-q", "-p", "no:cacheprovider", "-o", "pythonpath=tests"]
MOST_BYTES = 2 << 30


def around(path: Path) -> Iterator[Path]:
    """From the nearest tests to all of them: some files are tested by what calls them."""
    yield TESTS / path.parent / f"test_{path.name}"
    for folder in path.parents[:-3]:  # within module_utils or plugin_utils
        yield TESTS / folder
    yield TESTS


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    command = ["git", "diff", "--name-only"]
    changed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    path = Path(changed.stdout.strip())
    return next((1 for tests in around(path) if tests.exists() and pytest.main([*OPTIONS, str(tests)])), 0)


if __name__ == "__main__":
    sys.exit(main())
