# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._verdict import rivals
from support.records import wanting

A, B, C = "a", "b", "c"


def named(port, name, **rest):
    return {"port": port, "name": name, **rest}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([], {}, id="none"),
        pytest.param([named(80, A)], {}, id="one"),
        pytest.param([named(80, A), named(80, B)], {(0, 80): [B], (1, 80): [A]}, id="two names"),
        pytest.param(
            [named(80, C), named(80, A), named(80, B)],
            {(0, 80): [A, B], (1, 80): [B, C], (2, 80): [A, C]},
            id="three names",
        ),
        pytest.param([named(80, A), "80-81"], {}, id="one without a name"),
        pytest.param([named(80, A), named(81, B)], {}, id="other ports"),
        pytest.param([named("80-82", A), named("82-84", B)], {(0, 82): [B], (1, 82): [A]}, id="ranges that overlap"),
        pytest.param([named("80-82", A), named("82-84", A)], {}, id="ranges of one name"),
        pytest.param([named(80, A), named(80, B, protocol="udp")], {}, id="other protocols"),
        pytest.param([named(80, A), named(80, B, state="listening")], {}, id="only one wants it free"),
        pytest.param([named(80, A, address="127.0.0.1"), named(80, B, address="127.0.0.2")], {}, id="other addresses"),
        pytest.param(
            [named(80, A, address="127.0.0.1"), named(80, B)],
            {(0, 80): [B], (1, 80): [A]},
            id="an address and the wildcards",
        ),
        pytest.param([named(80, A, address="0.0.0.0"), named(80, B, address="::1")], {}, id="other families"),
        pytest.param(
            [named(80, A, address="0.0.0.0"), named(80, B, address="::")],
            {(0, 80): [B], (1, 80): [A]},
            id="dual-stack meets IPv4",
        ),
        pytest.param(
            [named(80, A), named(80, B, address="127.0.0.1"), named(80, C, address="127.0.0.2")],
            {(0, 80): [B, C], (1, 80): [A], (2, 80): [A]},
            id="only those that meet",
        ),
    ],
)
def test_find(entries, expected):
    assert rivals.find(wanting(*entries)) == expected


def test_of_many_only_some_are_named():
    found = rivals.find(wanting(*(named(80, name) for name in "abcdefg")))
    assert found[0, 80] == ["b", "c", "d", "e", "f", "1 more"]
    assert found[6, 80] == ["a", "b", "c", "d", "e", "1 more"]
    assert rivals.find(wanting(*(named(80, name) for name in "abcdef")))[5, 80] == ["a", "b", "c", "d", "e"]


def test_the_time_does_not_grow_with_the_square_of_the_names():
    wanted = wanting(*(named(80, str(number)) for number in range(4000)))
    started = time.process_time()
    assert len(rivals.find(wanted)) == 4000
    assert time.process_time() - started < 5
