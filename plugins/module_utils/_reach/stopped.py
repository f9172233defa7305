# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients whose packets reached this host and no server -> what its own rules do to them."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.passage import OPEN, Access, Network, Passage
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import Endpoint, is_link_local, packed
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate
from ansible_collections.preflight.ports.plugins.module_utils._reach.visits import ARRIVED, STAGES

_MOST = 500
"""Of ports and clients together."""


def rules(visits: t.Iterable[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """A row for each client and port; none where the rules cannot be read. *visits*: as the responder returns them."""
    arrived = {
        (each["protocol"], each["port"], each["destination"], each["source"]): None
        for each in visits
        if each["stage"] == STAGES[ARRIVED] and not is_link_local(packed(each["destination"]))
    }
    accesses = [_access(*key) for key in itertools.islice(arrived, _MOST)]
    passages = gate.passages(accesses) if accesses else None
    if passages is None:
        return []
    questions = [Question(each.protocol, each.endpoints[0], each.first) for each in accesses]
    redirects = gate.find(questions) or {}
    rows = []
    for (protocol, port, destination, source), question, found in zip(arrived, questions, passages):
        passage = found[0] if found else Passage(port, port, OPEN)
        redirect = redirects.get(question)
        rows.append(
            {
                "protocol": protocol,
                "port": port,
                "destination": destination,
                "source": source,
                "verdict": passage.verdict,
                "by": passage.by,
                "rule": passage.rule,
                "advice": passage.advice,
                "sent_to": redirect.target if redirect and not redirect.depends_on else None,
            }
        )
    return rows


def _access(protocol: str, port: int, destination: str, source: str) -> Access:
    """The question is about this client, the advice about all: many clients are to have one line in the message."""
    address, client = packed(destination), packed(source)
    endpoint = Endpoint(address, True if len(address) == 16 else None)
    return Access(protocol, (endpoint,), port, port, (Network(client, 8 * len(client)),), are_named=False)
