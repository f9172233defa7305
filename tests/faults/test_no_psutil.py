# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""psutil is missing where it is needed."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from ansible.module_utils.basic import missing_required_lib
from support.apart import apart
from support.running import PLUGINS, check


def without_psutil() -> None:
    for name in [name for name in sys.modules if name.startswith((PLUGINS, "psutil"))]:
        del sys.modules[name]
    sys.modules["psutil"] = None  # type: ignore[assignment]  # makes its import fail


@pytest.mark.parametrize(("platform", "source"), [("linux", "psutil"), ("darwin", "auto"), ("freebsd14", "auto")])
def test_it_is_named(platform: str, source: str) -> None:
    def scene() -> dict[str, Any]:
        without_psutil()
        sys.platform = platform
        return check([4000], source=source)

    result = apart(scene)
    assert result.get("failed")
    assert missing_required_lib("psutil") in result["msg"]
    assert result["ports"] == []


def test_linux_does_without() -> None:
    def scene() -> dict[str, Any]:
        without_psutil()
        return check([4000])

    assert apart(scene)["source"] == "netlink"
