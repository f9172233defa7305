# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._play.failures import failure


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"msg": "timeout: -1 is too short"}, "timeout: -1 is too short"),
        ({"msg": "bad\nTraceback"}, "bad"),
        ({}, "the module gave no reason"),
        ({"msg": None}, "the module gave no reason"),
        ({"msg": "No JSON found.", "module_stderr": ""}, "No JSON found."),
        (
            {"msg": "No JSON found.", "module_stderr": "\nsh: python3: not found\n  Install it.\n"},
            "No JSON found: sh: python3: not found",
        ),
        (
            {"msg": "failed", "module_stderr": "warning\nTraceback (most recent call last):\n  x\nOSError: gone\n"},
            "failed: OSError: gone",
        ),
        ({"msg": "\x1b[31m", "module_stderr": "\x1b[32m"}, r"\x1b[31m: \x1b[32m"),
        ({"msg": "x" * 5000}, "x" * 1000),
        ({"msg": 5, "module_stderr": ["a"]}, "5: ['a']"),
    ],
)
def test_failure(result, expected):
    assert failure(result) == expected
