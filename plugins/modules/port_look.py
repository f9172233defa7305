# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: port_look
short_description: Check one host for the role port_preflight
version_added: 1.0.0
description:
  - Runs M(preflight.ports.port_check) on the host. The controller checks that the answer fits what was asked, and keeps
    it for M(preflight.ports.port_verdict) until Ansible ends.
  - Only for the role P(preflight.ports.port_preflight#role). Use M(preflight.ports.port_check) in your own tasks.
author:
  - preflight.ports contributors (@preflight)
extends_documentation_fragment:
  - preflight.ports._attributes
  - preflight.ports._attributes.info_module
attributes:
  platform:
    platforms: posix
options:
  ports:
    description:
      - As O(preflight.ports.port_check#module:ports). The other options of that module are accepted, too.
    type: list
    elements: raw
    required: true
  profiles:
    description:
      - As O(preflight.ports.port_preflight#role:main:port_preflight_profiles). Their ports come first.
    type: list
    elements: raw
    required: true
  scope:
    description:
      - As O(preflight.ports.port_preflight#role:main:port_preflight_scope). With V(play), a host whose ports are not as
        required fails.
    type: str
    choices: [play, host]
    required: true
  enforce:
    description:
      - As O(preflight.ports.port_preflight#role:main:port_preflight_enforce).
    type: bool
    required: true
  unreachable:
    description:
      - As O(preflight.ports.port_preflight#role:main:port_preflight_unreachable).
    type: str
    choices: [fail, ignore]
    required: true
  reports:
    description:
      - As O(preflight.ports.port_preflight#role:main:port_preflight_reports). A path that cannot be written is an error
        before the host is checked.
    type: list
    elements: str
    required: true
seealso:
  - module: preflight.ports.port_check
  - module: preflight.ports.port_verdict
"""

EXAMPLES = r"""
- name: Check the ports, as the role does
  preflight.ports.port_look:
    profiles: [nginx]
    ports: [8080]
    scope: play
    enforce: true
    unreachable: fail
    reports: []
  any_errors_fatal: true
"""

RETURN = r"""
msg:
  description: Whether the ports are as required, in one line.
  returned: always
  type: str
  sample: 1 of 2 required ports is taken; the verdict names all of it
"""
