# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the policy's rules say about a denied port: the booleans that would allow it, and the services concerned."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.denial import NAME_BIND, Denial, Denials, Switch
from ansible_collections.preflight.ports.plugins.module_utils._selinux.binding import Wish
from ansible_collections.preflight.ports.plugins.module_utils._selinux.labels import Labels
from ansible_collections.preflight.ports.plugins.module_utils._selinux.servers import Entered, is_servers

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._selinux.booleans import Asked


def explained(found: Denials, wishes: t.Mapping[int, Wish], policy: bytes, labels: Labels) -> Denials:
    """With the booleans that would open the ports, and without what is denied to a unit's domain but not to its server.

    Only a denied port costs the time to read all rules.
    """

    def question(index: int, denial: Denial) -> Asked:
        return denial.domain, f"{wishes[index].protocol}_socket", denial.target

    each = [(index, denial) for index, denials in found.items() for denial in denials if denial.permission == NAME_BIND]
    questions = list(dict.fromkeys(question(*one) for one in each))
    switches, entered = _in_rules(policy, questions) if questions else ({}, {})
    return {
        index: [
            denial._replace(switches=switches.get(question(index, denial), ()), unit=wishes[index].unit)
            for denial in denials
            if _counts(denial, wishes[index], entered, labels)
        ]
        for index, denials in found.items()
    }


def _counts(denial: Denial, wish: Wish, entered: Entered, labels: Labels) -> bool:
    """Whether the kernel would say it to whoever binds the port. Of a socket, its label alone has to have name_bind."""
    if wish.is_socket:
        return denial.permission == NAME_BIND
    return not wish.unit or is_servers(denial, wish.protocol, entered, labels)


def _in_rules(policy: bytes, questions: t.Sequence[Asked]) -> tuple[dict[Asked, tuple[Switch, ...]], Entered]:
    """What libsepol tells, if anything."""
    from ansible_collections.preflight.ports.plugins.module_utils._selinux import booleans, sepol, transitions

    domains = list(dict.fromkeys(domain for domain, _class, _type in questions))

    def answer(cil: str) -> t.Any:
        return booleans.switches(cil, questions), {each: transitions.entered(cil, each) for each in domains}

    try:
        switches, entered = sepol.in_rules(policy, answer)
    except sepol.SepolError:
        return {}, {}
    return {each: tuple(Switch(*one) for one in found) for each, found in zip(questions, switches)}, entered
