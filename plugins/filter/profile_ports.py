# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of known products -> the ports that they bind."""

from __future__ import annotations

import difflib
import functools
import pathlib
import typing as t

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.yaml import yaml_load

DOCUMENTATION = r"""
name: profile_ports
short_description: The default ports of known products
version_added: 1.0.0
author:
  - preflight.ports contributors (@preflight)
description:
  - Looks profiles up in the catalogue of known products and returns their default ports as entries for
    O(preflight.ports.port_check#module:ports), each with a name for reports and the C(held_by) that lets a rerun pass.
  - Where the reference policy and the targeted policy of SELinux agree on the product's domain, entries have it as
    C(selinux_domain).
  - C(docs/catalogue.md) of the collection lists all profiles with their ports, versions and sources.
options:
  _input:
    description:
      - Names of profiles. A name that is not in the catalogue is an error, which tells the names that come near.
    type: list
    elements: str
    required: true
seealso:
  - plugin: preflight.ports.port_check
    plugin_type: module
    description: Takes what this filter returns.
"""

EXAMPLES = r"""
- name: Require the ports of a web server and of its database
  preflight.ports.port_check:
    ports: "{{ ['nginx', 'postgresql'] | preflight.ports.profile_ports }}"

- name: Require the ports of a product and one of our own
  preflight.ports.port_check:
    ports: "{{ ['rabbitmq'] | preflight.ports.profile_ports + [15672] }}"
"""

RETURN = r"""
_value:
  description:
    - One dict for each port or range, with the keys of an entry of O(preflight.ports.port_check#module:ports).
  type: list
  elements: dict
  sample:
    - port: 5432
      name: "PostgreSQL: clients"
      held_by: [postgres*, postmaster]
      selinux_domain: postgresql_t
"""

_CATALOGUE = pathlib.Path(__file__).parents[2] / "roles/port_preflight/files/profiles"

_OF_ALL = ("held_by", "selinux_domain")
"""Keys of a profile that each of its ports has, unless it says otherwise."""

Profile = t.Dict[str, t.Any]


def profile_ports(names: str | t.Iterable[str]) -> list[dict[str, t.Any]]:
    """The entries of the profiles, in the order of their names. A string has its names between commas."""
    listed = names.split(",") if isinstance(names, str) else names
    return [entry for name in listed for entry in _entries(_profile(str(name).strip()))]


def _entries(profile: Profile) -> t.Iterator[dict[str, t.Any]]:
    for included in profile.get("includes", ()):
        yield from _entries(_profile(included))
    for port in profile["ports"]:
        entry = {**{key: profile[key] for key in _OF_ALL if key in profile}, **port}
        entry["name"] = f"{profile['product']}: {entry.pop('purpose')}"
        yield entry


@functools.lru_cache(maxsize=None)
def _profile(name: str) -> Profile:
    """One file for each profile, so that nobody pays for the others."""
    known = sorted(path.stem for path in _CATALOGUE.glob("*.yml"))
    if name not in known:
        raise AnsibleFilterError(f"unknown profile {name!r}; {_suggestion(name.lower(), known)}")
    profile: Profile = yaml_load((_CATALOGUE / f"{name}.yml").read_text(encoding="utf-8"))
    return profile


def _suggestion(name: str, known: list[str]) -> str:
    near = [each for each in known if name and name in each] or difflib.get_close_matches(name, known, n=5)
    return f"did you mean {' or '.join(near)}?" if near else f"the profiles are {', '.join(known)}"


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"profile_ports": profile_ports}
