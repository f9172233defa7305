# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The domain that decides what an installed unit may bind: what the kernel answers, or None. Nothing is guessed.

That in which init starts a service, and the label of the sockets that init binds for a socket unit.
"""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._claims.load_path import LoadPath
from ansible_collections.preflight.ports.plugins.module_utils._claims.units import aliases, settings_of, units
from ansible_collections.preflight.ports.plugins.module_utils._selinux import selinuxfs
from ansible_collections.preflight.ports.plugins.module_utils._selinux.labels import type_of

_KIND, _SOCKET = ".service", ".socket"
_PROGRAM = re.compile(r'[-@:+!|]*("?)(/[^\s"\'%\\$]+)\1(?:\s|$)')
_TRUE = frozenset(("1", "yes", "y", "true", "t", "on"))
# Of programs that start the server, whose own domain is another one.
_GENERIC = frozenset(("shell_exec_t", "initrc_exec_t"))


class Start(t.NamedTuple):
    """How a service starts."""

    programs: tuple[str, ...]
    context: str | None
    """That of ``SELinuxContext=``."""
    is_bound: bool
    """Whether its programs get no new rights (``NoNewPrivileges=``), which a new domain is."""


class Service(t.NamedTuple):
    """An installed one, whose domain is known."""

    unit: str
    domain: str
    is_socket: bool = False
    """Whether init itself binds the ports, and gives the sockets that label."""


def service_of(names: t.Iterable[str], root: str = "/") -> Service | None:
    """The first of the units that are installed, if all of these have one domain."""
    folders = units(root)
    links = {kind: aliases(kind, folders) for kind in (_KIND, _SOCKET)}
    found: list[Service] = []
    for name in names:
        kind = _SOCKET if name.endswith(_SOCKET) else _KIND
        installed = settings_of(name if "." in name else name + _KIND, links[kind], folders)
        if installed is None:
            continue
        unit, settings = installed
        if unit.endswith(_SOCKET):
            domain = _label(unit, settings, links[_KIND], folders, root)
        else:
            domain = _domain(start(settings), root) if unit.endswith(_KIND) else None
        if domain is None:
            return None
        found.append(Service(unit, domain, unit.endswith(_SOCKET)))
    if len({each.domain for each in found}) != 1:
        return None
    # Of a service less is certain than of a socket, so that one counts.
    return min(found, key=lambda each: each.is_socket)


def start(settings: t.Iterable[tuple[str, str, str]]) -> Start | None:
    """None where the unit's file alone does not tell which programs it starts, or in which context. Pure."""
    last: dict[str, str] = {}
    commands: list[str] = []
    for section, key, value in settings:
        if section != "Service":
            continue
        last[key] = value
        if key == "ExecStart":
            commands = [*commands, value] if value else []
    programs = [_PROGRAM.match(each) for each in commands]
    context = last.get("SELinuxContext", "").lstrip("-")
    if not all(programs) or last.get("RootDirectory") or last.get("RootImage") or "%" in context:
        return None
    is_bound = any(last.get(each, "").lower() in _TRUE for each in ("NoNewPrivileges", "DynamicUser"))
    return Start(tuple(dict.fromkeys(each[2] for each in programs if each)), context or None, is_bound)


def _domain(started: Start | None, root: str) -> str | None:
    if started is None:
        return None
    try:
        if started.context:
            return type_of(started.context)
        domains = {_entered(os.path.join(root, each.lstrip("/")), started.is_bound) for each in started.programs}
    except (IndexError, OSError, ValueError):
        return None
    return domains.pop() if len(domains) == 1 else None


def _entered(program: str, is_bound: bool) -> str | None:
    """The domain that init leaves its own one for when it executes the program. Raises OSError, ValueError."""
    label = _label_of_file(program)
    if not type_of(label).endswith("_exec_t") or type_of(label) in _GENERIC:
        return None
    init = selinuxfs.context_of("1")
    context = selinuxfs.transition(init, label)
    if type_of(context) == type_of(init):
        return None
    rights = [("nnp_transition", is_bound), ("nosuid_transition", bool(os.statvfs(program).f_flag & os.ST_NOSUID))]
    taken = [selinuxfs.permission("process2", name) for name, is_needed in rights if is_needed]
    is_allowed = all(selinuxfs.access(init, context, each).is_allowed for each in taken)
    return type_of(context) if is_allowed else None


def _label(
    unit: str, settings: list[tuple[str, str, str]], links: t.Mapping[str, list[str]], folders: LoadPath, root: str
) -> str | None:
    """The type of the unit's sockets: socket_determine_selinux_label() of systemd's src/core/socket.c.

    It is that of a process which init starts by the service's first program, whatever label that has. The service's
    SELinuxContext= is not asked.
    """
    last = {key: value for section, key, value in settings if section == "Socket"}
    installed = settings_of(activated(unit, last), links, folders)
    started = start(installed[1]) if installed else None
    if started is None or not started.programs or last.get("SELinuxContextFromNet", "").lower() in _TRUE:
        return None
    try:
        init = selinuxfs.context_of("1")
        label = _label_of_file(os.path.join(root, started.programs[0].lstrip("/")))
        return type_of(selinuxfs.transition(init, label))
    except (IndexError, OSError, ValueError):
        return None


def activated(unit: str, settings: t.Mapping[str, str]) -> str:
    """The name of the service that the socket unit starts. Pure."""
    name = unit[: -len(_SOCKET)]
    if settings.get("Accept", "").lower() in _TRUE:
        return f"{name.partition('@')[0]}@.service"
    return settings.get("Service") or name + _KIND


def _label_of_file(program: str) -> str:
    """Raises OSError, ValueError."""
    return os.getxattr(program, "security.selinux").rstrip(b"\0").decode()
