# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that may be anything, and what is left of them."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._play import shapes
from ansible_collections.preflight.ports.plugins.plugin_utils._play.shapes import Malformed
from support.records import HARMLESS, HOSTILE


@pytest.mark.parametrize(
    ("shape", "value", "expected"),
    [
        (shapes.text(), "", ""),
        (shapes.text(), "x" * 8192, "x" * 8192),
        (shapes.text(3), "abc", "abc"),
        (shapes.text(), HOSTILE, HARMLESS),
        (shapes.text(), "a\nb", "a\\nb"),
        (shapes.text(lines=True), "a\n\x1b", "a\n\\x1b"),
        (shapes.integer(), 0, 0),
        (shapes.integer(), 1 << 63, 1 << 63),
        (shapes.integer(1, 5), 1, 1),
        (shapes.integer(1, 5), 5, 5),
        (shapes.boolean, True, True),
        (shapes.boolean, False, False),
        (shapes.choice("a", "b"), "b", "b"),
        (shapes.maybe(shapes.boolean), None, None),
        (shapes.maybe(shapes.boolean), True, True),
        (shapes.listed(shapes.boolean, 2), [], []),
        (shapes.listed(shapes.boolean, 2), [True, False], [True, False]),
        (shapes.record({"a": shapes.boolean}), {"a": True, "b": 1}, {"a": True}),
        (shapes.record({}, {"a": shapes.boolean}), {}, {}),
        (shapes.record({}, {"a": shapes.boolean}), {"a": True}, {"a": True}),
    ],
)
def test_what_is_taken(shape, value, expected):
    assert shape(value) == expected


@pytest.mark.parametrize(
    ("shape", "value", "complaint"),
    [
        (shapes.text(), 5, "no text"),
        (shapes.text(), None, "no text"),
        (shapes.text(), "x" * 8193, "too long"),
        (shapes.text(3), "abcd", "too long"),
        (shapes.integer(), -1, "no such number"),
        (shapes.integer(), (1 << 63) + 1, "no such number"),
        (shapes.integer(), True, "no such number"),
        (shapes.integer(), "5", "no such number"),
        (shapes.integer(), 5.0, "no such number"),
        (shapes.integer(1, 5), 0, "no such number"),
        (shapes.integer(1, 5), 6, "no such number"),
        (shapes.boolean, 1, "neither true nor false"),
        (shapes.choice("a", "b"), "c", "none of those"),
        (shapes.choice("a", "b"), 1, "none of those"),
        (shapes.maybe(shapes.boolean), 1, "neither true nor false"),
        (shapes.listed(shapes.boolean, 2), [True] * 3, "a list that is too long"),
        (shapes.listed(shapes.boolean, 2), (True,), "no list"),
        (shapes.listed(shapes.boolean, 2), [1], "neither true nor false"),
        (shapes.record({"a": shapes.boolean}), {"b": True}, "no 'a'"),
        (shapes.record({"a": shapes.boolean}), [], "no dictionary"),
        (shapes.record({"a": shapes.boolean}), {"a": 1}, "neither true nor false"),
        (shapes.record({}, {"a": shapes.boolean}), {"a": 1}, "neither true nor false"),
    ],
)
def test_what_is_refused(shape, value, complaint):
    with pytest.raises(Malformed, match=complaint):
        shape(value)
