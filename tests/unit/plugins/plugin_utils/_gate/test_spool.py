# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.spool import Spool, Use, use_of


def part(uuid, parent=None, **rest):
    return SimpleNamespace(_uuid=uuid, _parent=parent, **rest)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param(part("b"), Use("b", "b"), id="a role of the play"),
        pytest.param(part("b", part("outer")), Use("b", "b"), id="an imported role"),
        pytest.param(
            part("b", part("i", part("outer"), statically_loaded=False)), Use("i", "b"), id="an included role"
        ),
        pytest.param(part("b", part("i", part("outer"), statically_loaded=True)), Use("b", "b"), id="imported tasks"),
    ],
)
def test_use_of(block, expected):
    assert use_of(part("task", block)) == expected


def test_entries_come_back(tmp_path):
    spool = Spool(str(tmp_path), Use("caller", "block"))
    spool.put("../web/1", {"problem": "x"})
    spool.put("b", {"problem": "y"})
    assert spool.take() == ({"../web/1": {"problem": "x"}, "b": {"problem": "y"}}, {})
    assert {path.name for path in tmp_path.iterdir()} == {"preflight.ports"}


def test_a_second_answer_replaces_the_first(tmp_path):
    spool = Spool(str(tmp_path), Use("caller", "block"))
    spool.put("a", {"problem": "x"})
    spool.put("a", {"problem": "y"})
    assert spool.take().own == {"a": {"problem": "y"}}


def test_other_batches_are_earlier_ones(tmp_path):
    first, second, other = (Spool(str(tmp_path), Use(*use)) for use in (("c", "1"), ("c", "2"), ("d", "1")))
    first.put("a", {"problem": "x"})
    second.put("b", {"problem": "y"})
    other.put("c", {"problem": "z"})
    assert second.take() == ({"b": {"problem": "y"}}, {"a": {"problem": "x"}})


def test_one_worker_has_the_word(tmp_path):
    one, other = (Spool(str(tmp_path), Use("c", "1")) for _unused in range(2))
    for host in "ab":
        one.put(host, {"problem": "x"})
    assert one.unjudged("ab") == ["a", "b"]
    assert [one.claim(["a", "b"]), other.claim(["a", "b"]), other.claim([])] == [True, False, False]
    assert other.unjudged("abc") == ["c"]


def test_nothing_is_known_at_first(tmp_path):
    assert Spool(str(tmp_path), Use("c", "1")).take() == ({}, {})
