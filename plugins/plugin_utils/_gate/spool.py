# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answers of this run of Ansible, on the controller, until it ends: one file for each host and use of the role.

Registered results would outlive the role, so that a second use of it could take what the first one found for its own,
and would be shown in full for each host that fails. Ansible's own directory for the time of a run has neither fault:
its workers share it, and no target can write there.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import typing as t

Entry = t.Dict[str, t.Any]


class Use(t.NamedTuple):
    """One use of the role."""

    caller: str
    """What is the same for all batches of a play: the include, or else the block itself."""
    block: str


class Entries(t.NamedTuple):
    """What is known to a use of the role, by host."""

    own: dict[str, Entry]
    earlier: dict[str, Entry]
    """Those of other batches."""


def use_of(task: t.Any) -> Use:
    """*task*: Ansible's; its block is the same for all hosts of a use."""
    block = task._parent
    above = block._parent
    while above is not None and getattr(above, "statically_loaded", True):
        above = getattr(above, "_parent", None)
    return Use(above._uuid if above is not None else block._uuid, block._uuid)


class Spool:
    """The files below a directory of this run."""

    def __init__(self, base: str, use: Use) -> None:
        self._caller = pathlib.Path(base, "preflight.ports", use.caller)
        self._own = self._caller / use.block

    def put(self, host: str, entry: Entry) -> None:
        self._own.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self._own / f"{_name(host)}.partial"
        partial.write_text(json.dumps([host, entry]), encoding="utf-8")
        os.replace(partial, self._own / f"{_name(host)}.json")

    def take(self) -> Entries:
        own = _read(self._own)
        others = [folder for folder in self._folders() if folder != self._own]
        earlier = {host: entry for folder in others for host, entry in _read(folder).items() if host not in own}
        return Entries(own, earlier)

    def unjudged(self, hosts: t.Iterable[str]) -> list[str]:
        """Those that had no verdict in this use: a role that is not included is the same for all batches."""
        return [host for host in hosts if not self._mark(host).exists()]

    def claim(self, hosts: t.Sequence[str]) -> bool:
        """Whether it is this worker that gives the verdict on them, where each host has one of its own."""
        if not hosts:
            return False
        try:
            self._mark(hosts[0]).touch(exist_ok=False)
        except FileExistsError:
            return False
        for host in hosts[1:]:
            self._mark(host).touch()
        return True

    def _mark(self, host: str) -> pathlib.Path:
        return self._own / f"{_name(host)}.judged"

    def _folders(self) -> list[pathlib.Path]:
        """The eldest first."""
        try:
            return sorted(self._caller.iterdir(), key=lambda folder: folder.stat().st_mtime)
        except OSError:
            return []


def _name(host: str) -> str:
    """Of a file, whatever the host is called."""
    return hashlib.sha256(host.encode()).hexdigest()


def _read(folder: pathlib.Path) -> dict[str, Entry]:
    return dict(json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json")))
