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
    O(preflight.ports.port_check#module:ports). Each has a name for reports, and a C(held_by) that lets a rerun pass.
  - If the reference policy and the targeted policy of SELinux agree on the product's domain, entries have it as
    C(selinux_domain), with the C(-) that makes it no error if the policy of a host lacks that domain.
  - C(docs/catalogue.md) of the collection lists all profiles with their ports, versions and sources.
options:
  _input:
    description:
      - Names of profiles. A name that is not in the catalogue is an error that suggests similar names.
      - Instead of a name, a dictionary with C(name) changes the profile.
      - C(held_by) replaces its holders, except for ports that have holders of their own, such as the kernel.
      - C(address) is where the product will listen.
      - C(ports) are the only ports to return. A port that the profile does not have is added.
    type: list
    elements: raw
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

- name: Require a database that listens elsewhere, under another name
  preflight.ports.port_check:
    ports: "{{ [{'name': 'postgresql', 'ports': [5433], 'held_by': ['unit:pgpool']}] | preflight.ports.profile_ports }}"

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
      held_by:
        - unit:postgresql*
        - unit:postgres
        - exe:/usr/*/postgres
        - exe:/opt/*/postgres
        - container:*postgres*
      selinux_domain: -postgresql_t
"""

_CATALOGUE = pathlib.Path(__file__).parents[2] / "roles/port_preflight/files/profiles"

Profile = t.Dict[str, t.Any]

_KEYS = ("name", "held_by", "address", "ports")


def profile_ports(profiles: str | t.Iterable[t.Any]) -> list[dict[str, t.Any]]:
    """The entries of the profiles, in their order. A string has names between commas."""
    listed = profiles.split(",") if isinstance(profiles, str) else profiles
    if not isinstance(listed, (list, tuple)):
        raise AnsibleFilterError(f"profile_ports: {listed!r} is no list; name profiles, as in ['nginx', 'postgresql']")
    return [entry for each in listed for entry in _changed(each)]


def _changed(item: t.Any) -> list[dict[str, t.Any]]:
    """The entries of one profile, as the item wants them."""
    if not isinstance(item, dict):
        return list(_entries(_profile(str(item).strip())))
    unknown = sorted(set(map(str, item)) - set(_KEYS))
    if unknown or "name" not in item:
        problem = f"unknown key {unknown[0]!r}" if unknown else "the key name is missing"
        raise AnsibleFilterError(f"profile {item!r}: {problem}; the keys are {', '.join(_KEYS)}")
    profile = _profile(str(item["name"]).strip())
    found = list(_entries(profile, item.get("held_by")))
    if item.get("ports"):
        found = [entry for port in _listed(item["ports"]) for entry in _on(port, found, profile, item.get("held_by"))]
    return [{**entry, "address": item["address"]} for entry in found] if item.get("address") else found


def _listed(ports: t.Any) -> list[t.Any]:
    """As the option ``ports`` has it: a string has several between commas, a number is one."""
    if isinstance(ports, str):
        return [port.strip() for port in ports.split(",") if port.strip()]
    return list(ports) if isinstance(ports, (list, tuple)) else [ports]


def _on(port: t.Any, entries: t.Sequence[dict[str, t.Any]], profile: Profile, held_by: t.Any) -> list[dict[str, t.Any]]:
    """What the profile has on a port; where it has nothing there, one for its product."""
    found = [{**entry, "port": port} for entry in entries if _covers(entry["port"], port)]
    own = {"port": port, "name": profile["product"], "held_by": held_by or profile["held_by"]}
    return found or [{**_domain(profile), **own}]


def _covers(has: t.Any, wanted: t.Any) -> bool:
    first, _dash, last = str(has).partition("-")
    return str(wanted) == str(has) or (str(wanted).isdecimal() and int(first) <= int(wanted) <= int(last or first))


def _entries(profile: Profile, held_by: t.Any = None) -> t.Iterator[dict[str, t.Any]]:
    """Who holds a profile's ports also holds those of profiles that it includes, unless a port has its own holder."""
    held_by = held_by or profile["held_by"]
    for included in profile.get("includes", ()):
        yield from _entries(_profile(included), held_by)
    for port in profile["ports"]:
        entry = {"held_by": held_by, **_domain(profile), **port}
        entry.pop("from", None)  # for people who write flows
        entry["name"] = f"{profile['product']}: {entry.pop('purpose')}"
        yield entry


def _domain(profile: Profile) -> dict[str, t.Any]:
    return {"selinux_domain": f"-{profile['selinux_domain']}"} if "selinux_domain" in profile else {}


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
