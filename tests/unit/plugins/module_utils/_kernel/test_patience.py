# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.preflight.ports.plugins.module_utils._kernel.patience import Patience


def test_patience_is_lost():
    patience = Patience(6.0)
    assert (patience.at_most(5.0), patience.was_tried) == (5.0, False)
    patience.lose(5.0)
    assert patience.was_tried
    assert patience.at_most(5.0) == 1.0
    patience.lose(5.0)
    assert patience.at_most(5.0) == 0.2
    assert patience.at_most(0.1) == 0.1
