# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import patience as module
from ansible_collections.preflight.ports.plugins.module_utils._kernel.patience import Deadline, Patience


def test_patience_is_lost():
    patience = Patience(6.0)
    assert (patience.at_most(5.0), patience.was_tried) == (5.0, False)
    patience.lose(5.0)
    assert patience.was_tried
    assert patience.at_most(5.0) == 1.0
    patience.lose(5.0)
    assert patience.at_most(5.0) == 0.2
    assert patience.at_most(0.1) == 0.1


def test_a_deadline_takes_what_it_took_from_all_others(monkeypatch):
    monkeypatch.setattr(module.time, "monotonic", iter((10.0, 13.9, 14.5)).__next__)
    patience = Patience(6.0)
    deadline = Deadline(4.0, patience)
    deadline.check()
    with pytest.raises(TimeoutError):
        deadline.check()
    assert patience.was_tried
    assert patience.at_most(5.0) == 1.5
