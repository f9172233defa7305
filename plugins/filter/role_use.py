# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which uses of the role there were in a play -> the mark of a host that takes part in this one.

A registered result outlives the role: in a second use, a host that has left since would still show what the first one
found. So a host is marked with its use, and the mark says of which uses the results count.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

import jinja2
from ansible_collections.preflight.ports.plugins.filter.port_summary import Variables

DOCUMENTATION = r"""
name: role_use
short_description: The use of the role that a host takes part in
version_added: 1.0.0
author:
  - preflight.ports contributors (@preflight)
description:
  - What the role P(preflight.ports.port_preflight#role) marks its hosts with, to tell its uses apart.
  - Only for the role itself. It reads the role's mark and the magic variables of the play.
options:
  _input:
    description:
      - The C(hostvars) of the play, which have the marks of its hosts.
    type: dict
    required: true
  use:
    description:
      - What tells this use from all others, the role's C(role_uuid).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the mark that this host would get
  ansible.builtin.debug:
    msg: "{{ hostvars | preflight.ports.role_use('another') }}"
"""

RETURN = r"""
_value:
  description:
    - C(id) of the use, and C(play), in which it is. Both are only to be compared.
    - C(again), whether the host took part in another use in this play.
    - C(counts), the uses whose results count for this one.
  type: dict
  sample: {id: 3f8d, play: 90ab, again: false, counts: [3f8d]}
"""


@jinja2.pass_context
def role_use(context: Variables, hostvars: t.Mapping[str, dict[str, t.Any]], use: str) -> dict[str, t.Any]:
    """Those of earlier batches count: an include is another use in each of them, which only its play has in common."""
    play = _play(context)
    known = context.get("__port_preflight_use") or {}
    again = known.get("play") == play
    batches = known["counts"] if again else _uses_elsewhere(context, hostvars, play)
    return {"id": use, "play": play, "again": again, "counts": [use, *(set(batches) - {use, known.get("id")})]}


def _play(context: Variables) -> str:
    """Its name and hosts: nothing else is the same in all batches."""
    known_by = [context["ansible_play_name"], context["ansible_play_hosts_all"]]
    return hashlib.sha256(json.dumps(known_by).encode()).hexdigest()


def _uses_elsewhere(context: Variables, hostvars: t.Mapping[str, dict[str, t.Any]], play: str) -> set[str]:
    variables = getattr(hostvars, "raw_get", hostvars.__getitem__)
    others = set(context["ansible_play_hosts"]).difference(context["ansible_play_batch"])
    marks = [variables(host).get("__port_preflight_use", {}) for host in others]
    return {mark["id"] for mark in marks if mark.get("play") == play}


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"role_use": role_use}
