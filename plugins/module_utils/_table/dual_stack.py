# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IPV6_V6ONLY of sockets on ``::`` where the table does not tell it.

All of 127.0.0.0/8 is on every host. On an address of it that nobody has bound, a bind to the port can only meet a
socket on ``::`` that takes IPv4, too.
"""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel import bind
from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import overlap
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ANY6, Endpoint, Socket


def resolve(sockets: list[Socket], all_seen: bool) -> list[Socket]:
    """The sockets of one port, with IPV6_V6ONLY where it could be found out. Raises ProbeError.

    Unless they are *all_seen*, another one may be in the way.
    """
    unclear = [held for held in sockets if held.endpoint.address == ANY6 and held.endpoint.v6only is None]
    # For what is unclear, overlap() gives None.
    unused = next((each for each in _loopback() if not any(overlap(each, held.endpoint) for held in sockets)), None)
    if len(unclear) != 1 or unused is None:
        return sockets
    (held,) = unclear
    answer = bind.probe(Question(held.protocol, unused, held.port))
    if answer not in (bind.FREE, bind.REUSABLE) and not (answer == bind.IN_USE and all_seen):
        return sockets
    known = held._replace(endpoint=held.endpoint._replace(v6only=answer != bind.IN_USE))
    return [known if each is held else each for each in sockets]


def _loopback() -> t.Iterator[Endpoint]:
    """Enough of its addresses, from its end, where hardly anybody binds."""
    return (Endpoint(bytes((127, 255, 255, last))) for last in range(254, 0, -1))
