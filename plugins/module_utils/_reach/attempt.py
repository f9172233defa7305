# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One attempt to reach one address: what is sent, what comes back, and what that means."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import struct
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import TCP
from ansible_collections.preflight.ports.plugins.module_utils._reach import causes, error_queue, states, wire

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER: close(2) sends a reset, which leaves no TIME_WAIT on either side."""

_IN_PROGRESS = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR)
# Of a connection that was made; without one, a reset is ECONNREFUSED: tcp_reset() in net/ipv4/tcp_input.c.
_ENDED = (errno.ECONNRESET, errno.EPIPE)
_HEADERS = {socket.AF_INET: 28, socket.AF_INET6: 48}  # of IP and UDP
_MTU_OPTION = {socket.AF_INET: (socket.IPPROTO_IP, 14), socket.AF_INET6: (socket.IPPROTO_IPV6, 24)}  # IP_MTU, IPV6_MTU
_USUAL_MTU = 1500
_REPEAT_SECONDS = 0.5

# What servers answer: a DNS query for the root's name servers, the packet of an NTP client.
_QUESTIONS = {
    53: bytes.fromhex("7066010000010000000000000000020001"),
    123: b"\x23" + bytes(47),
}


class Outcome(t.NamedTuple):
    """How an attempt ended."""

    state: str
    reason: str
    seconds: float = 0.0
    address: str | None = None
    source: wire.End | None = None
    """The client's own end; None if nothing was sent."""
    seen: wire.Answer | None = None
    """What the responder that answered saw."""


class Attempt:
    """Common to TCP and UDP: the socket, the clock, the outcome."""

    kind: int

    def __init__(self, protocol: str, family: int, address: tuple[t.Any, ...], token: str, has_responder: bool) -> None:
        self.protocol, self.family, self.address = protocol, family, address
        self.token, self.has_responder = token, has_responder
        self.outcome: Outcome | None = None
        self.nonce = os.urandom(wire.NONCE_BYTES)
        self.sock: socket.socket | None = None
        self.events = selectors.EVENT_WRITE
        self.next_turn: float | None = None
        """When to act if nothing comes; None if only at the end."""
        self._source: wire.End | None = None
        self._seen: wire.Answer | None = None
        self._passes_small = False

    def start(self, now: float) -> None:
        """Raises OSError only if this process may open no more sockets."""
        self.began = now
        try:
            self.sock = socket.socket(self.family, self.kind)
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise
            self.fail(error, now)
            return
        self.sock.setblocking(False)
        error_queue.enable(self.sock)
        try:
            self.begin(self.sock, now)
        except OSError as error:
            self.fail(error, now, is_refused=True)

    def begin(self, sock: socket.socket, now: float) -> None:
        raise NotImplementedError

    def act(self, sock: socket.socket, now: float) -> None:
        raise NotImplementedError

    def turn(self, now: float) -> None:
        """The socket is ready, or the time of the next turn has come. Only once it has started."""
        if self.sock and not self.outcome:
            try:
                self.act(self.sock, now)
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as error:
                self.fail(error, now)

    def fail(self, error: OSError, now: float, is_refused: bool = False) -> None:
        """The kernel says that it does not go on, or has not begun."""
        source = self._source.address if self._source else None
        seconds = now - self.began
        attempted = causes.Attempted(self.protocol, self.address[0], seconds, self.has_responder, source, is_refused)
        icmp = error_queue.read(self.sock) if self.sock else None
        if self._passes_small:
            self.end(states.STALLED, f"small data pass, then full-size data ended with: {error.strerror}", now)
        else:
            self.end(*causes.judge(attempted, error.errno or 0, icmp), now)

    def expire(self, now: float) -> None:
        """Its time is over."""
        if self._passes_small:
            self.end(states.STALLED, "small data pass, full-size data do not: look for the MTU on the way", now)
        else:
            self.end(states.NO_ANSWER, "no answer", now)

    def end(self, state: str, reason: str, now: float) -> None:
        if self.sock and not self._source:
            self._note_source(self.sock)
        seconds = round(now - self.began, 3)
        self.outcome = Outcome(state, reason, seconds, self.address[0], self._source, self._seen)

    def close(self) -> None:
        if self.sock:
            self.sock.close()

    def _note_source(self, sock: socket.socket) -> None:
        try:
            address, port = sock.getsockname()[:2]
        except OSError:
            return
        if port:
            self._source = wire.End(wire.plain(address), port)

    def _accept(self, message: bytes, now: float) -> bool:
        """Whether this is our responder's answer; if not, somebody else's ends the attempt."""
        self._seen = wire.answer_of(self.token, self.nonce, message)
        if self._seen:
            self._passes_small = True
            return True
        self.end(states.WRONG_PEER, "somebody else answered, without the token of this run", now)
        return False


class TcpAttempt(Attempt):
    """Connect; with a responder also small data, then full-size data, both ways."""

    kind = socket.SOCK_STREAM

    def begin(self, sock: socket.socket, now: float) -> None:
        self._connected = False
        self._to_send = b""
        self._received = b""
        self._data_left = wire.TCP_DATA_BYTES
        error = sock.connect_ex(self.address)
        self._note_source(sock)
        if error not in _IN_PROGRESS:
            raise OSError(error, os.strerror(error))

    def act(self, sock: socket.socket, now: float) -> None:
        if not self._connected:
            self._connect(sock, now)
        while not self.outcome:
            self.events = selectors.EVENT_READ | selectors.EVENT_WRITE
            while self._to_send:
                self._to_send = self._to_send[sock.send(self._to_send) :]
            self.events = selectors.EVENT_READ
            self._read(sock, now)

    def _connect(self, sock: socket.socket, now: float) -> None:
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error in _ENDED:
            self._connected = True
            state = states.WRONG_PEER if self.has_responder else states.SERVED
            self.end(state, "the connection was accepted, then ended at once", now)
            return
        if error:
            raise OSError(error, os.strerror(error))
        self._note_source(sock)
        self._connected = True
        if self.has_responder:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._to_send = wire.question(self.token, self.nonce)
        else:
            self.end(states.SERVED, "the connection was accepted", now)

    def _read(self, sock: socket.socket, now: float) -> None:
        part = sock.recv(min(self._data_left, 8192) if self._seen else wire.ANSWER_BYTES - len(self._received))
        if not part and not self._seen:
            self.end(states.WRONG_PEER, "the connection was accepted, then closed without our answer", now)
        elif not part:
            self.end(states.STALLED, "small data pass, then the connection was closed", now)
        elif self._seen:
            self._data_left -= len(part)
            if not self._data_left:
                self.end(states.OPEN, "our responder answered", now)
        else:
            self._received += part
            if len(self._received) == wire.ANSWER_BYTES and self._accept(self._received, now):
                self._to_send = bytes(wire.TCP_DATA_BYTES)

    def fail(self, error: OSError, now: float, is_refused: bool = False) -> None:
        if self._connected and not self._seen:
            self.end(states.WRONG_PEER, f"the connection was accepted, then ended without our answer: {error}", now)
        else:
            super().fail(error, now, is_refused)

    def expire(self, now: float) -> None:
        if self._connected and not self._seen:
            self.end(states.WRONG_PEER, "the connection was accepted, but nobody answered with the token", now)
        else:
            super().expire(now)


class UdpAttempt(Attempt):
    """A question and its answer; with a responder also a datagram of full size, both ways. Each is repeated."""

    kind = socket.SOCK_DGRAM

    def begin(self, sock: socket.socket, now: float) -> None:
        sock.connect(self.address)
        self._note_source(sock)
        self.events = selectors.EVENT_READ
        if self.has_responder:
            self._message = wire.question(self.token, self.nonce, wire.UDP_QUESTION_BYTES)
        else:
            self._message = _QUESTIONS.get(self.address[1], b"\0")
        self._size = 0
        self.next_turn = now

    def act(self, sock: socket.socket, now: float) -> None:
        self._listen(sock, now)
        if not self.outcome and self.next_turn is not None and now >= self.next_turn:
            self.next_turn = now + _REPEAT_SECONDS
            self._send(sock)

    def _send(self, sock: socket.socket) -> None:
        try:
            sock.send(self._message)
        except OSError as error:
            # The path takes less than the link: from now on the kernel fragments.
            if error.errno != errno.EMSGSIZE:
                raise
            error_queue.read(sock)

    def _listen(self, sock: socket.socket, now: float) -> None:
        while not self.outcome:
            try:
                answer = sock.recv(65535)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno == errno.EMSGSIZE:
                    error_queue.read(sock)
                    continue
                raise
            if not self.has_responder:
                self.end(states.SERVED, "the service answered", now)
            elif self._seen:
                if len(answer) == self._size and wire.answer_of(self.token, self.nonce, answer):
                    self.end(states.OPEN, "our responder answered", now)
            elif self._accept(answer, now):
                self._size = _full_size(sock)
                self._message = wire.question(self.token, self.nonce, self._size)
                self.next_turn = now


def _full_size(sock: socket.socket) -> int:
    """The bytes of a datagram that fills the link on which it leaves, so far as we go."""
    try:
        mtu = sock.getsockopt(*_MTU_OPTION[sock.family])
    except OSError:
        mtu = _USUAL_MTU
    return max(wire.UDP_QUESTION_BYTES, min(mtu - _HEADERS[sock.family], wire.UDP_DATA_BYTES))


def attempt(protocol: str, family: int, address: tuple[t.Any, ...], token: str, has_responder: bool) -> Attempt:
    return (TcpAttempt if protocol == TCP else UdpAttempt)(protocol, family, address, token, has_responder)
