# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client and a responder say to each other, and what is not taken for it."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._reach import wire

TOKEN, OTHER = "one token of a run", "another token of a run"
NONCE = bytes(range(16))
CONTENT = wire.Answer(b"i" * 16, wire.End("10.0.0.1", 40000), wire.End("fd00::2", 5432))


def test_a_question_tells_its_nonce_to_who_knows_the_token():
    asked = wire.question(TOKEN, NONCE)
    assert len(asked) == wire.QUESTION_BYTES <= 64
    assert wire.nonce_of(TOKEN, asked) == NONCE
    assert wire.nonce_of(OTHER, asked) is None


def test_an_answer_tells_who_saw_what():
    answered = wire.answer(TOKEN, NONCE, CONTENT)
    assert len(answered) == wire.ANSWER_BYTES
    assert wire.answer_of(TOKEN, NONCE, answered) == CONTENT


@pytest.mark.parametrize(("token", "nonce"), [(OTHER, NONCE), (TOKEN, b"n" * 16)])
def test_an_answer_holds_for_one_token_and_one_question(token, nonce):
    assert wire.answer_of(token, nonce, wire.answer(TOKEN, NONCE, CONTENT)) is None


@pytest.mark.parametrize("place", [0, 5, 30, 80])
def test_a_changed_byte_is_noticed(place):
    message = bytearray(wire.answer(TOKEN, NONCE, CONTENT))
    message[place] ^= 1
    assert wire.answer_of(TOKEN, NONCE, bytes(message)) is None


def test_a_question_is_no_answer():
    assert wire.answer_of(TOKEN, NONCE, wire.question(TOKEN, NONCE, 200)) is None


@pytest.mark.parametrize("message", [b"", b"pfp1", b"GET / HTTP/1.1\r\n\r\n", bytes(2000)])
def test_anything_else_is_neither(message):
    assert wire.nonce_of(TOKEN, message) is None
    assert wire.answer_of(TOKEN, NONCE, message) is None


def test_no_answer_over_udp_is_longer_than_its_question():
    assert wire.ANSWER_BYTES <= wire.UDP_QUESTION_BYTES
    for size in (wire.UDP_QUESTION_BYTES, 1472, wire.UDP_DATA_BYTES):
        assert len(wire.question(TOKEN, NONCE, size)) == len(wire.answer(TOKEN, NONCE, CONTENT, size)) == size


def test_identities_differ_by_token_and_name_and_tell_neither():
    identities = {wire.responder_id(token, name) for token in (TOKEN, OTHER) for name in ("db1", "db2")}
    assert len(identities) == 4
    assert wire.run_id(TOKEN) != wire.run_id(OTHER)


@pytest.mark.parametrize(
    ("address", "expected"), [("10.0.0.1", "10.0.0.1"), ("::ffff:10.0.0.1", "10.0.0.1"), ("fe80::1%eth0", "fe80::1")]
)
def test_plain_addresses(address, expected):
    assert wire.plain(address) == expected
