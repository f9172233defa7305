# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker's daemon: how it was started, and so where its sockets and files are."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._holders.json_files import read_json

_PID_FILES = ("run/docker.pid", "var/run/docker.pid")
_SOCKET, _DATA_ROOT = "run/docker.sock", "/var/lib/docker"


class Daemon(t.NamedTuple):
    """How dockerd was started."""

    sockets: tuple[str, ...]
    data_root: str


def find(root: str) -> Daemon:
    """A socket that nobody but systemd listens on is not asked: that would start the engine."""
    data_root, hosts = _DATA_ROOT, []
    configured = read_json(os.path.join(root, "etc/docker/daemon.json"))
    if isinstance(configured, dict):
        data_root = configured.get("data-root") or configured.get("graph") or data_root
    arguments = _arguments(root)
    for option, value in arguments or ():
        if option in ("--data-root", "--graph", "-g"):
            data_root = value
        if option in ("-H", "--host") and value.startswith("unix://"):
            hosts.append(value[len("unix://") :])
    sockets = (os.path.join(root, _SOCKET), *hosts) if arguments is not None else ()
    return Daemon(sockets, str(data_root))


def _arguments(root: str) -> list[tuple[str, str]] | None:
    """The options of the dockerd that runs, as pairs; None if none does."""
    for pid in _pids(root):
        folder = os.path.join(root, "proc", pid)
        try:
            with open(f"{folder}/comm", encoding="utf-8") as file:
                if file.read(20) != "dockerd\n" or not _is_roots(folder):
                    continue
            with open(f"{folder}/cmdline", encoding="utf-8") as file:
                words = file.read(1 << 16).split("\0")
        except (OSError, ValueError):
            continue
        return [_option(word, after) for word, after in zip(words, [*words[1:], ""])]
    return None


def _option(word: str, after: str) -> tuple[str, str]:
    """``--host=unix:///run/docker.sock``, or the same in two words."""
    option, equals, value = word.partition("=")
    return (option, value) if equals else (word, after)


def _is_roots(folder: str) -> bool:
    return os.stat(folder).st_uid == 0


def _pids(root: str) -> t.Iterator[str]:
    """That of Docker's own file first."""
    for name in _PID_FILES:
        try:
            with open(os.path.join(root, name), encoding="ascii") as file:
                yield file.read(20).strip()
        except (OSError, ValueError):
            continue
    try:
        yield from (name for name in os.listdir(os.path.join(root, "proc")) if name.isdigit())
    except OSError:
        return
