# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the oracle's network namespaces known to these tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "oracle"))
