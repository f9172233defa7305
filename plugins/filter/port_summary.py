# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module found on each host -> the one structure behind verdict, figures and reports."""

from __future__ import annotations

import typing as t

import jinja2
from ansible_collections.preflight.ports.plugins.module_utils._model.text import located, printable

DOCUMENTATION = r"""
name: port_summary
short_description: What the role found on many hosts, in one structure
version_added: 1.0.0
author:
  - preflight.ports contributors (@preflight)
description:
  - Collects what P(preflight.ports.port_preflight#role) found on each host, for its verdict, figures and reports.
  - Names that others chose, such as those of processes, have their control characters replaced by visible escapes.
options:
  _input:
    description:
      - Names of hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description:
      - The C(hostvars) of the play, which have the results. What an earlier use of the role found does not count,
        seen from a host that takes part in the last one.
    type: dict
    required: true
  in_play:
    description:
      - The hosts that are still in the play. If one of them has no result, it was left out on purpose, or its turn is
        yet to come, and it is left out here. If another one has none, it counts as unreachable.
    type: list
    elements: str
    required: true
seealso:
  - plugin: preflight.ports.port_report
    plugin_type: filter
    description: Shows the same to people.
"""

EXAMPLES = r"""
- name: Say, after the role, how many ports are in conflict
  ansible.builtin.debug:
    msg: "{{ (ansible_play_hosts_all | preflight.ports.port_summary(hostvars, ansible_play_hosts)).figures.conflicts }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(figures), the totals.
    - C(required), every port that some host requires, in order.
    - C(hosts), one dict for each host, in order.
    - The role's README describes their keys.
  type: dict
  sample:
    figures: {hosts: 2, checked: 1, unchecked: 1, ports: 1, met: 1, conflicts: 0, held: 0}
    required: [{label: 80/tcp, names: [nginx], met: true}]
    hosts:
      - host: web1
        checked: true
        unreachable: false
        met: true
        msg: The required port is free.
        ports: [{port: 80, protocol: tcp, address: null, name: nginx, met: true, state: free, label: 80/tcp}]
        conflicts: []
        held: []
        doubts: []
        ephemeral: []
        source: netlink
        probed: true
      - host: web2
        checked: false
        unreachable: true
        met: false
        msg: unreachable
        ports: []
        conflicts: []
        held: []
        doubts: []
        ephemeral: []
        source: null
        probed: false
"""

Dict = t.Dict[str, t.Any]
Variables = t.Union[jinja2.runtime.Context, Dict]

_LOST = {"unreachable": True, "msg": "unreachable, or left the play before"}
_UNREACHABLE = {"unreachable": True, "msg": "unreachable"}
_SKIPPED = {"skipped": True}


@jinja2.pass_context
def port_summary(
    context: Variables, hosts: t.Iterable[str], hostvars: t.Mapping[str, Dict], in_play: t.Iterable[str]
) -> Dict:
    """Linear in hosts and ports. *context*: the variables of the host that asks."""
    looks = _looks(hosts, hostvars, frozenset(in_play), context.get("__port_preflight_use"))
    found = [_host(name, look) for name, look in sorted(looks.items()) if not look.get("skipped")]
    return {"figures": _figures(found), "required": _required(found), "hosts": found}


def _looks(
    hosts: t.Iterable[str], hostvars: t.Mapping[str, Dict], in_play: frozenset[str], use: Dict | None
) -> dict[str, Dict]:
    """What was found in this *use* of the role; in whichever, if the host that asks took part in none."""
    # As they are: to look for templates in what modules returned takes Ansible most of the time, and there are none.
    variables = getattr(hostvars, "raw_get", hostvars.__getitem__)
    counts = None if use is None else frozenset(use["counts"])
    return {host: _look(variables(host), counts) or (_SKIPPED if host in in_play else _LOST) for host in hosts}


def _look(variables: Dict, counts: frozenset[str] | None) -> Dict | None:
    if counts is None or variables.get("__port_preflight_use", {}).get("id") in counts:
        return variables.get("__port_preflight_result")
    return None


def _host(name: str, look: Dict) -> Dict:
    unreachable = bool(look.get("unreachable"))
    checked = not unreachable and not look.get("failed")
    if unreachable and look is not _LOST:
        look = _UNREACHABLE
    ports = [_labelled(entry) for entry in look.get("ports", ())]
    conflicts = _with_entries(look.get("conflicts", ()), [entry for entry in ports if not entry["met"]])
    # Of a range that is not as required, other ports may be held.
    held = _with_entries(look.get("held", ()), [entry for entry in ports if entry["met"] or "first_free" in entry])
    lines = [printable(line) for line in str(look.get("msg", "failed")).splitlines() or ["failed"]]
    return {
        "host": printable(name),
        "checked": checked,
        "unreachable": unreachable,
        "met": checked and not conflicts,
        "msg": "\n".join(lines) if checked else lines[0],
        "ports": ports,
        "conflicts": conflicts,
        "held": held,
        "doubts": [_labelled(doubt) for doubt in look.get("doubts", ())],
        "ephemeral": list(look.get("ephemeral", ())),
        "source": look.get("source"),
        "probed": bool(look.get("probed")),
    }


def _figures(hosts: list[Dict]) -> dict[str, int]:
    checked = sum(host["checked"] for host in hosts)
    return {
        "hosts": len(hosts),
        "checked": checked,
        "unchecked": len(hosts) - checked,
        "ports": sum(len(host["ports"]) for host in hosts),
        "met": sum(entry["met"] for host in hosts for entry in host["ports"]),
        "conflicts": sum(conflict["count"] for host in hosts for conflict in host["conflicts"]),
        "held": sum(conflict["count"] for host in hosts for conflict in host["held"]),
    }


def _required(hosts: list[Dict]) -> list[Dict]:
    """The columns of a table of hosts and ports."""
    ports: dict[str, Dict] = {}
    for entry in (entry for host in hosts for entry in host["ports"]):
        port = ports.setdefault(entry["label"], {"label": entry["label"], "names": [], "met": True})
        port["met"] = port["met"] and entry["met"]
        if entry["name"] and entry["name"] not in port["names"]:
            port["names"].append(entry["name"])
    return sorted(ports.values(), key=lambda port: _order(port["label"]))


def _order(label: str) -> tuple[int, str, str]:
    """53/tcp, 53/udp, 80/tcp, 10.0.0.5:80/tcp."""
    port, protocol = label.rpartition(":")[2].split("/")
    return _numbers(port).start, protocol, label


def _labelled(entry: Dict) -> Dict:
    clean: Dict = _printable(entry)
    clean["label"] = located(clean["port"], clean["protocol"], clean["address"])
    return clean


def _with_entries(conflicts: t.Iterable[Dict], ports: list[Dict]) -> list[Dict]:
    """Each with the label of the entry that asked for it, which may have been a range.

    The module keeps the order of its entries and of their ports, also where two of them ask for the same port.
    """
    labelled = [_labelled(conflict) for conflict in conflicts]
    entries = iter(ports)
    entry: Dict | None = None
    last = 0
    for conflict in labelled:
        found = _numbers(conflict["port"])
        while entry is None or not _asked(entry, conflict) or found.start <= last:
            entry, last = next(entries), 0
        conflict["entry"] = entry["label"]
        last = found.stop - 1
    return labelled


def _asked(entry: Dict, conflict: Dict) -> bool:
    return _who(entry) == _who(conflict) and _numbers(conflict["port"]).start in _numbers(entry["port"])


def _who(entry: Dict) -> tuple[str, str | None, str | None]:
    return entry["protocol"], entry["address"], entry["name"]


def _numbers(port: int | str) -> range:
    """``8000`` and ``8000-8010`` as ranges."""
    first, _dash, last = str(port).partition("-")
    return range(int(first), int(last or first) + 1)


def _printable(value: t.Any) -> t.Any:
    """*value* with every string in it made safe to show."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _printable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_printable(each) for each in value]
    return value


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"port_summary": port_summary}
