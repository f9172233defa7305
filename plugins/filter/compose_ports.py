# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file of Compose -> the ports that its services publish."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.preflight.ports.plugins.plugin_utils._published import compose as files

DOCUMENTATION = r"""
name: compose_ports
short_description: The ports that a Compose file publishes
version_added: 1.0.0
author:
  - preflight.ports contributors (@preflight)
description:
  - Reads a Compose file and returns the ports of the host that its services publish, as entries for
    O(preflight.ports.port_check#module:ports). Each has the name of its service, and a C(held_by) that lets the
    project's own containers keep their ports in a rerun.
  - A port that the engine chooses is left out. So is a range from which the engine chooses one port.
  - A file with C(include) or C(extends) is an error. Use the output of C(docker compose config) instead.
options:
  _input:
    description:
      - The text of the file, or the data parsed from it. Prefer the text, because YAML turns V(53:53) without quotes
        into a number.
    type: raw
    required: true
  variables:
    description: Values for the variables in the file, as in V(${PORT:-8080}).
    type: dict
    default: {}
  profiles:
    description: The profiles that will be active; V(*) means all.
    type: list
    elements: str
    default: []
  project:
    description:
      - The name of the project. If it is not set, the file's C(name) is used. Without both, containers of any project
        may hold the ports, if their service has the same name.
    type: str
seealso:
  - plugin: preflight.ports.quadlet_ports
    plugin_type: filter
    description: The same for podman's quadlets.
  - plugin: preflight.ports.port_check
    plugin_type: module
    description: Takes what this filter returns.
"""

EXAMPLES = r"""
- name: Require the ports of a project before it is started
  preflight.ports.port_check:
    ports: "{{ compose | preflight.ports.compose_ports(project='shop') }}"
  vars:
    # Or the file itself: "{{ lookup('ansible.builtin.file', 'compose.yml') }}"
    compose: |
      services:
        web:
          image: nginx
          ports: ["127.0.0.1:8080:80"]
"""

RETURN = r"""
_value:
  description:
    - One dict for each port or range, with the keys of an entry of O(preflight.ports.port_check#module:ports).
  type: list
  elements: dict
  sample:
    - port: 8080
      protocol: tcp
      address: 127.0.0.1
      name: web
      held_by: ["container:shop-web-*", "container:shop_web_*"]
"""


def compose_ports(
    compose: t.Any,
    variables: t.Mapping[str, t.Any] | None = None,
    profiles: str | t.Sequence[str] = (),
    project: str | None = None,
) -> list[dict[str, t.Any]]:
    """The entries, in the file's order. What they say is the file's, and no template."""
    active = profiles.split(",") if isinstance(profiles, str) else profiles
    if not isinstance(variables or {}, dict):
        raise AnsibleFilterError(f"compose_ports: variables is a dictionary; not {variables!r}")
    try:
        found: list[dict[str, t.Any]] = wrap_var(files.entries(compose, variables or {}, active, project))
    except files.ComposeError as error:
        raise AnsibleFilterError(f"compose_ports: {error}") from error
    return found


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"compose_ports": compose_ports}
