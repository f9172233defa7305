# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many random rule sets."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", type=int, default=100, help="random rule sets (%(default)s)")
    parser.addoption("--seed", type=int, default=0, help="of the first of them (%(default)s)")
