# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    LISTENING,
    peer_name,
    state_of,
    v6only_of,
)


def test_the_words_are_those_of_the_contract():
    assert (LISTENING, BOUND, CONNECTED, CLOSING) == ("listening", "bound", "connected", "closing")


@pytest.mark.parametrize(
    ("protocol", "number", "with_process", "without"),
    [
        pytest.param("tcp", 1, CONNECTED, CONNECTED, id="ESTABLISHED"),
        pytest.param("tcp", 2, CONNECTED, CONNECTED, id="SYN_SENT"),
        pytest.param("tcp", 3, CONNECTED, CONNECTED, id="SYN_RECV"),
        pytest.param("tcp", 4, CONNECTED, CLOSING, id="FIN_WAIT1"),
        pytest.param("tcp", 5, CONNECTED, CLOSING, id="FIN_WAIT2"),
        pytest.param("tcp", 6, CLOSING, CLOSING, id="TIME_WAIT"),
        pytest.param("tcp", 7, BOUND, BOUND, id="CLOSE"),
        pytest.param("tcp", 8, CONNECTED, CLOSING, id="CLOSE_WAIT"),
        pytest.param("tcp", 9, CONNECTED, CLOSING, id="LAST_ACK"),
        pytest.param("tcp", 10, LISTENING, LISTENING, id="LISTEN"),
        pytest.param("tcp", 11, CONNECTED, CLOSING, id="CLOSING"),
        pytest.param("tcp", 12, CONNECTED, CONNECTED, id="NEW_SYN_RECV"),
        pytest.param("tcp", 13, BOUND, BOUND, id="BOUND_INACTIVE"),
        pytest.param("udp", 1, CONNECTED, CONNECTED, id="UDP connected"),
        pytest.param("udp", 7, BOUND, BOUND, id="UDP unconnected"),
    ],
)
def test_state_of(protocol, number, with_process, without):
    assert state_of(protocol, number, inode=4242) == with_process
    assert state_of(protocol, number, inode=0) == without


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param(b"\x0a\0\0\x09", "10.0.0.9:443", id="IPv4"),
        pytest.param(b"\x20\x01\x0d\xb8" + bytes(11) + b"\x09", "[2001:db8::9]:443", id="IPv6"),
        pytest.param(bytes(10) + b"\xff\xff\x0a\0\0\x09", "[::ffff:10.0.0.9]:443", id="IPv4 mapped into IPv6"),
    ],
)
def test_peer_name(address, expected):
    assert peer_name(address, 443) == expected


@pytest.mark.parametrize(
    ("address", "state", "expected"),
    [
        pytest.param("::1", LISTENING, True, id="a literal that listens"),
        pytest.param("::1", BOUND, True, id="a literal that is bound"),
        pytest.param("::1", CONNECTED, None, id="a connection need not have been bound"),
        pytest.param("::1", CLOSING, None, id="nor a dying one"),
        pytest.param("::", LISTENING, None, id="the wildcard may be either"),
        pytest.param("::ffff:10.0.0.5", LISTENING, None, id="IPv4 mapped into IPv6"),
        pytest.param("10.0.0.5", LISTENING, None, id="IPv4"),
    ],
)
def test_v6only_of(address, state, expected):
    packed = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
    assert v6only_of(packed, state) is expected


@pytest.mark.linux
def test_the_kernel_turns_v6only_on_for_a_literal(loopback):
    server = loopback.listening("::1", v6only=False)
    assert server.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
