# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with a firewall, clients on two of its devices, and a container behind a bridge.

Each is a network namespace of its own. This process is in the host's, where servers are on all ports of PORTS. Of what
comes to the container, the first packet is enough: its answers would have to pass the firewall, too.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import selectors
import socket
import struct
import subprocess
import threading
import time
from typing import Iterable, NamedTuple

from support.networks import Networks, write_setting

PORTS = (22, 53, 80, 443, 5432, 8000, 8001, 8080)
TCP, UDP = "tcp", "udp"
OUTER, INNER, CONTAINER = "outer", "inner", "container"
_ETH_P_ALL, _ETH_P_IP, _ETH_P_IPV6 = 0x3, 0x800, 0x86DD
_FIRST_PATIENCE, _LAST_PATIENCE = 0.12, 5.0

_HOST = """
link set lo up
link add wan0 type veth peer name eth0 netns {outer}
link add lan0 type veth peer name eth0 netns {inner}
link add docker0 type bridge forward_delay 0
link add c0 type veth peer name eth0 netns {container}
link set c0 master docker0
link set wan0 addrgenmode none
link set lan0 addrgenmode none
link set docker0 addrgenmode none
link set lan0 group 7
link set wan0 up
link set lan0 up
link set docker0 up
link set c0 up
addr add 192.0.2.1/24 dev wan0
addr add 192.0.2.2/24 dev wan0
addr add 2001:db8:1::1/64 dev wan0 nodad
addr add 10.0.0.1/24 dev lan0
addr add fd00:10::1/64 dev lan0 nodad
addr add 172.17.0.1/16 dev docker0
addr add fd00:17::1/64 dev docker0 nodad
addr add fe80::2/64 dev docker0 nodad
route add default via 192.0.2.9
route add default via 2001:db8:1::9
"""
# Neighbours are known for good: to find them takes packets, which the rules would meet, too.
_MACS = {
    OUTER: ("wan0", "02:00:00:00:01:01", "02:00:00:00:01:02"),
    INNER: ("lan0", "02:00:00:00:02:01", "02:00:00:00:02:02"),
    CONTAINER: ("docker0", "02:00:00:00:03:01", "02:00:00:00:03:02"),
}
_GUESTS = {
    OUTER: ("192.0.2.9/24 192.0.2.77/24 198.51.100.7/32 203.0.113.50/32 2001:db8:1::9/64 2001:db8:1::77/64"
            " 2001:db8:99::7/128", "192.0.2.1", "2001:db8:1::1"),
    INNER: ("10.0.0.9/24 10.0.0.200/24 fd00:10::9/64 fd00:10::200/64", "10.0.0.1", "fd00:10::1"),
    CONTAINER: ("172.17.0.2/16 172.17.0.3/16 fd00:17::2/64", "172.17.0.1", "fd00:17::1"),
}  # fmt: skip


class Client(NamedTuple):
    guest: str
    address: str

    @property
    def servers(self) -> tuple[str, ...]:
        """The addresses of the host's device that this client is behind."""
        is_ipv6 = ":" in self.address
        if self.guest == OUTER:
            return ("2001:db8:1::1",) if is_ipv6 else ("192.0.2.1", "192.0.2.2")
        return ("fd00:10::1",) if is_ipv6 else ("10.0.0.1",)


CLIENTS = [
    Client(guest, address.partition("/")[0])
    for guest, (addresses, _gateway, _gateway6) in _GUESTS.items()
    for address in addresses.split()
    if guest != CONTAINER
]


class Probe(NamedTuple):
    """The first packet of a client."""

    client: Client
    protocol: str
    address: str
    port: int


class World:
    """Made by entering it."""

    def __enter__(self) -> World:
        with contextlib.ExitStack() as stack:
            self._networks = stack.enter_context(Networks(*_GUESTS))
            self._networks.ip(_HOST)
            for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
                write_setting(name, "1")
            for guest, (addresses, gateway, gateway6) in _GUESTS.items():
                lines = ["link set lo up", "link set eth0 up"]
                lines += [f"addr add {each} dev eth0{' nodad' if ':' in each else ''}" for each in addresses.split()]
                lines += [f"route add default via {each}" for each in (gateway, gateway6)]
                device, mac, its_mac = _MACS[guest]
                lines += ["link set eth0 address " + its_mac]
                lines += [f"neigh replace {each} lladdr {mac} dev eth0 nud permanent" for each in (gateway, gateway6)]
                self._networks.ip("\n".join(lines), guest)
                own = [each.partition("/")[0] for each in addresses.split()]
                lines = [f"link set {device} address {mac}"]
                lines += [f"neigh replace {each} lladdr {its_mac} dev {device} nud permanent" for each in own]
                self._networks.ip("\n".join(lines))
            self._servers = stack.enter_context(Servers())
            self._servers.add(PORTS)
            self._networks.inside(CONTAINER, self._servers.watch)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    def arrived(self, probes: Iterable[Probe], expected: Iterable[Probe] = ()) -> set[Probe]:
        """Whose packets get to a server; for those that are *expected* there is all the time that it takes."""
        probes, expected = list(probes), set(expected)
        found = self._send(probes, _FIRST_PATIENCE)
        until = time.monotonic() + _LAST_PATIENCE
        while expected - found and time.monotonic() < until:
            found |= self._send(expected - found, 0.5)
        return found

    def _send(self, probes: Iterable[Probe], patience: float) -> set[Probe]:
        with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
            waiting, tokens, found, ends = {}, {}, set(), {}
            for guest in (OUTER, INNER):
                mine = [probe for probe in probes if probe.client.guest == guest]
                clients = self._networks.inside(guest, functools.partial(list, map(_socket, mine)))
                for probe, client in zip(mine, clients):
                    stack.enter_context(client)
                    ends[client.getsockname()[:2]] = probe
                    if probe.protocol == UDP:
                        tokens[probe] = os.urandom(8)
                        with contextlib.suppress(OSError):
                            client.sendto(tokens[probe], (probe.address, probe.port))
                    else:
                        client.connect_ex((probe.address, probe.port))
                        waiting[selector.register(client, selectors.EVENT_WRITE)] = probe
            until = time.monotonic() + patience
            while (waiting or tokens) and time.monotonic() < until:
                for key, _events in selector.select(0.005):
                    probe = waiting.pop(key)
                    selector.unregister(key.fileobj)
                    if not key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                        found.add(probe)
                found |= {probe for probe, token in tokens.items() if token in self._servers.heard}
                found |= {probe for end, probe in ends.items() if end in self._servers.seen}
                tokens = {probe: token for probe, token in tokens.items() if probe not in found}
            return found


_PORTS_TO_SEND_FROM = itertools.cycle(range(20000, 61000))  # none again while a connection is tracked that had it


def _socket(probe: Probe) -> socket.socket:
    family = socket.AF_INET6 if ":" in probe.address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM if probe.protocol == TCP else socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind((probe.client.address, next(_PORTS_TO_SEND_FROM)))
    if probe.protocol == TCP:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no TIME_WAIT
    return made


class Servers:
    """They take whatever comes."""

    def __enter__(self) -> Servers:
        self.heard: set[bytes] = set()
        """The datagrams that came."""
        self.seen: set[tuple[str, int]] = set()
        """Where packets came from that are watched."""
        self._selector = selectors.DefaultSelector()
        self._end, waiting = socket.socketpair()
        self._selector.register(waiting, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._end.close()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def add(self, ports: Iterable[int]) -> None:
        for port in ports:
            for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    server = socket.socket(family, kind)
                    if family == socket.AF_INET6:
                        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    if kind == socket.SOCK_STREAM:
                        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    server.bind((address, port))
                    server.setblocking(False)
                    if kind == socket.SOCK_STREAM:
                        server.listen(1000)
                    self._selector.register(server, selectors.EVENT_READ, kind)

    def watch(self) -> None:
        """What comes to the caller's namespace."""
        watching = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        watching.setblocking(False)
        self._selector.register(watching, selectors.EVENT_READ, socket.SOCK_RAW)

    def _see(self, packet: bytes, kind: int) -> None:
        if kind == _ETH_P_IP:
            source, port = socket.inet_ntop(socket.AF_INET, packet[12:16]), packet[20:22]
        elif kind == _ETH_P_IPV6:
            source, port = socket.inet_ntop(socket.AF_INET6, packet[8:24]), packet[40:42]
        else:
            return
        self.seen.add((source, int.from_bytes(port, "big")))

    def _serve(self) -> None:
        while True:
            for key, _events in self._selector.select():
                if key.data is None:
                    return
                with contextlib.suppress(OSError):
                    if key.data == socket.SOCK_STREAM:
                        key.fileobj.accept()[0].close()
                    elif key.data == socket.SOCK_RAW:
                        packet, (_device, kind, *_rest) = key.fileobj.recvfrom(100)
                        self._see(packet, kind)
                    else:
                        self.heard.add(key.fileobj.recv(100))


def run(*command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=text, text=True, capture_output=True, check=False)
