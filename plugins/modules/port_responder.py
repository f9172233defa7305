#!/usr/bin/python

# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: port_responder
short_description: Answer on ports for a short time, so that their flows can be tested before the service exists
version_added: 1.0.0
description:
  - With O(state=present), starts one process that binds the ports, answers clients that know the token, and watches
    which packets arrive. With O(state=absent), ends the process and returns which clients came.
  - The module does not touch ports that are taken, and returns them with their holder.
  - The process ends by itself after O(seconds). It leaves no file, no unit and no C(TIME_WAIT). As root it binds the
    ports, opens the sockets that watch, and becomes C(nobody).
  - The role P(preflight.ports.port_reach#role) uses it with M(preflight.ports.port_connect).
author:
  - preflight.ports contributors (@preflight)
extends_documentation_fragment:
  - preflight.ports._attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode, no process is started and no port is opened. Ports that could be bound are returned as V(bound).
  diff_mode:
    support: none
  platform:
    support: full
    platforms: linux
options:
  state:
    description:
      - Whether the responder runs.
    type: str
    choices: [present, absent]
    default: present
  token:
    description:
      - A secret of at least 16 characters, made for this run. Anyone who knows it can use the responder and end it.
      - The token appears in no result, log, command line or file.
    type: str
    required: true
  name:
    description:
      - The name of this responder. It lets clients distinguish responders with the same token. Several responders with
        different names may run on one host.
    type: str
    default: ""
  ports:
    description:
      - The ports to answer on, as in O(preflight.ports.port_check#module:ports). At most 2000.
    type: list
    elements: raw
    default: []
  seconds:
    description:
      - After how many seconds the process ends by itself.
    type: int
    default: 120
  listen:
    description:
      - Whether to open the ports. With V(false), the process only watches what arrives, which needs root.
    type: bool
    default: true
  witness:
    description:
      - Whether to watch, as root, which packets reach this host, and which of them pass its own firewall.
    type: bool
    default: true
  brief:
    description:
      - Whether RV(visits) leaves out flows that came through completely.
    type: bool
    default: false
notes:
  - The responder answers only clients that show that they know the token (HMAC-SHA256 of a nonce). No UDP answer is
    longer than its question.
  - Some hosts end a user's processes with the session (C(KillUserProcesses=yes)). There, a module that runs as root
    makes systemd put the process into a scope of its own. Without root, the process may end early, and
    RV(may_end_early) says so.
seealso:
  - module: preflight.ports.port_connect
"""

EXAMPLES = r"""
- name: Make a token that all tasks share
  ansible.builtin.set_fact:
    responder_token: "{{ lookup('ansible.builtin.password', '/dev/null', length=32) }}"
  run_once: true
  no_log: true

- name: Answer on the port of the database for two minutes
  preflight.ports.port_responder:
    token: "{{ responder_token }}"
    ports: [5432]

- name: End it, and see which clients came
  preflight.ports.port_responder:
    token: "{{ responder_token }}"
    state: absent
  register: responder
"""

RETURN = r"""
msg:
  description: What was done.
  returned: always
  type: str
  sample: The responder answers on 1 of 2 ports for 120 s
running:
  description: With O(state=present), whether the process runs now. With O(state=absent), whether it still ran.
  returned: always
  type: bool
  sample: true
id:
  description: The identity of this responder, which clients see. It is made from token and name but reveals neither.
  returned: always
  type: str
  sample: 0f1e2d3c4b5a69788796a5b4c3d2e1f0
pid:
  description: The process; V(null) if none was started.
  returned: if O(state=present)
  type: int
  sample: 4711
ports:
  description: The ports of O(ports), and whether the responder has them.
  returned: if O(state=present)
  type: list
  elements: dict
  contains:
    port:
      description: The port.
      type: int
      returned: always
    protocol:
      description: V(tcp) or V(udp).
      type: str
      returned: always
    address:
      description: The address of the entry; V(null) for all.
      type: str
      returned: always
    name:
      description: The label of the entry.
      type: str
      returned: always
    state:
      description: V(bound), V(taken), V(refused) (this user may not), or V(unavailable) (this host lacks the address).
      type: str
      returned: always
    reason:
      description: Why, for people.
      type: str
      returned: always
    holder:
      description: Who has it, if it is taken and the holder is known.
      type: str
      returned: always
witness:
  description: Whether arriving packets are watched.
  returned: always
  type: bool
  sample: true
may_end_early:
  description: What may end the process early; V(null) if nothing is known.
  returned: if O(state=present)
  type: str
visits:
  description: The clients that came.
  returned: if O(state=absent)
  type: list
  elements: dict
  contains:
    protocol:
      description: V(tcp) or V(udp).
      type: str
      returned: always
    source:
      description: The address that this host saw.
      type: str
      returned: always
    source_port:
      description: The port that this host saw.
      type: int
      returned: always
    destination:
      description: The address of this host.
      type: str
      returned: always
    port:
      description: The port of this host.
      type: int
      returned: always
    stage:
      description:
        - How far the flow came.
        - V(arrived) when it reached this host.
        - V(passed) when it also passed this host's firewall.
        - V(asked) when the responder also read a question with the token.
        - V(finished) when full-size data came, too.
      type: str
      returned: always
firewall:
  description:
    - What the host's own rules do to the clients that arrived and did not pass, one item for each client and port. The
      module asks about 500 of them at most.
    - Empty if the rules cannot be read.
  returned: if O(state=absent)
  type: list
  elements: dict
  contains:
    protocol:
      description: V(tcp) or V(udp).
      type: str
      returned: always
    port:
      description: The port of this host.
      type: int
      returned: always
    destination:
      description: The address of this host.
      type: str
      returned: always
    source:
      description: The address of the client that this host saw.
      type: str
      returned: always
    verdict:
      description: V(open), V(blocked), V(limited) or V(unknown), as in RV(preflight.ports.port_check#module:firewall).
      type: str
      returned: always
    by:
      description: Whose rule it is; V(null) if no rule stops the client.
      type: str
      returned: always
    rule:
      description: The rule, or the policy of the chain.
      type: str
      returned: always
    advice:
      description: What to do about it.
      type: str
      returned: always
    sent_to:
      description: Where NAT rules send the port; V(null) if they do not, or may not.
      type: str
      returned: always
completed:
  description: How many flows came through to the end.
  returned: if O(state=absent)
  type: int
missed:
  description: How many packets the responder missed because they came too fast or were too many.
  returned: if O(state=absent)
  type: int
"""

import gc

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.preflight.ports.plugins.module_utils._module.compiling import compile_once


def main() -> None:
    compile_once()
    # Only now, so that it holds for all of them.
    from ansible_collections.preflight.ports.plugins.module_utils._reach.respond import respond

    # What is imported stays to the end: looking through it for garbage, again and again, only takes time.
    gc.freeze()
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "token": {"type": "str", "required": True, "no_log": True},
            "name": {"type": "str", "default": ""},
            "ports": {"type": "list", "elements": "raw", "default": []},
            "seconds": {"type": "int", "default": 120},
            "listen": {"type": "bool", "default": True},
            "witness": {"type": "bool", "default": True},
            "brief": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    respond(module.params, module.check_mode).end(module)


if __name__ == "__main__":
    main()
