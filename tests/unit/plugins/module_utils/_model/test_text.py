# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.text import joined, located, printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("nginx: worker process", "nginx: worker process", id="plain"),
        pytest.param("z\u00fcrich \u6771\u4eac", "z\u00fcrich \u6771\u4eac", id="other scripts"),
        pytest.param("a\\x1b", "a\\x1b", id="a backslash of its own"),
        pytest.param("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m", id="ANSI colour"),
        pytest.param("\x1b]0;title\x07", r"\x1b]0;title\x07", id="ANSI window title"),
        pytest.param("\x9b2J", r"\x9b2J", id="CSI as one character"),
        pytest.param("a\nb\r\tc", r"a\nb\r\tc", id="line ends and tab"),
        pytest.param("a\0b\x7f", r"a\x00b\x7f", id="NUL and DEL"),
        pytest.param("\u202etxt.exe", r"\u202etxt.exe", id="bidi override"),
        pytest.param("\u2066a\u2069", r"\u2066a\u2069", id="bidi isolate"),
        pytest.param("a\u200bb\ufeff", r"a\u200bb\ufeff", id="zero width"),
        pytest.param("a\u2028b", r"a\u2028b", id="line separator"),
        pytest.param("a\xa0b", r"a\xa0b", id="no-break space"),
        pytest.param("\U000e0041", r"\U000e0041", id="tag character"),
        pytest.param("\udc80\udcff", r"\x80\xff", id="undecodable bytes"),
        pytest.param("\ud800", r"\ud800", id="lone surrogate"),
    ],
)
def test_printable(text, expected):
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param(0x0, 0x3000, id="the alphabets"),
        pytest.param(0xD800, 0xFFFF, id="surrogates, private use and specials"),
        pytest.param(0xE0000, 0xE0200, id="tags"),
    ],
)
def test_printable_leaves_no_character_that_a_terminal_could_obey(first, last):
    assert printable("".join(map(chr, range(first, last + 1)))).isprintable()


@pytest.mark.parametrize(
    ("words", "last", "expected"),
    [
        pytest.param([], "and", "", id="none"),
        pytest.param(["a"], "and", "a", id="one"),
        pytest.param(["a", "b"], "and", "a and b", id="two"),
        pytest.param(("a", "b", "c"), "or", "a, b or c", id="three"),
    ],
)
def test_joined(words, last, expected):
    assert joined(words, last) == expected


@pytest.mark.parametrize(
    ("address", "expected"), [(None, "80/tcp"), ("10.0.0.5", "10.0.0.5:80/tcp"), ("::1", "[::1]:80/tcp")]
)
def test_located(address, expected):
    assert located(80, "tcp", address) == expected
    assert located("80-90", "udp", address) == expected.replace("80/tcp", "80-90/udp")


def test_joined_with_and_unless_told_otherwise():
    assert joined(["a", "b"]) == "a and b"
