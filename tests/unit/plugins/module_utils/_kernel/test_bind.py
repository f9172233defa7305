# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import socket

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import rights
from ansible_collections.preflight.ports.plugins.module_utils._kernel.bind import (
    FREE,
    IN_USE,
    NO_ANSWER,
    REFUSED,
    REUSABLE,
    UNAVAILABLE,
    ProbeError,
)
from ansible_collections.preflight.ports.plugins.module_utils._kernel.bind import probe as probe_question
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from support.records import at

IPV4 = at("127.0.0.1")
IPV4_WILDCARD = at("0.0.0.0")
IPV6 = at("::1", v6only=True)
IPV6_WILDCARD = at("::", v6only=True)
DUAL = at("::", v6only=False)


def probe(*question, **rest):
    return probe_question(Question(*question, **rest))


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("endpoint", [IPV4, IPV4_WILDCARD, IPV6, IPV6_WILDCARD, DUAL], ids=str)
def test_free(protocol, endpoint, loopback):
    port = loopback.spare_port()
    assert probe(protocol, endpoint, port) == FREE
    assert probe(protocol, endpoint, port) == FREE, "the first probe left something behind"


@pytest.mark.linux
@pytest.mark.parametrize(
    ("address", "v6only", "endpoint", "expected"),
    [
        pytest.param("127.0.0.1", None, IPV4, IN_USE, id="the same address"),
        pytest.param("127.0.0.1", None, IPV4_WILDCARD, IN_USE, id="an address of the wildcard"),
        pytest.param("127.0.0.1", None, at("127.0.0.2"), FREE, id="another address"),
        pytest.param("127.0.0.1", None, IPV6_WILDCARD, FREE, id="IPv4 and the IPv6 wildcard with V6ONLY"),
        pytest.param("127.0.0.1", None, DUAL, IN_USE, id="IPv4 and the dual-stack wildcard"),
        pytest.param("::", True, IPV4_WILDCARD, FREE, id="V6ONLY and IPv4"),
        pytest.param("::", False, IPV4, IN_USE, id="dual-stack and IPv4"),
        pytest.param("::1", None, IPV6_WILDCARD, IN_USE, id="an address of the IPv6 wildcard"),
    ],
)
def test_a_listener(address, v6only, endpoint, expected, loopback):
    port = loopback.listening(address, v6only=v6only, reuse_address=True).getsockname()[1]
    assert probe("tcp", endpoint, port) == expected


@pytest.mark.linux
@pytest.mark.parametrize(
    ("reuse_address", "expected"),
    [pytest.param(False, IN_USE, id="without SO_REUSEADDR"), pytest.param(True, REUSABLE, id="with SO_REUSEADDR")],
)
def test_bound_but_not_listening(reuse_address, expected, loopback):
    port = loopback.bound(reuse_address=reuse_address).getsockname()[1]
    assert probe("tcp", IPV4, port) == expected


@pytest.mark.linux
@pytest.mark.parametrize("endpoint", [IPV4, IPV4_WILDCARD], ids=str)
def test_a_port_in_time_wait_is_reusable(endpoint, loopback):
    server = loopback.listening(reuse_address=True)
    port = server.getsockname()[1]
    client, served = loopback.connection(server)
    for made in (served, client, server):  # who closes first is in TIME_WAIT
        made.close()
    assert probe("tcp", endpoint, port) == REUSABLE


@pytest.mark.linux
def test_an_outgoing_connection_is_in_use(loopback):
    client, _served = loopback.connection(loopback.listening())
    assert probe("tcp", IPV4_WILDCARD, client.getsockname()[1]) == IN_USE


@pytest.mark.linux
@pytest.mark.parametrize("reuse_address", [False, True], ids=["without SO_REUSEADDR", "with SO_REUSEADDR"])
def test_udp_is_asked_without_reuse(reuse_address, loopback):
    port = loopback.bound("udp", reuse_address=reuse_address).getsockname()[1]
    assert probe("udp", IPV4, port) == IN_USE
    assert probe("tcp", IPV4, port) == FREE


@pytest.mark.linux
@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [
        pytest.param("tcp", at("192.0.2.1"), id="an IPv4 address of the documentation"),
        pytest.param("udp", at("2001:db8::1", True), id="an IPv6 address of the documentation"),
        pytest.param("tcp", at("ff02::1", True), id="a multicast group"),
        pytest.param("tcp", at("fe80::1", True, "nosuch0"), id="no such interface"),
        pytest.param("tcp", at("fe80::1", True, "lo"), id="not on that interface"),
        pytest.param("tcp", at("fe80::1", True), id="link-local without an interface"),
        pytest.param("udp", at("0.0.0.0", None, "nosuch0"), id="no such device"),
    ],
)
def test_unavailable(protocol, endpoint, loopback):
    assert probe(protocol, endpoint, loopback.spare_port()) == UNAVAILABLE


@pytest.mark.linux
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("endpoint", [at("192.0.2.1"), at("2001:db8::1", True)], ids=str)
def test_an_address_that_may_come_later(endpoint, protocol, loopback):
    assert probe(protocol, endpoint, loopback.spare_port(), may_come_later=True) == FREE


@pytest.mark.linux
def test_an_address_that_may_come_later_is_not_free_where_a_wildcard_is_in_its_way(loopback):
    port = loopback.listening("0.0.0.0", reuse_address=True).getsockname()[1]
    assert probe("tcp", at("192.0.2.1"), port, may_come_later=True) == IN_USE


@pytest.mark.linux
def test_a_device(loopback):
    port = loopback.spare_port()
    assert probe("udp", at("0.0.0.0", None, "lo"), port) == FREE
    loopback.bound("udp", "127.0.0.1", port)
    assert probe("udp", at("0.0.0.0", None, "lo"), port) == IN_USE


@pytest.mark.linux
def test_the_probe_never_listens_and_keeps_no_descriptor(loopback, monkeypatch):
    class Watched(socket.socket):
        def listen(self, *_backlog):
            raise AssertionError("the probe listens")

    port = loopback.spare_port()
    held = loopback.bound("tcp", reuse_address=True).getsockname()[1]
    before = os.listdir("/proc/self/fd")
    monkeypatch.setattr(socket, "socket", Watched)
    answers = [probe("tcp", IPV4, port), probe("tcp", IPV4, held), probe("tcp", at("192.0.2.1"), port)]
    assert answers == [FREE, REUSABLE, UNAVAILABLE]
    assert os.listdir("/proc/self/fd") == before


class Kernel:
    """Answers the n-th bind(2) with the n-th of *numbers*, an errno; 0 is a success."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)
        self.options = []
        self.addresses = []

    def __call__(self, _family, _kind):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        pass

    def close(self):
        pass

    def setsockopt(self, *option):
        self.options.append(option)

    def bind(self, address):
        self.addresses.append(address)
        number = self.numbers.pop(0)
        if number:
            raise OSError(number, os.strerror(number))


REUSE = (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


@pytest.mark.parametrize(
    ("numbers", "protocol", "expected", "options"),
    [
        pytest.param([0], "tcp", FREE, [], id="free without a second question"),
        pytest.param([errno.EADDRINUSE, 0], "tcp", REUSABLE, [REUSE], id="EADDRINUSE, not with SO_REUSEADDR"),
        pytest.param([errno.EADDRINUSE] * 2, "tcp", IN_USE, [REUSE], id="EADDRINUSE in both ways"),
        pytest.param([errno.EADDRINUSE], "udp", IN_USE, [], id="EADDRINUSE of UDP"),
        pytest.param([errno.EADDRINUSE, errno.EACCES], "tcp", IN_USE, [REUSE], id="EADDRINUSE, then EACCES"),
        pytest.param([errno.EACCES, 0], "tcp", REFUSED, [], id="EACCES for this port"),
        pytest.param([errno.EPERM, 0], "udp", REFUSED, [], id="EPERM for this port"),
        pytest.param([errno.EACCES, errno.EACCES], "tcp", NO_ANSWER, [], id="EACCES for each port"),
        pytest.param([errno.EACCES, errno.EADDRNOTAVAIL], "tcp", UNAVAILABLE, [], id="EACCES hides EADDRNOTAVAIL"),
        pytest.param([errno.EADDRNOTAVAIL], "tcp", UNAVAILABLE, [], id="EADDRNOTAVAIL"),
        pytest.param([errno.EAFNOSUPPORT], "udp", UNAVAILABLE, [], id="EAFNOSUPPORT"),
        pytest.param([errno.EINVAL], "tcp", UNAVAILABLE, [], id="EINVAL"),
        pytest.param([errno.ENODEV], "tcp", UNAVAILABLE, [], id="ENODEV"),
    ],
)
def test_what_bind_answers(numbers, protocol, expected, options, monkeypatch):
    kernel = Kernel(*numbers)
    monkeypatch.setattr(socket, "socket", kernel)
    monkeypatch.setattr(rights, "may_bind", lambda _port: True)
    assert probe(protocol, IPV4, 80) == expected
    assert kernel.options == options
    assert kernel.numbers == []
    right_denied = {errno.EACCES, errno.EPERM} & {numbers[0]}
    assert [address[1] for address in kernel.addresses] == [80, 0 if right_denied else 80][: len(numbers)]


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        pytest.param(None, NO_ANSWER, id="a server has other rights than whoever asks"),
        pytest.param("www-data", REFUSED, id="the server's own user"),
    ],
)
def test_a_right_that_the_user_lacks(user, expected, monkeypatch):
    monkeypatch.setattr(socket, "socket", Kernel(errno.EACCES, 0))
    monkeypatch.setattr(rights, "may_bind", lambda _port: False)
    assert probe("tcp", IPV4, 80, user=user) == expected


@pytest.mark.parametrize(
    ("endpoint", "rest", "options"),
    [
        pytest.param(at("0.0.0.0", None, "eth1"), {}, [(socket.SOL_SOCKET, 25, b"eth1\0")], id="SO_BINDTODEVICE"),
        pytest.param(at("10.0.0.9"), {"may_come_later": True}, [(socket.IPPROTO_IP, 15, 1)], id="IP_FREEBIND"),
        pytest.param(
            at("2001:db8::9", True),
            {"may_come_later": True},
            [(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1), (socket.IPPROTO_IPV6, 78, 1)],
            id="IPV6_FREEBIND",
        ),
    ],
)
def test_options_of_the_server(endpoint, rest, options, monkeypatch):
    kernel = Kernel(0)
    monkeypatch.setattr(socket, "socket", kernel)
    assert probe("tcp", endpoint, 80, **rest) == FREE
    assert kernel.options == options


@pytest.mark.parametrize(
    ("endpoint", "value"),
    [
        pytest.param(IPV6_WILDCARD, 1, id="V6ONLY"),
        pytest.param(DUAL, 0, id="dual-stack"),
        pytest.param(at("::ffff:10.0.0.5", False), 0, id="IPv4 mapped into IPv6"),
    ],
)
def test_v6only_is_set_outright(endpoint, value, monkeypatch):
    kernel = Kernel(0)
    monkeypatch.setattr(socket, "socket", kernel)
    assert probe("tcp", endpoint, 80) == FREE
    assert kernel.options == [(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, value)]


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        pytest.param(IPV4, ("127.0.0.1", 80), id="IPv4"),
        pytest.param(IPV6, ("::1", 80, 0, 0), id="IPv6"),
        pytest.param(at("fe80::1", True, "eth0"), ("fe80::1", 80, 0, 7), id="link-local"),
    ],
)
def test_the_address_is_bound_with_its_zone(endpoint, address, monkeypatch):
    kernel = Kernel(0)
    monkeypatch.setattr(socket, "socket", kernel)
    monkeypatch.setattr(socket, "if_nametoindex", {"eth0": 7}.__getitem__)
    probe("tcp", endpoint, 80)
    assert kernel.addresses == [address]


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.ENOBUFS, errno.EADDRINUSE + 1000], ids=os.strerror)
def test_the_probe_fails(number, monkeypatch):
    monkeypatch.setattr(socket, "socket", Kernel(number))
    with pytest.raises(ProbeError) as failure:
        probe("udp", IPV4, 80)
    assert str(failure.value) == f"bind(2) to 127.0.0.1 port 80/udp: {os.strerror(number)}"


def refusing(number):
    def refuse(*_arguments):
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE], ids=["EMFILE", "ENFILE"])
def test_the_probe_fails_without_a_descriptor(number, monkeypatch):
    monkeypatch.setattr(socket, "socket", refusing(number))
    with pytest.raises(ProbeError, match=os.strerror(number)):
        probe("tcp", IPV4, 80)


def test_a_host_without_ipv6_has_no_ipv6_address(monkeypatch):
    monkeypatch.setattr(socket, "socket", refusing(errno.EAFNOSUPPORT))
    assert probe("tcp", IPV6_WILDCARD, 80) == UNAVAILABLE
