# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where nothing listens on the required address: on which others does something?"""

from __future__ import annotations

from ansible_collections.preflight.ports.plugins.module_utils._look.witnesses import table
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import LISTENERS, SERVING
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import Source
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdicts import Verdicts


def find(verdicts: Verdicts, source: Source) -> Verdicts:
    """The *verdicts* with these addresses. Raises SourceError."""
    missed = {
        key: Question(verdict.requirement.protocol, verdict.requirement.endpoints[0], verdict.port)
        for key, verdict in verdicts.items()
        if verdict.state == FREE and not verdict.met and verdict.requirement.address is not None
    }
    sockets = table(missed.values(), source, LISTENERS)
    found = dict(verdicts)
    for key, (protocol, _endpoint, port) in missed.items():
        servers = [held for held in sockets.get((protocol, port), ()) if held.state == SERVING[protocol]]
        found[key] = verdicts[key]._replace(elsewhere=tuple(dict.fromkeys(str(held.endpoint) for held in servers)))
    return found
