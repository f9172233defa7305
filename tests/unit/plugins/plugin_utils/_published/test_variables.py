# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables as Compose fills them in: ``docker compose config`` prints the same."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._published.variables import VariableError, filled_in

VALUES = {"A": "1", "B": 2, "EMPTY": "", "LONG_name1": "long", "NOTHING": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("a$$b", "a$b"),
        ("$$$$A", "$$A"),
        ("$A", "1"),
        ("x$A-y$B.", "x1-y2."),
        ("${A}${B}:{B}", "12:{B}"),
        ("$LONG_name1-", "long-"),
        ("$EMPTY.", "."),
        ("${A-d}${A:-d}${A?d}${A:?d}", "1111"),
        ("${EMPTY-d}.${EMPTY:-d}", ".d"),
        ("${NOTHING-d}${MISSING:-d}", "dd"),
        ("${MISSING-}.${MISSING:-}", "."),
        ("${A+x}${A:+x}", "xx"),
        ("${EMPTY+x}.${EMPTY:+x}", "x."),
        ("${MISSING+x}.${NOTHING:+x}", "."),
        ("${EMPTY?d}.", "."),
        ("${MISSING:-${A}}", "1"),
        ("<${MISSING:-a${MISSING-{$B}}c}>", "<a{2}c>"),
    ],
)
def test_filled_in(text, expected):
    assert filled_in(text, VALUES) == expected


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a$", "a dollar sign in 'a$' stands for nothing; write $$"),
        ("$1", "a dollar sign in '$1' stands for nothing; write $$"),
        ("${A", "a brace in '${A' is not closed"),
        ("${A:-{}", "a brace in '${A:-{}' is not closed"),
        ("${}", "${} has no name"),
        ("${A!b}", "${A!b} is not understood"),
        ("$MISSING", "the variable MISSING is not set; name it in 'variables'"),
        ("${NOTHING}", "the variable NOTHING is not set; name it in 'variables'"),
        ("${MISSING?why}", "the variable MISSING is not set: why"),
        ("${EMPTY:?why}", "the variable EMPTY is not set: why"),
    ],
)
def test_errors(text, complaint):
    with pytest.raises(VariableError) as raised:
        filled_in(text, VALUES)
    assert str(raised.value) == complaint
