# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever comes over netlink: it is a table, or a SourceError says why not."""

from __future__ import annotations

import socket
import struct
from typing import Any
from unittest import mock

from ansible_collections.preflight.ports.plugins.module_utils._kernel import netlink
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import EVERY_STATE, Socket, SourceError
from ansible_collections.preflight.ports.plugins.module_utils._table import sock_diag
from hypothesis import given
from hypothesis import strategies as st
from support.netlink import DONE, DUMP_INTR, ERROR, SOCK_DIAG_BY_FAMILY, attribute, done, message

bytes_ = st.integers(0, 0xFF)
shorts = st.integers(0, 0xFFFF)
longs = st.integers(0, 0xFFFFFFFF)


def _row(*fields: Any) -> bytes:
    head, ports, addresses, index, tail, attributes = fields
    return b"".join(
        [
            struct.pack("=4B", *head),
            struct.pack(">2H", *ports),
            addresses,
            struct.pack("=I8x5I", index, *tail),
            *attributes,
        ]
    )


def _spoilt(part: bytes, cut: int, place: int, value: int) -> bytes:
    """The part without its last bytes, and with another byte at a place, counted from the end."""
    spoilt = bytearray(part[: len(part) - cut])
    if place < len(spoilt):
        spoilt[-1 - place] = value
    return bytes(spoilt)


lengths = st.none() | st.none() | st.integers(1, 200)
attributes = st.builds(attribute, st.sampled_from([0, 1, 11, 15, 0x800B]) | shorts, st.binary(max_size=8), lengths)
rows = st.builds(
    _row,
    st.tuples(st.sampled_from([socket.AF_INET, socket.AF_INET6]) | bytes_, st.integers(0, 14) | bytes_, bytes_, bytes_),
    st.tuples(shorts, shorts),
    st.binary(min_size=32, max_size=32),
    st.just(0) | st.integers(0, 3) | longs,
    st.tuples(longs, longs, longs, longs, longs),
    st.lists(attributes, max_size=3),
)
payloads = (
    rows
    | rows
    | st.binary(max_size=80)
    | (st.sampled_from([0, -2, -(2**31)]) | st.integers(-(2**31), 2**31 - 1)).map(struct.Struct("=i").pack)
)
kinds = st.sampled_from([*[SOCK_DIAG_BY_FAMILY] * 3, ERROR, DONE]) | shorts
flags = st.sampled_from([0, 2, DUMP_INTR]) | shorts
messages = st.builds(message, kinds, payloads, flags, lengths)
parts = st.lists(messages, max_size=4).map(b"".join)
spoilt = st.builds(_spoilt, parts, st.integers(0, 20), st.integers(0, 300), bytes_)
ends = st.sampled_from([0, DUMP_INTR]).map(lambda flags: done(flags=flags))
receptions = st.tuples(parts | spoilt | ends | st.binary(max_size=40), st.sampled_from([0, 0, 0, socket.MSG_TRUNC]))


class Channel:
    """A netlink socket on which all of this arrives, and then nothing more."""

    def __init__(self, receptions: list[tuple[bytes, int]]) -> None:
        self.receptions = iter(receptions)

    def __call__(self, *_arguments: Any) -> Channel:
        return self

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *_error: Any) -> None:
        pass

    def settimeout(self, seconds: float) -> None:
        pass

    def send(self, request: bytes) -> int:
        return len(request)

    def recvmsg(self, size: int) -> tuple[bytes, list[Any], int, tuple[int, int]]:
        try:
            part, flags = next(self.receptions)
        except StopIteration:
            raise TimeoutError("timed out") from None
        return part, [], flags, (0, 0)


@given(payloads | st.builds(_spoilt, payloads, st.integers(0, 80), st.integers(0, 80), bytes_))
def test_a_row(payload: bytes) -> None:
    try:
        row = sock_diag.parse(payload, "tcp")
    except SourceError as error:
        assert str(error)
    else:
        assert_sane(row)


@given(st.lists(receptions, max_size=6), shorts, shorts)
def test_a_dump(receptions: list[tuple[bytes, int]], first: int, last: int) -> None:
    with mock.patch.object(netlink.socket, "socket", Channel(receptions)):
        try:
            rows = sock_diag.read("tcp", first, last, EVERY_STATE)
        except SourceError as error:
            assert str(error)
            return
    for row in rows:
        assert_sane(row)
        assert first <= row.port <= last


def assert_sane(row: Socket) -> None:
    assert 0 <= row.port <= 65535
    assert row.state in EVERY_STATE
    assert str(row.endpoint)
