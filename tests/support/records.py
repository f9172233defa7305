# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records that several tests need, written short."""

from __future__ import annotations

import socket

from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Census, Container, Process, Redirect
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    LISTENING,
    Endpoint,
    Socket,
)
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse

DOCKER_RULE = Redirect("172.17.0.2:80", "iptables", ("ip nat PREROUTING", "DOCKER"))

HOSTILE = "\x1b[31mroot\x07\r\n\u202egpj.exe\udcff"
HARMLESS = r"\x1b[31mroot\x07\r\n\u202egpj.exe\xff"

CONTAINER_ID = "0123456789abcdef" * 4


def at(address, v6only=None, interface=None, vrf=None):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return Endpoint(socket.inet_pton(family, address), v6only, interface, vrf)


def row(state, address="0.0.0.0", port=80, protocol="tcp", v6only=None, interface=None, vrf=None, **rest):
    return Socket(protocol, at(address, v6only, interface, vrf), port, state, **rest)


# Sockets on one port.
SERVER = row(LISTENING)
ELSEWHERE = row(LISTENING, "::1", v6only=True)
PERHAPS = row(LISTENING, "::", v6only=None)
WAITING = row(BOUND, "127.0.0.1")
OUTGOING = row(CONNECTED, "10.0.0.5", peer="10.0.0.9:443")
DYING = row(CLOSING, "10.0.0.5", peer="10.0.0.9:443")
DATAGRAMS = row(BOUND, protocol="udp")
CONVERSATION = row(CONNECTED, protocol="udp", peer="10.0.0.9:53")


def wanting(*entries, **rest):
    return parse(entries, **rest)


def want(entry=80, **rest):
    (requirement,) = parse([entry], **rest)
    return requirement


APACHE = Process(812, "apache2", "/usr/sbin/apache2", 0, "root", "apache2.service", started=1000.0, exe_is_here=True)
CURL = Process(4711, "curl", "/usr/bin/curl", 1000, "app", started=2000.0, exe_is_here=True)
WEB = Container(CONTAINER_ID, "web", "docker")


def census_of(*processes, **rest):
    """Of processes whose sockets have the inodes that their pids are, to keep the tables short."""
    return Census(
        pids={process.pid: [process.pid] for process in processes},
        processes={process.pid: process for process in processes},
        **rest,
    )
