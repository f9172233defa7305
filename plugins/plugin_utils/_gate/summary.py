# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of each host -> the one structure behind verdict, figures and reports. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.ports import span
from ansible_collections.preflight.ports.plugins.module_utils._model.text import located, printable
from ansible_collections.preflight.ports.plugins.module_utils._verdict.message import begins_in, unasked

Dict = t.Dict[str, t.Any]

LOST = {"problem": "it failed, was unreachable or left the play before", "unreachable": True}
"""The entry of a host that was no longer in the play."""

_UNKNOWN: Dict = {
    "ports": [],
    "conflicts": [],
    "held": [],
    "doubts": [],
    "ephemeral": [],
    "source": None,
    "probed": False,
    "redirects_checked": False,
    "firewall": [],
    "firewall_checked": False,
    "not_asked": "",
}


def summary(entries: t.Mapping[str, Dict]) -> Dict:
    """``figures``, ``required`` (every port that a host requires, in order) and ``hosts``, those with problems first.

    *entries*: of each host its ``answer``, or the ``problem`` because of which it could not be checked.
    """
    found = (_host(name, entry) for name, entry in entries.items())
    hosts = sorted(found, key=lambda host: (host["met"], not host["checked"], host["host"]))
    return {"figures": figures(hosts), "required": _required(hosts), "hosts": hosts}


def _host(name: str, entry: Dict) -> Dict:
    answer = entry.get("answer")
    if answer is None:
        about = {"checked": False, "unreachable": bool(entry.get("unreachable")), "met": False}
        return {"host": printable(name), **about, **_UNKNOWN, "msg": printable(entry["problem"])}
    ports = [_labelled(each) for each in answer["ports"]]
    return {
        "host": printable(name),
        "checked": True,
        "unreachable": False,
        "met": not answer["conflicts"],
        **answer,
        "ports": ports,
        "conflicts": [_of_entry(each, ports) for each in answer["conflicts"]],
        "held": [_of_entry(each, ports) for each in answer["held"]],
        "doubts": [_of_its_entry(each, ports) for each in answer["doubts"]],
        "not_asked": unasked(answer),
    }


def figures(hosts: t.Sequence[Dict]) -> dict[str, int]:
    """Totals: ports count one by one, also those of ranges."""
    checked = sum(host["checked"] for host in hosts)
    ports = sum(len(span(entry["port"])) for host in hosts for entry in host["ports"])
    conflicts = sum(conflict["count"] for host in hosts for conflict in host["conflicts"])
    return {
        "hosts": len(hosts),
        "checked": checked,
        "unchecked": len(hosts) - checked,
        "ports": ports,
        "met": ports - conflicts,
        "conflicts": conflicts,
        "held": sum(conflict["count"] for host in hosts for conflict in host["held"]),
        "doubts": sum(len(span(doubt["port"])) for host in hosts for doubt in host["doubts"]),
    }


def _required(hosts: t.Sequence[Dict]) -> list[Dict]:
    """The columns of a table of hosts and ports."""
    ports: dict[str, Dict] = {}
    by_name = sorted(hosts, key=lambda host: host["host"])
    for entry in (entry for host in by_name for entry in host["ports"]):
        port = ports.setdefault(entry["label"], {"label": entry["label"], "names": {}, "met": True})
        port["met"] = port["met"] and entry["met"]
        if entry["name"]:
            port["names"][entry["name"]] = None
    found = [{**port, "names": list(port["names"])} for port in ports.values()]
    return sorted(found, key=lambda port: _order(port["label"]))


def _order(label: str) -> tuple[int, str, str]:
    """53/tcp, 53/udp, 80/tcp, 10.0.0.5:80/tcp."""
    port, _slash, protocol = label.rpartition(":")[2].partition("/")
    return span(port).start, protocol, label


def _labelled(entry: Dict) -> Dict:
    return {**entry, "label": located(entry["port"], entry["protocol"], entry["address"])}


def _of_its_entry(doubt: Dict, ports: t.Sequence[Dict]) -> Dict:
    """With the label of the first entry that its ports are from."""
    return {**_labelled(doubt), "entry": next((each["label"] for each in ports if begins_in(each, doubt)), None)}


def _of_entry(conflict: Dict, ports: t.Sequence[Dict]) -> Dict:
    """With the label of the entry that asked for it, which may have been a range."""
    return {**_labelled(conflict), "entry": ports[conflict["entry"]]["label"]}
