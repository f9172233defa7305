# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the unit tests share: real sockets, a process, and the mark of the tests that ask the Linux kernel."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel.patience import PATIENCE, Patience


def pytest_configure(config):
    config.addinivalue_line("markers", "linux: asks the Linux kernel, so that it can be run nowhere else")


def pytest_collection_modifyitems(items):
    if not sys.platform.startswith("linux"):
        elsewhere = pytest.mark.skip(reason="asks the Linux kernel")
        for item in items:
            if item.get_closest_marker("linux"):
                item.add_marker(elsewhere)


class Loopback:
    """Makes sockets that last as long as the test."""

    def __init__(self, stack):
        self._stack = stack

    @staticmethod
    def spare_port():
        """One that nobody has. It is none of those that outgoing connections, of strangers too, are given."""
        for port in random.sample(range(10000, 32768), 500):
            with contextlib.ExitStack() as both, contextlib.suppress(OSError):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    made = both.enter_context(socket.socket(socket.AF_INET6, kind))
                    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                    made.bind(("::", port))
                return port
        raise AssertionError("no port is left")

    def bound(self, protocol="tcp", address="127.0.0.1", port=None, v6only=None, reuse_address=False):
        """A socket that is bound and, with TCP, doesn't listen."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
        self.closed_at_the_end(made)
        if v6only is not None:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
        if reuse_address:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port or self.spare_port()))
        return made

    def listening(self, address="127.0.0.1", **rest):
        server = self.bound("tcp", address, **rest)
        server.listen(5)
        return server

    def connection(self, server, **rest):
        """(client, the server's end) of a connection to *server*."""
        client = self.closed_at_the_end(socket.socket(server.family, socket.SOCK_STREAM))
        client.connect(server.getsockname())
        return client, self.closed_at_the_end(server.accept()[0])

    def closed_at_the_end(self, made):
        self._stack.callback(made.close)
        return made


@pytest.fixture(autouse=True)
def fresh_patience():
    vars(PATIENCE).update(vars(Patience()))


@pytest.fixture
def child():
    """The pid of a process whose command line ends in ``--password=secret``."""
    command = [sys.executable, "-c", "print(flush=True); input()", "--password=secret"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()  # only now it is surely itself
        yield process.pid
        process.communicate(b"\n")


def _next_descriptor():
    descriptor = os.dup(0)
    os.close(descriptor)
    return descriptor


@pytest.fixture
def leaves_nothing_open():
    before = _next_descriptor()
    yield
    assert _next_descriptor() == before


@pytest.fixture
def loopback():
    with contextlib.ExitStack() as stack:
        yield Loopback(stack)
