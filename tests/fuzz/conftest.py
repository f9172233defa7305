# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many inputs, and no hurry: the machine may be busy."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile(
    "short",
    max_examples=150,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile("short")
