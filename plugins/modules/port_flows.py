#!/usr/bin/python

# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: port_flows
short_description: Plan flows between hosts, and judge their results
version_added: 1.0.0
description:
  - The controller's part of the role P(preflight.ports.port_reach#role). Use the module only through the role. It runs
    nothing on a target.
  - The module checks the answers of hosts before it uses them. A malformed answer makes the flows of its host
    V(not_tested).
author:
  - preflight.ports contributors (@preflight)
extends_documentation_fragment:
  - preflight.ports._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    support: full
options:
  step:
    description:
      - V(plan) decides which host tries which flows. V(clients) lists, once the responders are up, what each client has
        to try. V(record) judges the results, and writes the reports. V(judge) says what was found, and stops the play.
    type: str
    choices: [plan, clients, record, judge]
    required: true
  flows:
    description:
      - With O(step=plan), as O(preflight.ports.port_reach#role:main:port_reach_flows).
    type: list
    elements: dict
  timeout:
    description:
      - With O(step=plan), as O(preflight.ports.port_reach#role:main:port_reach_timeout).
    type: float
  seconds:
    description:
      - With O(step=plan), as O(preflight.ports.port_reach#role:main:port_reach_seconds).
    type: int
  responders:
    description:
      - With O(step=plan), as O(preflight.ports.port_reach#role:main:port_reach_responders).
    type: bool
  witness:
    description:
      - With O(step=plan), as O(preflight.ports.port_reach#role:main:port_reach_witness).
    type: bool
  host_firewall:
    description:
      - With O(step=plan), as O(preflight.ports.port_reach#role:main:port_reach_host_firewall).
    type: str
  sample:
    description:
      - With O(step=plan), as O(preflight.ports.port_reach#role:main:port_reach_sample).
    type: int
  enforce:
    description:
      - With O(step=plan), as O(preflight.ports.port_reach#role:main:port_reach_enforce).
    type: bool
  unreachable:
    description:
      - With O(step=plan), as O(preflight.ports.port_reach#role:main:port_reach_unreachable).
    type: str
  reports:
    description:
      - With O(step=plan), as O(preflight.ports.port_reach#role:main:port_reach_reports).
    type: list
    elements: str
  token:
    description:
      - With O(step=clients) and O(step=record), the secret of this run.
    type: str
  plan:
    description:
      - With O(step=clients) and O(step=record), what O(step=plan) returned.
    type: dict
  clients:
    description:
      - With O(step=record), what O(step=clients) returned.
    type: dict
  message:
    description:
      - With O(step=judge), the RV(msg) of O(step=record).
    type: str
  stops:
    description:
      - With O(step=judge), the RV(stops) of O(step=record).
    type: bool
"""

EXAMPLES = r"""
- name: Test flows with the role, which uses this
  ansible.builtin.include_role:
    name: preflight.ports.port_reach
  vars:
    port_reach_flows:
      - {from: web, to: db, ports: [5432]}
"""

RETURN = r"""
msg:
  description: The verdict, one paragraph for each cause.
  returned: if O(step=record) or O(step=judge)
  type: raw
stops:
  description: Whether the play must stop.
  returned: if O(step=record)
  type: bool
flows:
  description: The flows that are not as expected.
  returned: if O(step=record)
  type: list
  elements: dict
"""
