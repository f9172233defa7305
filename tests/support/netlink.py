# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel's end of a netlink socket says, packed by hand, and a socket that says it."""

from __future__ import annotations

import socket
import struct

ERROR, DONE, SOCK_DIAG_BY_FAMILY = 2, 3, 20
DUMP_INTR = 0x10


def message(kind, payload=b"", flags=0x2, length=None):
    header = struct.pack("=IHHII", 16 + len(payload) if length is None else length, kind, flags, 1, 4242)
    return header + payload + bytes(-len(payload) % 4)


def attribute(kind, value, length=None):
    return struct.pack("=HH", 4 + len(value) if length is None else length, kind) + value + bytes(-len(value) % 4)


def done(code=0, flags=0x2):
    return message(DONE, struct.pack("=i", code), flags)


def error(code):
    return message(ERROR, struct.pack("=i", -code) + bytes(16))


class Channel:
    """Gives the next of *answers*, each a list of parts, to every request that is sent."""

    def __init__(self, *answers, flags=0):
        self.answers = list(answers)
        self.flags = flags
        self.sent = []
        self.parts = []
        self.closed = False

    def __call__(self, family, kind, protocol):
        assert (family, kind) == (socket.AF_NETLINK, socket.SOCK_RAW)
        self.protocol = protocol
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.closed = True

    def settimeout(self, seconds):
        self.timeout = seconds

    def send(self, request):
        self.sent.append(request)
        self.parts = list(self.answers.pop(0))

    def recvmsg(self, size):
        part = self.parts.pop(0)
        if isinstance(part, Exception):
            raise part
        assert len(part) <= size
        return part, [], self.flags, (0, 0)

    def replaces_sockets(self, monkeypatch):
        monkeypatch.setattr(socket, "AF_NETLINK", 16, raising=False)
        monkeypatch.setattr(socket, "socket", self)
        return self
