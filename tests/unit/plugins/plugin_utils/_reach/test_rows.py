# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flows and answers, a row each."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._reach import plan, rows
from support.flows import flow, made


def test_each_answer_belongs_to_its_flow():
    flows = [flow(), flow("other", ports=(80, 443))]
    found = made(flows, lambda case: "no_answer" if (case.client, case.port.port) == ("web3", 443) else "open")
    assert [(row.client, row.port) for row in found if not row.met] == [("web3", 443)] * 2


def test_hosts_that_could_not_try_or_be_tried():
    found = made([flow()], lambda case: "open", clients={"web1": "web1 is away"}, outside={"db2": "db2 is away"})
    reasons = {(row.client, row.to): row.reason for row in found if row.state == "not_tested"}
    assert reasons["web1", "db1"] == reasons["web1", "db2"] == "web1 is away"
    assert reasons["web2", "db2"] == "db2 is away"
    assert len(reasons) == 6


def test_unreachable_hosts_may_be_tolerated():
    ignored = rows.Policy(False, True)
    found = made([flow()], lambda case: "open", ignored, clients={"web1": "away"}, lost=["web1"])
    assert [row.tolerated for row in found if not row.met] == [True, True]
    found = made([flow()], lambda case: "open", ignored, clients={"web1": "away"})
    assert [row.tolerated for row in found if not row.met] == [False, False]


def test_outside_names_that_do_not_resolve_get_a_suggestion():
    outside = flow()._replace(targets=(plan.Target("dbb1", "dbb1", False),))
    found = made([outside], lambda case: "unresolved")
    assert "did you mean db1" in found[0].reason


@pytest.mark.parametrize(("expect", "is_met"), [("open", False), ("closed", True)])
def test_a_name_that_does_not_resolve_is_closed(expect, is_met):
    outside = flow()._replace(targets=(plan.Target("nowhere", "nowhere", False),), expect=expect)
    assert {(row.state, row.met) for row in made([outside], lambda case: "unresolved")} == {("unresolved", is_met)}
