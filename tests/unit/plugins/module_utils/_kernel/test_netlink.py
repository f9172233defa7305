# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import socket
import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import (
    attribute,
    attributes,
    dump,
    messages,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from support.netlink import DONE, DUMP_INTR, ERROR, Channel, done, error, message
from support.netlink import attribute as packed_attribute

REQUEST, ANSWER, OTHER = 18, 16, 17
PROTOCOL = 4


def dumped(channel, monkeypatch):
    channel.replaces_sockets(monkeypatch)
    return dump(PROTOCOL, REQUEST, ANSWER, b"body")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([done()], [], id="nothing"),
        pytest.param([message(DONE)], [], id="an end without a code"),
        pytest.param([message(ANSWER, b"abcd") + done()], [b"abcd"], id="one part"),
        pytest.param(
            [message(ANSWER, b"a") + message(ANSWER, b"bcdef"), message(ANSWER, b""), done()],
            [b"a", b"bcdef", b""],
            id="several parts, padded",
        ),
        pytest.param(
            [message(ANSWER, b"abcd", flags=0xFFFF ^ DUMP_INTR), done()], [b"abcd"], id="other flags mean nothing here"
        ),
        pytest.param([done() + message(ANSWER, b"late")], [], id="nothing counts behind the end"),
    ],
)
def test_dump(parts, expected, monkeypatch):
    channel = Channel(parts)
    assert dumped(channel, monkeypatch) == expected
    assert channel.protocol == PROTOCOL
    assert channel.timeout == 5.0
    assert channel.closed


def test_dump_asks_for_a_dump(monkeypatch):
    channel = Channel([done()])
    dumped(channel, monkeypatch)
    (request,) = channel.sent
    assert struct.unpack_from("=IHH", request) == (len(request), REQUEST, 0x301)  # NLM_F_REQUEST, NLM_F_DUMP
    assert request[16:] == b"body"


@pytest.mark.parametrize(
    "interrupted",
    [
        pytest.param([message(ANSWER, b"half", flags=0x2 | DUMP_INTR), done()], id="noticed in a row"),
        pytest.param([message(ANSWER, b"half"), done(flags=0x2 | DUMP_INTR)], id="noticed at the end"),
    ],
)
def test_dump_asks_again_when_interrupted(interrupted, monkeypatch):
    channel = Channel(interrupted, interrupted, [message(ANSWER, b"whole"), done()])
    assert dumped(channel, monkeypatch) == [b"whole"]
    assert len(channel.sent) == 3


def test_dump_gives_up_when_interrupted_again_and_again(monkeypatch):
    channel = Channel(*[[done(flags=DUMP_INTR)]] * 9)
    with pytest.raises(SourceError, match=r"^the table changed during each of 5 dumps$"):
        dumped(channel, monkeypatch)
    assert len(channel.sent) == 5
    assert channel.closed


ROW = message(ANSWER, b"abcd")


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        pytest.param([error(errno.ENOENT)], f"the kernel refused the dump: {os.strerror(errno.ENOENT)}", id="refused"),
        pytest.param(
            [ROW, error(errno.EINVAL)],
            f"the kernel refused the dump: {os.strerror(errno.EINVAL)}",
            id="refused half-way",
        ),
        pytest.param(
            [ROW, done(-errno.ENOMEM)], f"the kernel refused the dump: {os.strerror(errno.ENOMEM)}", id="a bad end"
        ),
        pytest.param([error(0)], "the kernel refused the dump: 0", id="an acknowledgement instead of a dump"),
        pytest.param([message(ERROR)], "the kernel refused the dump: 0", id="an error without a code"),
        pytest.param([done(-(2**31))], "the kernel refused the dump: -2147483648", id="an error that has no text"),
        pytest.param([ROW, message(1)], "a message of the unexpected type 1", id="NLMSG_NOOP"),
        pytest.param([ROW, message(4)], "a message of the unexpected type 4", id="NLMSG_OVERRUN"),
        pytest.param([message(OTHER, b"abcd"), done()], "a message of the unexpected type 17", id="another answer"),
        pytest.param([ROW[:8]], "a message without a whole header", id="half a header"),
        pytest.param([ROW + b"\0" * 4], "a message without a whole header", id="crumbs behind a message"),
        pytest.param([ROW[:-1]], "a message of 20 bytes where 19 are left", id="half a message"),
        pytest.param([message(ANSWER, b"abcd", length=0)], "a message of 0 bytes where 20 are left", id="length 0"),
        pytest.param([message(ANSWER, b"abcd", length=15)], "a message of 15 bytes where 20 are left", id="length 15"),
        pytest.param(
            [ROW + message(ANSWER, b"abcd", length=21)],
            "a message of 21 bytes where 20 are left",
            id="the second message too long",
        ),
        pytest.param(
            [message(ANSWER, length=2**32 - 1)], "a message of 4294967295 bytes where 16 are left", id="a huge length"
        ),
        pytest.param([b""], "a part of the answer was cut off", id="the end of the channel"),
        pytest.param([OSError(errno.ENOBUFS, "No buffer space")], "No buffer space", id="an overrun"),
        pytest.param([socket.timeout("timed out")], "timed out", id="no answer in time"),
    ],
)
def test_dump_fails_rather_than_to_give_half_a_table(parts, complaint, monkeypatch):
    channel = Channel(parts)
    with pytest.raises(SourceError) as failure:
        dumped(channel, monkeypatch)
    assert str(failure.value) == complaint
    assert channel.closed


def test_dump_fails_on_a_truncated_part(monkeypatch):
    with pytest.raises(SourceError, match=r"^a part of the answer was cut off$"):
        dumped(Channel([ROW + done()], flags=socket.MSG_TRUNC), monkeypatch)


@pytest.mark.parametrize("number", [errno.EPERM, 0])
def test_dump_tells_the_number_of_a_refusal(number, monkeypatch):
    with pytest.raises(SourceError) as failure:
        dumped(Channel([error(number)]), monkeypatch)
    assert isinstance(failure.value.__cause__, OSError)
    assert failure.value.__cause__.errno == number


def test_dump_fails_where_the_kernel_makes_no_such_socket(monkeypatch):
    def refuse(*_arguments):
        raise OSError(errno.EPROTONOSUPPORT, "Protocol not supported")

    monkeypatch.setattr(socket, "AF_NETLINK", 16, raising=False)
    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(SourceError, match=r"^Protocol not supported$"):
        dump(PROTOCOL, REQUEST, ANSWER, b"")


def test_dump_fails_where_there_is_no_netlink_at_all(monkeypatch):
    monkeypatch.delattr(socket, "AF_NETLINK", raising=False)
    with pytest.raises(SourceError, match=r"^this system has no netlink$"):
        dump(PROTOCOL, REQUEST, ANSWER, b"")


def test_messages_gives_type_flags_and_payload():
    part = message(ANSWER, b"abc", flags=0x12) + done()
    assert list(messages(part, ANSWER)) == [(ANSWER, 0x12, b"abc"), (DONE, 0x2, bytes(4))]


@pytest.mark.parametrize(
    ("payload", "offset", "expected"),
    [
        pytest.param(b"", 0, [], id="none"),
        pytest.param(packed_attribute(1, b"abcd"), 0, [(1, b"abcd")], id="one"),
        pytest.param(
            packed_attribute(1, b"a") + packed_attribute(2, b"") + packed_attribute(3, b"xyz"),
            0,
            [(1, b"a"), (2, b""), (3, b"xyz")],
            id="several, padded",
        ),
        pytest.param(b"row." + packed_attribute(1, b"abcd"), 4, [(1, b"abcd")], id="behind a fixed part"),
        pytest.param(packed_attribute(0x8001, b"abcd"), 0, [(1, b"abcd")], id="NLA_F_NESTED is no part of the type"),
        pytest.param(packed_attribute(0x4001, b"abcd"), 0, [(1, b"abcd")], id="NLA_F_NET_BYTEORDER neither"),
        pytest.param(packed_attribute(1, b"a")[:5], 0, [(1, b"a")], id="the last one not padded"),
    ],
)
def test_attributes(payload, offset, expected):
    assert list(attributes(payload, offset)) == expected


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        pytest.param(packed_attribute(1, b"abcd", length=0), "an attribute of 0 bytes where 8 are left", id="length 0"),
        pytest.param(packed_attribute(1, b"abcd", length=3), "an attribute of 3 bytes where 8 are left", id="length 3"),
        pytest.param(
            packed_attribute(1, b"abcd") + packed_attribute(2, b"abcd", length=9),
            "an attribute of 9 bytes where 8 are left",
            id="the second one too long",
        ),
        pytest.param(packed_attribute(1, b"abcd", length=9), "an attribute of 9 bytes where 8 are left", id="length 9"),
    ],
)
def test_attributes_fails(payload, complaint):
    with pytest.raises(SourceError, match=complaint):
        list(attributes(payload))


@pytest.mark.parametrize("value", [b"", b"a", b"abcd"], ids=["empty", "one byte", "four bytes"])
def test_attribute_is_the_inverse(value):
    assert list(attributes(attribute(7, value))) == [(7, value)]
