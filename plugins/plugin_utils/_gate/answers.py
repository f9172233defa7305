# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a target answered -> an answer that can be trusted in form, if not in content. Pure.

A target may be hostile. Only the documented keys are taken, each of its type and within its limits; texts become
printable; and the answer must be one to what was asked.
"""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.ports import span
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import Requirement
from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable
from ansible_collections.preflight.ports.plugins.plugin_utils._play.shapes import (
    Malformed,
    boolean,
    choice,
    integer,
    listed,
    maybe,
    record,
    text,
)

Answer = t.Dict[str, t.Any]

_MOST_ITEMS = 200_000
_MOST_HOLDERS = 10_000
_MOST_LINES = 100_000  # characters
_STATES = [
    "free",
    "listening",
    "bound",
    "connected",
    "closing",
    "redirected",
    "refused",
    "ephemeral",
    "blocked",
    "claimed",
    "duplicate",
    "unavailable",
    "unknown",
]
_PROTOCOL = choice("tcp", "udp")


def _ports(value: t.Any) -> int | str:
    """A port, or ``FIRST-LAST``."""
    try:
        ports = span(value)
    except ValueError:
        raise Malformed("a port that is none") from None
    if not 1 <= ports.start < ports.stop <= 65536:
        raise Malformed("a port that does not exist")
    return value if isinstance(value, int) else str(value)


_ENTRY = {
    "port": _ports,
    "protocol": _PROTOCOL,
    "address": maybe(text()),
    "name": maybe(text()),
}
_HOLDER = record(
    {
        "addresses": listed(text(), _MOST_HOLDERS),
        "protocol": _PROTOCOL,
        "state": choice(*_STATES),
        "pid": maybe(integer()),
        "pids": listed(integer(), _MOST_ITEMS),
        "process": maybe(text()),
        "exe": maybe(text()),
        "program": maybe(text()),
        "user": maybe(text()),
        "uid": maybe(integer()),
        "unit": maybe(text()),
        "container": maybe(record({"id": text(), "name": maybe(text()), "runtime": text(), "user": maybe(text())})),
        "started": maybe(text()),
        "interface": maybe(text()),
        "peer": maybe(text()),
        "hidden": boolean,
        "kernel": boolean,
    }
)
_CONFLICT = record(
    {
        **_ENTRY,
        "count": integer(1, 65535),
        "state": choice(*_STATES),
        "wanted": choice("free", "listening"),
        "reason": text(),
        "advice": maybe(text()),
        "holders": listed(_HOLDER, _MOST_HOLDERS),
    }
)
_PASSAGE = record(
    {
        **_ENTRY,
        "verdict": choice("blocked", "limited", "unknown"),
        "by": maybe(text()),
        "chain": maybe(text()),
        "rule": maybe(text()),
        "depends_on": listed(text(), _MOST_ITEMS),
        "advice": maybe(text()),
    }
)
_ANSWER = record(
    {
        "msg": text(_MOST_LINES, lines=True),
        "ports": listed(
            record(
                {**_ENTRY, "met": boolean, "state": choice(*_STATES)},
                {"free": integer(0, 65535), "first_free": maybe(integer(1, 65535))},
            ),
            _MOST_ITEMS,
        ),
        "conflicts": listed(_CONFLICT, _MOST_ITEMS),
        "held": listed(_CONFLICT, _MOST_ITEMS),
        "doubts": listed(record({**_ENTRY, "kind": text(), "reason": text(), "advice": maybe(text())}), _MOST_ITEMS),
        "ephemeral": listed(_ports, _MOST_ITEMS),
        "source": maybe(choice("netlink", "procfs", "psutil")),
        "probed": boolean,
        "redirects_checked": boolean,
        "firewall": listed(_PASSAGE, _MOST_ITEMS),
        "firewall_checked": boolean,
    }
)


def checked(result: t.Any, requirements: t.Sequence[Requirement]) -> Answer:
    """The *result* of port_check about the *requirements*, with its documented keys. Raises Malformed.

    *requirements*: as the controller reads the request; a service that only the target knows has a port above 65535.
    """
    answer: Answer = _ANSWER(result)
    if len(answer["ports"]) != len(requirements):
        raise Malformed(f"{len(answer['ports'])} entries for {len(requirements)}")
    for entry, requirement in zip(answer["ports"], requirements):
        _compare(entry, requirement)
    for key in ("conflicts", "held"):
        answer[key] = _assigned(answer[key], answer["ports"])
    unmet = {conflict["entry"] for conflict in answer["conflicts"]}
    if unmet != {index for index, entry in enumerate(answer["ports"]) if not entry["met"]}:
        raise Malformed("entries that are not as its conflicts say")
    return answer


def _compare(entry: Answer, requirement: Requirement) -> None:
    asked = (requirement.protocol, _shown(requirement.address), _shown(requirement.name))
    if (entry["protocol"], entry["address"], entry["name"]) != asked:
        raise Malformed("an entry that was not asked for")
    ports = span(entry["port"])
    if requirement.first < 65536 and (ports.start, ports.stop - 1) != (requirement.first, requirement.last):
        raise Malformed("a port that was not asked for")


def _shown(value: str | None) -> str | None:
    return None if value is None else printable(value)


def _assigned(items: list[Answer], entries: t.Sequence[Answer]) -> list[Answer]:
    """Each conflict with the index of its entry. The module keeps the order of its entries and of their ports."""
    index, last = 0, 0
    for item in items:
        ports = span(item["port"])
        if item["count"] != len(ports):
            raise Malformed("a count that is not that of its ports")
        while index < len(entries) and not (_is_of(entries[index], item, ports) and ports.start > last):
            index, last = index + 1, 0
        if index == len(entries):
            raise Malformed("a conflict that no entry has")
        item["entry"] = index
        last = ports.stop - 1
    return items


def _is_of(entry: Answer, item: Answer, ports: range) -> bool:
    asked = span(entry["port"])
    same = all(entry[key] == item[key] for key in ("protocol", "address", "name"))
    return same and asked.start <= ports.start and ports.stop <= asked.stop
