# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The states of a flow, and what is expected of them."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._reach import states

GOT_IN = {"open", "served"}
NOT_CLOSED = GOT_IN | {"stalled", "wrong_peer", "reply_lost", "not_tested"}


@pytest.mark.parametrize("state", states.STATES)
def test_is_met(state):
    assert states.is_met("open", state) is (state in GOT_IN)
    assert states.is_met("closed", state) is (state not in NOT_CLOSED)


@pytest.mark.parametrize(
    ("several", "of_open", "of_closed"),
    [
        (["lost"], "lost", "lost"),
        (["lost", "open", "refused"], "open", "open"),
        (["no_route", "refused"], "refused", "refused"),
        (["refused", "not_tested"], "refused", "not_tested"),
        (["open", "not_tested"], "open", "open"),
    ],
)
def test_closest(several, of_open, of_closed):
    assert (states.closest(several, "open"), states.closest(several, "closed")) == (of_open, of_closed)
