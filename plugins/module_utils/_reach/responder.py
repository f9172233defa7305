# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The responder's work: one process, one selector, all ports; bounded in peers, bytes and time.

It answers only questions that were made with the token. Over UDP no answer is longer than its question.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import selectors
import socket
import struct
import time
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import TCP, UDP
from ansible_collections.preflight.ports.plugins.module_utils._reach import wire
from ansible_collections.preflight.ports.plugins.module_utils._reach.visits import ASKED, FINISHED, Visit, Visits
from ansible_collections.preflight.ports.plugins.module_utils._reach.witness import Witness

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER: close(2) sends a reset, which leaves no TIME_WAIT."""
MOST_PEERS = 1024
_STRANGER_SECONDS = 2.0
_FRIEND_SECONDS = 15.0
_AT_A_TIME = 64
_LAST_LOOKS = 16
"""How often a socket of the witness is read at the end: so often that its buffer is empty then."""
_IP_PKTINFO, _IPV6_PKTINFO = 8, 50
_LENGTH = struct.Struct("!I")


class Responder:
    """Serves until its deadline, or until somebody with the token says that it is to stop."""

    def __init__(self, token: str, name: str, brief: bool, room: int = MOST_PEERS) -> None:
        self._token, self._id, self._brief, self._room = token, wire.responder_id(token, name), brief, room
        self._selector = selectors.DefaultSelector()
        self._peers: dict[_Peer, float] = {}
        self._witness: Witness | None = None
        self._servers: list[socket.socket] = []
        self._stopped = False
        self.visits = Visits()

    def serve(self, protocol: str, sock: socket.socket) -> None:
        self._servers.append(sock)
        self._selector.register(
            sock, selectors.EVENT_READ, functools.partial(self._accept if protocol == TCP else self._udp, sock)
        )

    def watch(self, witness: Witness) -> None:
        self._witness = witness
        for sock in witness.sockets:
            self._selector.register(sock, selectors.EVENT_READ, functools.partial(self._look, witness, sock))

    def control(self, sock: socket.socket) -> None:
        self._servers.append(sock)
        self._selector.register(sock, selectors.EVENT_READ, functools.partial(self._admit, sock))

    def run(self, deadline: float) -> None:
        """*deadline*: of the monotonic clock."""
        while not self._stopped:
            now = time.monotonic()
            if now >= deadline:
                return
            soonest = min([deadline, *self._peers.values()])
            for key, _events in self._selector.select(max(0.0, soonest - now)):
                if not self._stopped:
                    key.data()
            now = time.monotonic()
            for peer in [peer for peer, until in self._peers.items() if until <= now]:
                self.drop(peer)

    def close(self) -> None:
        """Gives everything back."""
        for peer in list(self._peers):
            self.drop(peer)
        for server in self._servers:
            server.close()
        if self._witness:
            self._witness.close()
        self._selector.close()

    # Witness

    def _look(self, witness: Witness, sock: socket.socket) -> None:
        for visit, stage in witness.read(sock):
            self.visits.note(visit, stage)

    # UDP

    def _udp(self, sock: socket.socket) -> None:
        for _count in range(_AT_A_TIME):
            try:
                message, control, _flags, address = sock.recvmsg(wire.UDP_DATA_BYTES + 1, 128)
            except OSError:
                return
            nonce = wire.nonce_of(self._token, message)
            local = _local(control)
            if nonce is None or local is None or len(message) < wire.UDP_QUESTION_BYTES:
                continue
            destination = wire.End(wire.plain(local[0]), sock.getsockname()[1])
            source = wire.End(wire.plain(address[0]), address[1])
            self.visits.note(Visit(UDP, *source, *destination), self._stage_of(message))
            content = wire.Answer(self._id, source, destination)
            try:
                sock.sendmsg([wire.answer(self._token, nonce, content, len(message))], [local[1]], 0, address)
            except OSError:
                continue

    @staticmethod
    def _stage_of(message: bytes) -> int:
        return FINISHED if len(message) > wire.UDP_QUESTION_BYTES else ASKED

    # TCP

    def _accept(self, server: socket.socket) -> None:
        for _count in range(_AT_A_TIME):
            try:
                sock, address = server.accept()
            except OSError:
                return
            local = sock.getsockname()
            source, destination = (wire.End(wire.plain(end[0]), end[1]) for end in (address, local))
            content = wire.Answer(self._id, source, destination)
            visit = Visit(TCP, *source, *destination)
            self._take(_Client(self, sock, content, visit))

    def _admit(self, server: socket.socket) -> None:
        try:
            sock, _address = server.accept()
        except OSError:
            return
        self._take(_Controller(self, sock))

    def _take(self, peer: _Peer) -> None:
        """Follow a new peer; where there is no room, the oldest stranger makes room, or else the oldest friend."""
        if len(self._peers) >= self._room:
            self.drop(next((each for each in self._peers if not each.known), next(iter(self._peers))))
        self._peers[peer] = time.monotonic() + _STRANGER_SECONDS
        self._selector.register(peer.sock, selectors.EVENT_READ, peer.turn)
        peer.turn()

    def befriend(self, peer: _Peer) -> None:
        peer.known = True
        self._peers[peer] = time.monotonic() + _FRIEND_SECONDS

    def expect(self, peer: _Peer, events: int) -> None:
        if self._selector.get_key(peer.sock).events != events:
            self._selector.modify(peer.sock, events, peer.turn)

    def drop(self, peer: _Peer) -> None:
        if self._peers.pop(peer, None) is not None:
            self._selector.unregister(peer.sock)
            peer.sock.close()

    def nonce_of(self, message: bytes) -> bytes | None:
        return wire.nonce_of(self._token, message)

    def answer(self, nonce: bytes, content: wire.Answer) -> bytes:
        return wire.answer(self._token, nonce, content)

    # The end

    def stop_proof(self, nonce: bytes) -> bytes:
        return wire.proof(self._token, b"stop", nonce)

    def stop(self, controller: _Peer, nonce: bytes) -> None:
        """Give the ports back, then tell who came, then end."""
        for server in self._servers:
            self._selector.unregister(server)
            server.close()
        for peer in list(self._peers):
            if peer is not controller:
                self.drop(peer)
        missed = 0
        if self._witness:
            for sock in self._witness.sockets:
                for _count in range(_LAST_LOOKS):
                    self._look(self._witness, sock)
            missed = self._witness.missed()
        report = {
            "visits": self.visits.rows(self._brief),
            "completed": sum(stage == FINISHED for stage in self.visits.stages.values()),
            "missed": missed + self.visits.forgotten,
            "witness": self._witness is not None,
        }
        content = json.dumps(report).encode()
        controller.sock.settimeout(_FRIEND_SECONDS)
        with contextlib.suppress(OSError):
            controller.sock.sendall(
                _LENGTH.pack(len(content)) + wire.proof(self._token, b"report", nonce, content) + content
            )
        self._stopped = True


class _Peer:
    """Somebody who has connected."""

    known = False

    def __init__(self, responder: Responder, sock: socket.socket) -> None:
        self.responder, self.sock = responder, sock
        sock.setblocking(False)

    def turn(self) -> None:
        if self.sock.fileno() < 0:  # it was dropped for another one since it became ready
            return
        try:
            self.act()
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.responder.drop(self)

    def act(self) -> None:
        raise NotImplementedError


class _Client(_Peer):
    """Asks, gets the answer, sends data, gets as many."""

    def __init__(self, responder: Responder, sock: socket.socket, content: wire.Answer, visit: Visit) -> None:
        super().__init__(responder, sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._content, self._visit = content, visit
        self._question = b""
        self._data_left = wire.TCP_DATA_BYTES
        self._to_send = b""

    def act(self) -> None:
        while True:
            self.responder.expect(self, selectors.EVENT_READ | (selectors.EVENT_WRITE if self._to_send else 0))
            while self._to_send:
                self._to_send = self._to_send[self.sock.send(self._to_send) :]
            self.responder.expect(self, selectors.EVENT_READ)
            if not self._read():
                return

    def _read(self) -> bool:
        """Whether to go on."""
        wanted = min(self._data_left, 8192) if self.known else wire.QUESTION_BYTES - len(self._question)
        part = self.sock.recv(wanted or 1)
        if not part or not wanted:  # gone, or says more than there is to say
            self.responder.drop(self)
            return False
        if self.known:
            self._data_left -= len(part)
            if not self._data_left:
                self._to_send = bytes(wire.TCP_DATA_BYTES)
                self.responder.visits.note(self._visit, FINISHED)
            return True
        self._question += part
        if len(self._question) == wire.QUESTION_BYTES:
            nonce = self.responder.nonce_of(self._question)
            if nonce is None:
                self.responder.drop(self)
                return False
            self.responder.befriend(self)
            self.responder.visits.note(self._visit, ASKED)
            self._to_send = self.responder.answer(nonce, self._content)
        return True


class _Controller(_Peer):
    """Somebody of this host, on the control socket: shows that it knows the token, and has the responder stop."""

    known = True  # a crowd of strangers does not push it out

    def __init__(self, responder: Responder, sock: socket.socket) -> None:
        super().__init__(responder, sock)
        self._nonce = os.urandom(wire.NONCE_BYTES)
        self._said = b""
        self._greeted = False

    def act(self) -> None:
        if not self._greeted:
            self.sock.send(self._nonce)
            self._greeted = True
        proof = self.responder.stop_proof(self._nonce)
        self._said += self.sock.recv(len(proof) - len(self._said)) or b"\0" * len(proof)
        if len(self._said) < len(proof):
            raise BlockingIOError
        if wire.same(self._said, proof):
            self.responder.befriend(self)
            self.responder.stop(self, self._nonce)
        else:
            self.responder.drop(self)


def _local(control: t.Sequence[tuple[int, int, bytes]]) -> tuple[str, tuple[int, int, bytes]] | None:
    """The address that a datagram was sent to, and what has an answer leave from it."""
    for level, kind, data in control:
        if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
            # struct in_pktinfo: the device, the local address, the address in the packet
            return socket.inet_ntop(socket.AF_INET, data[8:12]), (level, kind, bytes(4) + data[8:12] + bytes(4))
        if (level, kind) == (socket.IPPROTO_IPV6, _IPV6_PKTINFO):
            return socket.inet_ntop(socket.AF_INET6, data[:16]), (level, kind, data)
    return None
