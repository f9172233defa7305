# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many inputs, and no hurry: the machine may be busy. Makes the assemblers of the unit tests known, too."""

from __future__ import annotations

import sys
from pathlib import Path

import hypothesis

sys.path.append(str(Path(__file__).parents[1] / "unit/plugins/module_utils"))

hypothesis.settings.register_profile(
    "short",
    max_examples=150,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile("short")
