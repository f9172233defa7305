# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A quadlet -> the ports that it publishes."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.preflight.ports.plugins.plugin_utils._published import quadlet

DOCUMENTATION = r"""
name: quadlet_ports
short_description: The ports that a quadlet publishes
version_added: 1.0.0
author:
  - preflight.ports contributors (@preflight)
description:
  - Reads a C(.container), C(.pod) or C(.kube) file of podman and returns the ports of the host that its C(PublishPort)
    lists, as entries for O(preflight.ports.port_check#module:ports). Each has the quadlet's name, and a C(held_by) that
    lets its own container keep the ports in a rerun.
  - A port that podman chooses is left out.
positional: name
options:
  _input:
    description: The text of the file.
    type: str
    required: true
  name:
    description: The name of the file. The container's name comes from it.
    type: str
    required: true
seealso:
  - plugin: preflight.ports.compose_ports
    plugin_type: filter
    description: The same for Compose files.
"""

EXAMPLES = r"""
- name: Require the ports of a quadlet before it is started
  preflight.ports.port_check:
    ports: "{{ quadlet | preflight.ports.quadlet_ports('web.container') }}"
  vars:
    # Or the file itself: "{{ lookup('ansible.builtin.file', 'web.container') }}"
    quadlet: |
      [Container]
      Image=nginx
      PublishPort=8081:80
"""

RETURN = r"""
_value:
  description:
    - One dict for each port or range, with the keys of an entry of O(preflight.ports.port_check#module:ports).
  type: list
  elements: dict
  sample:
    - port: 8081
      protocol: tcp
      name: web
      held_by: ["container:systemd-web"]
"""


def quadlet_ports(text: str, name: str = "") -> list[dict[str, t.Any]]:
    """The entries, in the file's order. What they say is the file's, and no template."""
    if not isinstance(text, str):
        raise AnsibleFilterError("quadlet_ports: the input is the text of a file")
    try:
        found: list[dict[str, t.Any]] = wrap_var(quadlet.entries(text, str(name)))
    except quadlet.QuadletError as error:
        raise AnsibleFilterError(f"quadlet_ports: {error}") from error
    return found


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"quadlet_ports": quadlet_ports}
