# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Figures."""

from __future__ import annotations

from ansible_collections.preflight.ports.plugins.plugin_utils._reach import plan
from ansible_collections.preflight.ports.plugins.plugin_utils._reach.summary import summary as summarized
from support.flows import flow, made, of_each_kind


def test_figures():
    flows = [flow(), flow("fine", ports=(80,))]
    assert summarized(made(flows, lambda case: "no_answer" if case.port.port == 5432 else "open")).figures == {
        "flows": 20,
        "met": 10,
        "unmet": 10,
        "warnings": 0,
        "not_tested": 0,
        "translated": 0,
        "clients": 5,
        "targets": 2,
    }


def test_figures_of_each_kind():
    assert of_each_kind().figures == {
        "flows": 10, "met": 4, "unmet": 6, "warnings": 2, "not_tested": 2, "translated": 0, "clients": 5, "targets": 2,
    }  # fmt: skip


def test_names_that_are_closed_only_because_they_do_not_resolve():
    def found(expect):
        outside = flow(expect=expect)._replace(targets=(plan.Target("dbb1", "dbb1", False),))
        return summarized(made([outside, flow()], lambda case: "open" if case.target.in_inventory else "unresolved"))

    assert found("closed").unresolved == ["dbb1"]
    assert found("open").unresolved == []
