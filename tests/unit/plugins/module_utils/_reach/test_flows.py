# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client and a responder, on loopback, without root; and strangers of all kinds."""

from __future__ import annotations

import errno
import json
import os
import random
import socket
import threading
import time

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._reach import (
    attempt,
    client,
    control,
    listeners,
    responder,
    wire,
)
from ansible_collections.preflight.ports.plugins.module_utils._reach.destinations import Destination
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse

pytestmark = pytest.mark.linux

KEY = "a token for the unit tests"


class Running:
    """A responder in a thread of the test."""

    def __init__(self, ports, seconds=20.0, room=responder.MOST_PEERS):
        self.name = f"unit-{os.getpid()}-{random.random()}"
        self.channel = control.listen(KEY, self.name)
        self.bound = listeners.bind_all(parse(ports), listen=True)
        self.responder = responder.Responder(KEY, self.name, False, room)
        self.responder.control(self.channel)
        for each in self.bound:
            for sock in each.sockets:
                self.responder.serve(each.protocol, sock)
        self.thread = threading.Thread(target=self._run, args=(seconds,))
        self.thread.start()

    def _run(self, seconds):
        self.responder.run(time.monotonic() + seconds)
        self.responder.close()

    def stop(self):
        report = control.stop(KEY, self.name)
        self.thread.join()
        return report


@pytest.fixture
def run():
    running = []

    def start(*arguments, **options):
        running.append(Running(*arguments, **options))
        return running[-1]

    yield start
    for each in running:
        if each.thread.is_alive():
            each.stop()


def outcome(port, name, protocol="tcp", host="127.0.0.1", timeout=2.0):
    ((found,),) = client.reach([Destination(host, port, protocol, responder=name)], KEY, timeout)
    return found


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_open(run, loopback, protocol, host):
    port = loopback.spare_port()
    server = run([f"{port}/{protocol}"])
    found = outcome(port, server.name, protocol, host)
    assert (found.state, found.seen.source, found.seen.destination) == ("open", found.source, wire.End(host, port))
    assert found.seen.responder == wire.responder_id(KEY, server.name)
    report = server.stop()
    assert report["completed"] == 1
    assert report["visits"][0]["stage"] == "finished"


def test_many_flows_at_once(run, loopback):
    port = loopback.spare_port()
    server = run([f"{port}/tcp+udp"])
    flows = [Destination("127.0.0.1", port, protocol, responder=server.name) for protocol in ("tcp", "udp")] * 300
    began = time.monotonic()
    found = client.reach(flows, KEY, 20.0)
    assert {each.state for (each,) in found} == {"open"}
    assert time.monotonic() - began < 20


def test_answered(loopback):
    assert outcome(loopback.spare_port(), None).state == "answered"
    assert outcome(loopback.spare_port(), None, "udp").state == "answered"


def test_refused(loopback):
    assert outcome(loopback.spare_port(), "somebody").state == "refused"


def test_served(loopback):
    server = loopback.listening()
    assert outcome(server.getsockname()[1], None).state == "served"


def test_a_service_over_udp_that_answers(loopback):
    server = loopback.bound("udp")
    thread = threading.Thread(target=lambda: server.sendto(b"!", server.recvfrom(100)[1]))
    thread.start()
    assert outcome(server.getsockname()[1], None, "udp").state == "served"
    thread.join()


def test_a_service_over_udp_that_does_not_answer(loopback):
    server = loopback.bound("udp")
    assert outcome(server.getsockname()[1], None, "udp", timeout=0.2).state == "no_answer"


@pytest.mark.parametrize("said", [b"220 smtp\r\n" * 20, b"", None], ids=["another service", "closes", "is silent"])
def test_wrong_peer(loopback, said):
    server = loopback.listening()
    ends = []

    def serve():
        end = loopback.closed_at_the_end(server.accept()[0])
        if said is None:
            ends.append(end)
        else:
            end.sendall(said)
            end.close()

    thread = threading.Thread(target=serve)
    thread.start()
    assert outcome(server.getsockname()[1], "ours", timeout=0.3).state == "wrong_peer"
    thread.join()


def test_wrong_peer_over_udp(loopback):
    server = loopback.bound("udp")
    thread = threading.Thread(target=lambda: server.sendto(b"!" * 100, server.recvfrom(100)[1]))
    thread.start()
    assert outcome(server.getsockname()[1], "ours", "udp").state == "wrong_peer"
    thread.join()


@pytest.mark.parametrize("then", ["closes", "resets", "is silent"])
def test_stalled(loopback, then):
    server = loopback.listening()

    def serve():
        end = loopback.closed_at_the_end(server.accept()[0])
        nonce = wire.nonce_of(KEY, end.recv(1000))
        here = wire.End(*server.getsockname())
        end.sendall(wire.answer(KEY, nonce, wire.Answer(b"i" * 16, here, here)))
        if then == "closes":
            end.recv(100000)
            end.shutdown(socket.SHUT_WR)
        elif then == "resets":
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, attempt.RESET_ON_CLOSE)
            end.close()

    thread = threading.Thread(target=serve)
    thread.start()
    assert outcome(server.getsockname()[1], "ours", timeout=0.3).state == "stalled"
    thread.join()


@pytest.mark.parametrize(("has_responder", "state"), [(False, "served"), (True, "wrong_peer")])
def test_a_service_that_accepts_and_resets_at_once(loopback, has_responder, state):
    """The reset may be there before the client looks."""
    server = loopback.listening()
    tried = attempt.attempt("tcp", socket.AF_INET, server.getsockname(), "", has_responder)
    tried.start(0.0)
    end = server.accept()[0]
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, attempt.RESET_ON_CLOSE)
    end.close()
    tried.turn(0.1)
    tried.close()
    assert (tried.outcome.state, "was accepted" in tried.outcome.reason) == (state, True)


def test_a_name_without_an_address():
    ((found,),) = client.reach([Destination("nobody.invalid", 1, "tcp")], "", 20.0)
    assert found.state == "unresolved"


def test_no_more_sockets(monkeypatch):
    def refuse(*_arguments):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(attempt.socket, "socket", refuse)
    tried = attempt.attempt("tcp", socket.AF_INET, ("127.0.0.1", 1), "", False)
    client._run([tried], 1.0)
    assert tried.outcome.state == "not_tested"


def test_a_family_that_the_client_lacks(monkeypatch):
    def refuse(*_arguments):
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(attempt.socket, "socket", refuse)
    tried = attempt.attempt("udp", socket.AF_INET6, ("::1", 1), "", False)
    client._run([tried], 1.0)
    assert tried.outcome.state == "no_route"


def test_strangers_get_nothing(run, loopback):
    port = loopback.spare_port()
    server = run([f"{port}/tcp+udp"])
    for said in (b"", b"GET / HTTP/1.1\r\n\r\n" * 10, bytes(100000), wire.question("another token!!!", bytes(16))):
        with socket.create_connection(("127.0.0.1", port)) as stranger:
            stranger.settimeout(5)
            try:
                stranger.sendall(said)
                stranger.shutdown(socket.SHUT_WR)
                assert stranger.recv(100) == b""
            except OSError as error:  # it was reset
                assert error.errno in (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.connect(("127.0.0.1", port))
            stranger.settimeout(0.05)
            stranger.send(said[:60000])
            with pytest.raises(socket.timeout):
                stranger.recv(100)
    assert outcome(port, server.name).state == "open"


def test_a_crowd_of_strangers_does_not_keep_clients_out(run, loopback):
    port = loopback.spare_port()
    server = run([port], room=20)
    crowd = [loopback.closed_at_the_end(socket.create_connection(("127.0.0.1", port))) for _each in range(100)]
    assert outcome(port, server.name).state == "open"
    assert len(server.responder._peers) <= 20
    assert crowd


def test_a_peer_that_was_dropped_for_another_has_no_turn(run, loopback):
    server = run([loopback.spare_port()])
    ours, theirs = socket.socketpair()
    peer = responder._Controller(server.responder, ours)
    ours.close()
    peer.turn()
    theirs.close()


def test_a_slow_stranger_is_dropped(run, loopback, monkeypatch):
    monkeypatch.setattr(responder, "_STRANGER_SECONDS", 0.1)
    port = loopback.spare_port()
    run([port])
    with socket.create_connection(("127.0.0.1", port)) as stranger:
        stranger.settimeout(5)
        stranger.send(b"p")
        with pytest.raises(ConnectionResetError):
            stranger.recv(1)


def test_who_says_too_much_is_dropped(run, loopback):
    port = loopback.spare_port()
    run([port])
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.settimeout(5)
        peer.sendall(wire.question(KEY, bytes(16)) + bytes(wire.TCP_DATA_BYTES + 100000))
        with pytest.raises(ConnectionResetError):
            while peer.recv(65536):
                pass
            raise ConnectionResetError  # closed in order is right, too


@pytest.mark.parametrize("message", [b"", b"x" * 10, b"y" * 32])
def test_only_the_token_stops_it(run, loopback, message):
    server = run([loopback.spare_port()])
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(server.channel.getsockname() or control._name(KEY, server.name))
        assert len(stranger.recv(100)) == 16
        stranger.sendall(message)
        stranger.shutdown(socket.SHUT_WR)
        assert stranger.recv(1) == b""
    assert server.thread.is_alive()
    assert server.stop() is not None


def test_a_responder_that_is_not_there():
    assert control.stop(KEY, "nobody has this name") is None


def test_two_of_one_name(run, loopback):
    server = run([loopback.spare_port()])
    with pytest.raises(OSError, match="in use"):
        control.listen(KEY, server.name)


@pytest.mark.parametrize("said", [b"", b"n" * 16 + b"\xff" * 4, b"n" * 16 + b"\0\0\0\2" + b"p" * 32 + b"{}"])
def test_a_report_of_somebody_else_is_not_believed(said):
    name = f"false-{random.random()}"
    server = control.listen(KEY, name)
    server.setblocking(True)

    def serve():
        with server.accept()[0] as end:
            end.sendall(said)
            end.shutdown(socket.SHUT_WR)
            while end.recv(100):
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    with pytest.raises(control.ControlError):
        control.stop(KEY, name)
    thread.join()
    server.close()


def test_it_ends_at_its_deadline(run, loopback):
    server = run([loopback.spare_port()], seconds=0.1)
    server.thread.join(5)
    assert not server.thread.is_alive()


def test_taken_ports_are_left_alone(loopback):
    held = loopback.listening()
    port = held.getsockname()[1]
    (found,) = listeners.bind_all(parse([port]), listen=True)
    assert (found.state, found.sockets) == ("taken", ())


def test_an_address_that_is_not_here():
    (found,) = listeners.bind_all(parse(["192.0.2.1:8080"]), listen=True)
    assert found.state == "unavailable"


def test_without_listening_nothing_is_kept(loopback):
    (found,) = listeners.bind_all(parse([loopback.spare_port()]), listen=False)
    assert (found.state, found.sockets) == ("bound", ())


@pytest.mark.parametrize(
    ("error", "state"), [(errno.EACCES, "refused"), (errno.EADDRINUSE, "taken"), (errno.ENOBUFS, "unavailable")]
)
def test_states_of_ports(error, state):
    assert listeners._state(OSError(error, ""))[0] == state


def test_no_time_wait_is_left(run, loopback):
    port = loopback.spare_port()
    server = run([port])
    for _each in range(5):
        assert outcome(port, server.name).state == "open"
    server.stop()
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))  # without SO_REUSEADDR


def test_a_report_is_json_of_bounded_size(run, loopback):
    server = run([loopback.spare_port()])
    assert set(json.loads(json.dumps(server.stop()))) == {"visits", "completed", "missed", "witness"}
