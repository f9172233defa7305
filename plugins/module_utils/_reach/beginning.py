# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The beginning of a responder: its sockets, opened with the rights of the task, go to a process of its own."""

from __future__ import annotations

import errno
import os
import time
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import Requirement, RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._reach import (
    control,
    daemon,
    listeners,
    responder,
    session,
    taken,
)
from ansible_collections.preflight.ports.plugins.module_utils._reach.witness import Witness
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse

if t.TYPE_CHECKING:
    import socket

Options = t.Mapping[str, t.Any]


def begin(options: Options, is_check: bool) -> dict[str, t.Any]:
    """What the module returns of it. Raises RequirementError, ControlError."""
    requirements = _requirements(options["ports"])
    channel = None if is_check else _channel(options)
    listens = options["listen"] and not is_check
    found = listeners.bind_all(requirements, listens)
    witness = _witness(found) if options["witness"] and not is_check else None
    pid, early = _start(options, channel, found, witness) if channel and (listens or witness) else (None, None)
    bound = sum(each.state == listeners.BOUND for each in found)
    if listens:
        message = f"The responder answers on {bound} of {len(found)} ports for {options['seconds']} s"
    else:
        message = f"{bound} of {len(found)} ports could be bound; no port was opened"
    return {
        "changed": pid is not None,
        "msg": message,
        "running": pid is not None,
        "pid": pid,
        "ports": _rows(found),
        "witness": witness is not None,
        "may_end_early": early,
    }


def _requirements(entries: t.Sequence[t.Any]) -> list[Requirement]:
    requirements = parse(entries)
    count = sum(len(requirement.ports) for requirement in requirements)
    if count > listeners.MOST_PORTS:
        raise RequirementError(f"ports: these are {count}; a responder answers on at most {listeners.MOST_PORTS}")
    return requirements


def _channel(options: Options) -> socket.socket:
    try:
        return control.listen(options["token"], options["name"])
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise control.ControlError(f"no control socket: {error.strerror}") from error
        said = "A responder with this token and name runs already; end it with state: absent"
        raise control.ControlError(said) from error


def _witness(found: t.Sequence[listeners.Bound]) -> Witness | None:
    """What sees packets arrive; None if this user may not."""
    if os.geteuid() != 0:
        return None
    try:
        return Witness([(each.protocol, each.port) for each in found])
    except OSError:
        return None


def _start(
    options: Options, channel: socket.socket, found: t.Sequence[listeners.Bound], witness: Witness | None
) -> tuple[int, str | None]:
    """(pid, what may end the process early). Raises ControlError."""
    servers = [(each.protocol, sock) for each in found for sock in each.sockets]
    watching = list(witness.sockets) if witness else []
    deadline = time.monotonic() + options["seconds"]

    def run() -> None:
        room = listeners.room_for_peers(len(servers) + len(watching), responder.MOST_PEERS)
        server = responder.Responder(options["token"], options["name"], options["brief"], room)
        server.control(channel)
        for protocol, sock in servers:
            server.serve(protocol, sock)
        if witness:
            server.watch(witness)
        server.run(deadline)

    sockets = [channel, *(sock for _protocol, sock in servers), *watching]
    try:
        pid = daemon.start(run, sockets, options["seconds"])
    except daemon.DaemonError as error:
        raise control.ControlError(str(error)) from error
    finally:
        for sock in sockets:  # they are the new process's alone
            sock.close()
    return pid, session.leave(pid, options["seconds"])


def _rows(found: t.Sequence[listeners.Bound]) -> list[dict[str, t.Any]]:
    known = taken.holders({(each.protocol, each.port) for each in found if each.state == listeners.TAKEN})
    return [
        {
            "port": each.port,
            "protocol": each.protocol,
            "address": each.address,
            "name": each.name,
            "state": each.state,
            "reason": each.reason,
            "holder": known.get((each.protocol, each.port)),
        }
        for each in found
    ]
