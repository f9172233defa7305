# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Docker says of its containers: the engine itself over its UNIX socket, or the files that it keeps."""

from __future__ import annotations

import functools
import glob
import json
import os
import socket
import time
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._holders import docker_daemon
from ansible_collections.preflight.ports.plugins.module_utils._holders.json_files import at, read_json

_SECONDS = 1.0
_SECONDS_BELIEVED = 5.0  # a task that waits sees new containers
_MOST_BYTES = 1 << 25
_REQUEST = b"GET /containers/json HTTP/1.0\r\nHost: docker\r\n\r\n"


class Known(t.NamedTuple):
    """A container as Docker has it."""

    id: str
    name: str | None
    addresses: tuple[str, ...]
    published: frozenset[tuple[str, int]] = frozenset()
    """(protocol, port of the host)."""


def containers(root: str = "/") -> tuple[Known, ...]:
    """Those that run, as the engine says; all that there are files of, where it does not answer."""
    return _containers(root, time.monotonic() // _SECONDS_BELIEVED)


@functools.lru_cache(maxsize=1)
def _containers(root: str, _period: float) -> tuple[Known, ...]:
    daemon = docker_daemon.find(root)
    deadline = time.monotonic() + _SECONDS
    for path in daemon.sockets:
        listed = _asked(path, deadline)
        if listed is not None:
            return tuple(filter(None, map(_from_engine, listed)))
    pattern = os.path.join(root, daemon.data_root.lstrip("/"), "containers", "*", "config.v2.json")
    return tuple(filter(None, map(_from_file, glob.glob(pattern))))


def _asked(path: str, deadline: float) -> list[t.Any] | None:
    """The engine's list, or None."""
    try:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.settimeout(_left(deadline))
            engine.connect(path)
            engine.sendall(_REQUEST)
            head, _blank, body = _received(engine, deadline).partition(b"\r\n\r\n")
        listed = json.loads(body) if head.split(b" ")[1:2] == [b"200"] else None
    except (OSError, ValueError, RecursionError):
        return None
    return listed if isinstance(listed, list) else None


def _received(engine: socket.socket, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        engine.settimeout(_left(deadline))
        part = engine.recv(1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > _MOST_BYTES or time.monotonic() > deadline:
            raise OSError("the engine says too much, or too slowly")


def _left(deadline: float) -> float:
    """Seconds; 0 would mean not to wait at all."""
    return max(0.001, deadline - time.monotonic())


def _from_engine(listed: t.Any) -> Known | None:
    names = at(listed, "Names")
    name = next((each for each in names if isinstance(each, str)), None) if isinstance(names, list) else None
    return _known(at(listed, "Id"), name, listed)


def _from_file(path: str) -> Known | None:
    config = read_json(path)
    return _known(os.path.basename(os.path.dirname(path)), at(config, "Name"), config)


def _known(identity: t.Any, name: t.Any, described: t.Any) -> Known | None:
    """One that is stopped, or on the host's network, has an empty address, which is nobody's."""
    if not isinstance(identity, str):
        return None
    networks = at(described, "NetworkSettings", "Networks")
    each = networks.values() if isinstance(networks, dict) else ()
    found = (at(network, key) for network in each for key in ("IPAddress", "GlobalIPv6Address"))
    addresses = tuple(address for address in found if address and isinstance(address, str))
    name = name.lstrip("/") or None if isinstance(name, str) else None
    return Known(identity, name, addresses, _published(described))


def _published(described: t.Any) -> frozenset[tuple[str, int]]:
    """The engine lists ports; in a file each has its bindings."""
    listed = at(described, "Ports")
    if isinstance(listed, list):
        found = [(at(each, "Type"), at(each, "PublicPort")) for each in listed]
    else:
        by_port = at(described, "NetworkSettings", "Ports")
        found = [
            (str(port).rpartition("/")[2], at(binding, "HostPort"))
            for port, bindings in (by_port.items() if isinstance(by_port, dict) else ())
            for binding in (bindings if isinstance(bindings, list) else ())
        ]
    return frozenset((str(protocol), int(port)) for protocol, port in found if str(port).isdigit())
