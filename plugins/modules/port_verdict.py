# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: port_verdict
short_description: Report in one message what the role port_preflight found on all hosts
version_added: 1.0.0
description:
  - Turns what M(preflight.ports.port_look) found on many hosts into one message, figures, and reports. It runs on the
    controller.
  - Only for the role P(preflight.ports.port_preflight#role).
author:
  - preflight.ports contributors (@preflight)
extends_documentation_fragment:
  - preflight.ports._attributes
  - preflight.ports._attributes.info_module
attributes:
  platform:
    platforms: posix
options:
  step:
    description:
      - With V(record), writes the reports and passes the figures to C(set_stats).
      - With V(judge), shows the message, and stops the play if M(preflight.ports.port_look) did not.
    type: str
    choices: [record, judge]
    required: true
  scope:
    description:
      - As O(preflight.ports.port_preflight#role:main:port_preflight_scope). Required with O(step=judge).
    type: str
    choices: [play, host]
  enforce:
    description:
      - As O(preflight.ports.port_preflight#role:main:port_preflight_enforce). Required with O(step=judge).
    type: bool
  unreachable:
    description:
      - As O(preflight.ports.port_preflight#role:main:port_preflight_unreachable). Required with O(step=judge).
    type: str
    choices: [fail, ignore]
  reports:
    description:
      - As O(preflight.ports.port_preflight#role:main:port_preflight_reports).
    type: list
    elements: str
    required: true
seealso:
  - module: preflight.ports.port_look
"""

EXAMPLES = r"""
- name: Write the reports, as the role does after the look
  preflight.ports.port_verdict:
    step: record
    reports: [ports.html, ports.json]
  run_once: true
"""

RETURN = r"""
msg:
  description: The verdict, line by line.
  returned: with O(step=judge)
  type: list
  elements: str
  sample: [All 3 required ports are free on 30 hosts.]
"""
