# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces: this process moves to one, and others are beside it, which it enters in threads."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import threading
from typing import Callable, Sequence, TypeVar

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)

Result = TypeVar("Result")


def call(function: Callable[..., int], *arguments: object) -> None:
    if function(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _own() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def feed(command: Sequence[str], text: str) -> None:
    """Run *command* with *text* as its input, in the namespace of the caller."""
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr or done.stdout}\n{text}"


class Networks:
    """Made by entering it; the process returns to where it was at the end."""

    def __init__(self, *guests: str) -> None:
        self._names = guests
        self._guests: dict[str, int] = {}

    def __enter__(self) -> Networks:
        with contextlib.ExitStack() as stack:
            before = _own()
            stack.callback(os.close, before)
            stack.callback(call, libc.setns, before, CLONE_NEWNET)
            for name in self._names:
                call(libc.unshare, CLONE_NEWNET)
                self._guests[name] = _own()
                stack.callback(os.close, self._guests[name])
            call(libc.unshare, CLONE_NEWNET)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    def path(self, guest: str) -> str:
        return f"/proc/{os.getpid()}/fd/{self._guests[guest]}"

    def ip(self, commands: str, guest: str | None = None) -> None:
        """Commands of ip(8), one a line; in them a guest's name in braces is its namespace."""
        text = commands.format(**{name: self.path(name) for name in self._guests})
        feed([*self.entering(guest), "ip", "-batch", "-"], text)

    def entering(self, guest: str | None) -> list[str]:
        """What to put before a command, so that it runs there."""
        return ["nsenter", f"--net={self.path(guest)}"] if guest else []

    def inside(self, guest: str, function: Callable[[], Result]) -> Result:
        """What *function* returns in the namespace of a guest."""
        results: list[Result] = []

        def run() -> None:
            call(libc.setns, self._guests[guest], CLONE_NEWNET)
            results.append(function())

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        return results[0]


def write_setting(name: str, value: str) -> None:
    """Of /proc/sys/net, in the namespace of the caller."""
    with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
        file.write(value)
