# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names -> addresses, each name once and in bounded time: getaddrinfo(3) may block for as long as it likes."""

from __future__ import annotations

import queue
import socket
import threading
import time
import typing as t

_AT_ONCE = 32
_MOST_ADDRESSES = 8

Found = t.List[t.Tuple[int, t.Tuple[t.Any, ...]]]
"""(family, socket address with port 0), in the order in which a client tries them."""


class Unresolved(Exception):
    """A name that has no address; the text says why."""


def resolve(hosts: t.Iterable[str], seconds: float) -> dict[str, Found | Unresolved]:
    """The addresses of each host. A look-up that does not end in time is abandoned with its thread."""
    waiting: queue.Queue[str] = queue.Queue()
    answers: queue.Queue[tuple[str, Found | Unresolved]] = queue.Queue()
    found: dict[str, Found | Unresolved] = {}
    for host in dict.fromkeys(hosts):
        literal = _literal(host)
        if literal:
            found[host] = literal
        else:
            waiting.put(host)
            found[host] = Unresolved(f"the resolver gave no answer in {seconds:g} s")
    pending = waiting.qsize()
    for _count in range(min(pending, _AT_ONCE)):
        threading.Thread(target=_work, args=(waiting, answers), daemon=True).start()
    deadline = time.monotonic() + seconds
    try:
        for _count in range(pending):
            host, answer = answers.get(timeout=max(0.001, deadline - time.monotonic()))
            found[host] = answer
    except queue.Empty:
        pass
    return found


def _work(waiting: queue.Queue[str], answers: queue.Queue[tuple[str, Found | Unresolved]]) -> None:
    while True:
        try:
            host = waiting.get_nowait()
        except queue.Empty:
            return
        answers.put((host, _look_up(host)))


def _look_up(host: str) -> Found | Unresolved:
    try:
        return _addresses(host, socket.AI_ADDRCONFIG)
    except (OSError, UnicodeError) as error:  # a label that is empty or too long is a UnicodeError
        return Unresolved(f"the name {host!r} does not resolve: {getattr(error, 'strerror', None) or error}")


def _literal(host: str) -> Found | None:
    try:
        return _addresses(host, socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None


def _addresses(host: str, flags: int) -> Found:
    rows = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=flags)
    found = [(int(family), address) for family, _type, _protocol, _name, address in rows]
    return list(dict.fromkeys(found))[:_MOST_ADDRESSES]
