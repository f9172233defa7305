# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets that answer with a word, and whoever asks them."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time

SERVER, ELSEWHERE = b"server", b"elsewhere"


def ask(protocol, address, port, patience):
    """Who answers there; with UDP who hears, because an answer may take a way of its own."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    there = socket.getaddrinfo(address, port, family, kind, flags=socket.AI_NUMERICHOST)[0][4]
    until = time.monotonic() + patience
    while True:
        with socket.socket(family, kind) as client:
            client.settimeout(min(0.5, patience))
            try:
                client.connect(there)
                return client.recv(100) if protocol == "tcp" else heard(client)
            except OSError as error:
                if time.monotonic() > until:
                    return f"{address}: {error}".encode()


HEARD = {}
"""Token -> the word of the server that got it."""


def heard(client):
    token = os.urandom(8)
    client.send(token)
    until = time.monotonic() + client.gettimeout()
    while token not in HEARD:
        if time.monotonic() > until:
            raise TimeoutError("nobody heard it")
        time.sleep(0.001)
    return HEARD[token]


class Servers:
    """Sockets that answer with a word, until the end."""

    def __enter__(self):
        self._selector = selectors.DefaultSelector()
        self._end, waiting = socket.socketpair()
        self._selector.register(waiting, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self._end.close()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def everywhere(self, port, word):
        for protocol in ("tcp", "udp"):
            self.add(protocol, "0.0.0.0", port, word)
            self.add(protocol, "::", port, word, v6only=True)

    def add(self, protocol, address, port, word, v6only=None):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        server = socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(server.close)
            if protocol == "tcp":
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if v6only is not None:
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
            server.bind((address, port))
            if protocol == "tcp":
                server.listen(100)
            on_failure.pop_all()
        server.setblocking(False)
        self._selector.register(server, selectors.EVENT_READ, (protocol, word))
        return server

    def _serve(self):
        while True:
            for key, _events in self._selector.select():
                if not key.data:
                    return
                protocol, word = key.data
                with contextlib.suppress(OSError):
                    if protocol == "tcp":
                        connection = key.fileobj.accept()[0]
                        connection.send(word)
                        connection.close()
                    else:
                        HEARD[key.fileobj.recv(100)] = word
