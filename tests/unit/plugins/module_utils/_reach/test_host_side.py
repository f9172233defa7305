# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packets, visits, sessions, the error queue, and what a daemon does to itself."""

from __future__ import annotations

import os
import socket
import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import command
from ansible_collections.preflight.ports.plugins.module_utils._reach import (
    daemon,
    error_queue,
    listeners,
    session,
    visits,
    witness,
)
from ansible_collections.preflight.ports.plugins.module_utils._reach.causes import Icmp
from ansible_collections.preflight.ports.plugins.module_utils._reach.visits import Visit, Visits

SYN, SYN_ACK = 0x02, 0x12


def tcp(flags=SYN):
    return struct.pack("!HHIIBBHHH", 40000, 80, 0, 0, 0x50, flags, 0, 0, 0)


UDP = struct.pack("!HHHH", 40000, 53, 8, 0)


def packet4(number, body, offset=0, options=b""):
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 0, 0, offset, 64, number, 0, b"\n\0\0\1", b"\n\0\0\2"
    )
    return header + options + body


def packet6(number, body):
    ends = (socket.inet_pton(socket.AF_INET6, text) for text in ("fd00::1", "fd00::2"))
    return struct.pack("!IHBB16s16s", 6 << 28, len(body), number, 64, *ends) + body


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (packet4(6, tcp()), Visit("tcp", "10.0.0.1", 40000, "10.0.0.2", 80)),
        (packet4(6, tcp(), options=bytes(4)), Visit("tcp", "10.0.0.1", 40000, "10.0.0.2", 80)),
        (packet4(17, UDP), Visit("udp", "10.0.0.1", 40000, "10.0.0.2", 53)),
        (packet6(6, tcp(SYN | 0xC0)), Visit("tcp", "fd00::1", 40000, "fd00::2", 80)),
        (packet6(17, UDP), Visit("udp", "fd00::1", 40000, "fd00::2", 53)),
        (packet4(6, tcp(SYN_ACK)), None),
        (packet4(6, tcp(0x10)), None),
        (packet4(1, UDP), None),
        (packet4(17, UDP, offset=7), None),
        (packet4(6, b"short"), None),
        (b"", None),
        (b"\x45", None),
        (b"\x60" + bytes(10), None),
    ],
)
def test_first_packets(packet, expected):
    assert witness.packet_visit(packet) == expected


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may watch packets")
@pytest.mark.linux
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_witness_sees_what_comes(loopback, host):
    port = loopback.spare_port()
    watching = witness.Witness([("tcp", port), ("udp", port)])
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        tcp_client = loopback.closed_at_the_end(socket.socket(family, socket.SOCK_STREAM))
        tcp_client.connect_ex((host, port))
        udp_client = loopback.closed_at_the_end(socket.socket(family, socket.SOCK_DGRAM))
        udp_client.sendto(b"x", (host, port))
        known = Visits()
        for sock in watching.sockets:
            for visit, stage in watching.read(sock):
                known.note(visit, stage)
        assert {(visit.protocol, stage) for visit, stage in known.stages.items()} == {
            ("tcp", visits.PASSED),
            ("udp", visits.PASSED),
        }
        assert watching.missed() == 0
    finally:
        watching.close()


def test_the_furthest_stage_counts_and_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(visits, "MOST", 2)
    known = Visits()
    first, second, third = (Visit("tcp", "a", number, "b", 1) for number in range(3))
    known.note(first, visits.FINISHED)
    known.note(first, visits.ARRIVED)
    known.note(second, visits.PASSED)
    known.note(third, visits.PASSED)
    assert known.forgotten == 1
    assert [row["stage"] for row in known.rows(False)] == ["finished", "passed"]
    assert [row["stage"] for row in known.rows(True)] == ["passed"]


def extended(origin, kind, code, sender):
    return struct.pack("=IBBBxII", 113, origin, kind, code, 0, 0) + sender


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (extended(2, 3, 13, struct.pack("=HH4s8x", 2, 0, b"\n\0\0\1")), Icmp(3, 13, "10.0.0.1", False)),
        (
            extended(3, 1, 1, struct.pack("=HHI16sI", 10, 0, 0, b"\xfd" + bytes(14) + b"\1", 0)),
            Icmp(1, 1, "fd00::1", True),
        ),
        (extended(1, 0, 0, bytes(16)), None),
        (b"short", None),
    ],
)
def test_the_error_queue(data, expected):
    assert error_queue._icmp(data) == expected


def test_elsewhere_there_is_no_error_queue(monkeypatch, loopback):
    monkeypatch.setattr(error_queue.sys, "platform", "darwin")
    sock = loopback.bound("udp")
    error_queue.enable(sock)
    assert error_queue.read(sock) is None


class Commands:
    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, *words):
        self.asked.append(words)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("in_session", "root", "answers", "said"),
    [
        (False, True, [], None),
        (True, False, ["b false\n"], None),
        (True, True, ["b true\n", "o /job/1"], None),
        (True, True, ["b true\n", command.CommandError("no")], "KillUserProcesses=yes"),
        (True, False, ["b true\n"], "use become"),
        (True, False, [command.CommandError("no bus")], "unknown"),
        (True, True, [command.CommandError("no bus"), "o /job/1"], None),
    ],
)
def test_sessions(monkeypatch, in_session, root, answers, said):
    monkeypatch.setattr(session, "_in_session", lambda: in_session)
    monkeypatch.setattr(session.os, "geteuid", lambda: 0 if root else 1000)
    commands = Commands(*answers)
    monkeypatch.setattr(command, "output", commands)
    found = session.leave(4711, 120)
    assert found is None if said is None else said in found
    assert commands.answers == []
    for words in commands.asked[1:]:
        assert words[words.index("PIDs") : words.index("PIDs") + 4] == ("PIDs", "au", "1", "4711")
        assert words[words.index("RuntimeMaxUSec") + 2] == "125000000"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0::/user.slice/user-0.slice/session-3.scope\n", True), ("0::/system.slice/sshd.service\n", False)],
)
def test_whether_it_is_in_a_session(tmp_path, text, expected):
    path = tmp_path / "cgroup"
    path.write_text(text)
    assert session._in_session(str(path)) == expected
    assert not session._in_session(str(tmp_path / "missing"))


@pytest.mark.linux
def test_a_daemon_that_fails_says_why():
    def fail():
        raise RuntimeError("never seen: it has started by then")

    pid = daemon.start(fail, [], 5)
    assert pid > 1


@pytest.mark.linux
def test_a_daemon_has_only_what_it_is_given(loopback, tmp_path):
    server = loopback.listening()
    read, write = socket.socketpair()

    def tell():
        is_open = [number for number in range(3, 1000) if _is_open(number)]
        write.sendall(f"{os.getcwd()} {os.getsid(0) != os.getpid()} {len(is_open)} {os.geteuid()}".encode())

    read.settimeout(10)
    daemon.start(tell, [server, write], 5)
    folder, leads_no_session, count, uid = read.recv(1000).decode().split()
    read.close()
    write.close()
    assert (folder, leads_no_session, count) == ("/", "True", "2")
    assert uid != "0"


def _is_open(number):
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def test_room_for_peers(monkeypatch):
    monkeypatch.setattr(listeners.resource, "getrlimit", lambda _kind: (256, 256))
    assert listeners.room_for_peers(10, 1000) == 182
    assert listeners.room_for_peers(1000, 1000) == 1
    monkeypatch.setattr(listeners.resource, "getrlimit", lambda _kind: (listeners.resource.RLIM_INFINITY,) * 2)
    assert listeners.room_for_peers(10, 1000) == 1000
