# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._play.strategies import keeps_step, strategy_of


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("linear", True),
        ("ansible.builtin.linear", True),
        ("debug", True),
        ("mitogen_linear", True),
        ("free", False),
        ("ansible.builtin.host_pinned", False),
        ("mitogen_free", False),
        ("one_that_nobody_knows", False),
    ],
)
def test_keeps_step(strategy, expected):
    assert keeps_step(strategy) is expected


def test_strategy_of():
    play = SimpleNamespace(strategy="free")
    outer = SimpleNamespace(_play=play, _parent=None)
    assert strategy_of(SimpleNamespace(_parent=outer)) == "free"
    assert strategy_of(SimpleNamespace(_parent=SimpleNamespace(_play=None, _parent=outer))) == "free"
    assert strategy_of(SimpleNamespace(_parent=None)) == "linear"
