#!/usr/bin/python

# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: port_connect
short_description: Test whether ports of other hosts are open for this one
version_added: 1.0.0
description:
  - Tries TCP and UDP flows from the target of the task to other hosts, all at once, and says how each one ended.
  - A firewall, a missing route, a name that does not resolve and a service that does not run give different states. A
    flow without an answer never counts as open.
  - The role P(preflight.ports.port_reach#role) uses it with M(preflight.ports.port_responder) to test flows before
    the services exist.
author:
  - preflight.ports contributors (@preflight)
extends_documentation_fragment:
  - preflight.ports._attributes
  - preflight.ports._attributes.info_module
attributes:
  platform:
    support: full
    platforms: posix
    details:
      - The module needs only Python. On Linux it also says which ICMP message ended an attempt, and who sent it.
options:
  to:
    description:
      - Where to connect. Each entry is C(HOST:PORT), followed by C(/udp) or C(/tcp+udp) for other protocols than TCP. A
        port is a number, C(FIRST-LAST), or a name of the target's services database. An IPv6 address is in brackets.
      - An entry can also be a dictionary with the keys C(host), C(port), C(protocol), C(name) (a label for the result),
        C(expect), and C(responder). C(responder) is the O(preflight.ports.port_responder#module:name) of the responder
        that must answer.
      - The client looks up each name once. Names that only the inventory knows do not resolve. All addresses of a name
        are tried, and the one that gets furthest counts.
    type: list
    elements: raw
    required: true
  expect:
    description:
      - What the flows should be. V(open) is met by RV(flows[].state) V(open) and V(served). V(closed) is met by every
        state but V(open), V(served), V(stalled), V(wrong_peer), and V(not_tested).
      - A name that does not resolve meets V(closed), too; check its spelling.
    type: str
    choices: [open, closed]
    default: open
  timeout:
    description:
      - Seconds for each flow. At most 256 flows are tried at a time. Looking up all names also takes at most this long.
      - Linux repeats the first packet of a connection after 1 and 3 seconds, and gives up an absent host after 3. With
        less than 4 seconds, an absent host looks like a firewall that drops packets.
    type: float
    default: 5
  token:
    description:
      - The token of the responders. Required for flows with a C(responder).
    type: str
  brief:
    description:
      - Whether to return only C(id), C(state), and C(seconds) for flows that are V(open) as expected.
    type: bool
    default: false
notes:
  - A service over UDP may ignore a question that it does not know. The module sends a DNS question to port 53 and an
    NTP question to port 123. On other ports, silence is V(no_answer), even if a service listens there.
seealso:
  - module: preflight.ports.port_responder
  - module: ansible.builtin.wait_for
"""

EXAMPLES = r"""
- name: Are the database and the name server open for this host?
  preflight.ports.port_connect:
    to:
      - db1.example.com:5432
      - 10.0.0.9:53/udp

- name: The database must not be reachable from here
  preflight.ports.port_connect:
    to: ["db1.example.com:5432"]
    expect: closed
"""

RETURN = r"""
msg:
  description: The flows that are not as expected. If there are none, how many flows are as expected.
  returned: always
  type: str
  sample: |-
    1 of 2 flows is not as expected:
      db1:5432/tcp (10.0.0.5): no_answer: no answer
run:
  description: The identity of the run. It is made from the token but does not reveal it. V(null) without a token.
  returned: always
  type: str
  sample: 0f1e2d3c4b5a6978
flows:
  description: One for each port and protocol of O(to), in its order.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The position, from 0.
      type: int
      returned: always
    to:
      description: The host as O(to) names it.
      type: str
      returned: always
      sample: db1
    address:
      description: The address that was tried; V(null) if the name has none.
      type: str
      returned: always
      sample: 10.0.0.5
    port:
      description: The port.
      type: int
      returned: always
      sample: 5432
    protocol:
      description: V(tcp) or V(udp).
      type: str
      returned: always
      sample: tcp
    name:
      description: The label of the entry.
      type: str
      returned: always
    expect:
      description: V(open) or V(closed).
      type: str
      returned: always
      sample: open
    met:
      description: Whether the flow is as expected.
      type: bool
      returned: always
      sample: false
    state:
      description:
        - V(open) when a responder answered with the token, and small and full-size data passed both ways.
        - V(served) when a service accepted the connection, or answered a datagram.
        - V(answered) when the target refused the flow, with a TCP reset or for UDP with ICMP port unreachable, and no
          responder runs there. So the way is open and nothing listens, unless a firewall answered in the target's
          place.
        - V(refused) when the same answer came back although a responder is up.
        - V(rejected) when an ICMP message or this host's own firewall prohibits the flow.
        - V(no_answer) when no answer came.
        - V(stalled) when small data pass, but full-size data do not.
        - V(wrong_peer) when another host or service answered.
        - V(no_host) when no host on the link has that address.
        - V(no_route) when there is no route to the address.
        - V(unresolved) when the name has no address.
        - V(not_tested) when the state is unknown. RV(flows[].reason) says why.
      type: str
      returned: always
      sample: no_answer
    reason:
      description: How it ended, for people.
      type: str
      returned: always
      sample: no answer
    seconds:
      description: How long it took.
      type: float
      returned: always
      sample: 5.001
    source:
      description: The address and the port from which this host tried; V(null) if it sent nothing.
      type: dict
      returned: always
      contains:
        address:
          description: The address.
          type: str
          returned: always
        port:
          description: The port.
          type: int
          returned: always
    translated:
      description: Whether the responder saw another source or destination than was sent; V(null) if none answered.
      type: bool
      returned: always
    seen:
      description:
        - What the responder that answered says about itself and the flow; V(null) if none answered.
      type: dict
      returned: always
      contains:
        responder:
          description: Its identity, as RV(preflight.ports.port_responder#module:id).
          type: str
          returned: always
        source:
          description: The client's address and port as the responder saw them.
          type: dict
          returned: always
        destination:
          description: Its own address and port as the responder saw them.
          type: dict
          returned: always
    others:
      description: The other addresses of the name.
      type: list
      elements: dict
      returned: always
      contains:
        address:
          description: The address.
          type: str
          returned: always
        state:
          description: As RV(flows[].state).
          type: str
          returned: always
elapsed:
  description: How many seconds all flows took together.
  returned: always
  type: float
  sample: 5.0
"""

import gc

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.preflight.ports.plugins.module_utils._module.compiling import compile_once


def main() -> None:
    compile_once()
    # Only now, so that it holds for all of them.
    from ansible_collections.preflight.ports.plugins.module_utils._reach.connect import connect

    # What is imported stays to the end: looking through it for garbage, again and again, only takes time.
    gc.freeze()
    module = AnsibleModule(
        argument_spec={
            "to": {"type": "list", "elements": "raw", "required": True},
            "expect": {"type": "str", "choices": ["open", "closed"], "default": "open"},
            "timeout": {"type": "float", "default": 5},
            "token": {"type": "str", "no_log": True},
            "brief": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    connect(module.params).end(module)


if __name__ == "__main__":
    main()
