# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A question that is asked by a forked child: with other rights, in another namespace, or with a limit in time."""

from __future__ import annotations

import json
import os
import select
import signal
import time
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.patience import PATIENCE, Patience

_PART = 1 << 16  # bytes
_MOST_BYTES = 1 << 26


class ChildError(Exception):
    """The child gave no answer, or not in time."""


def ask(answer: t.Callable[[], t.Any], seconds: float, patience: Patience = PATIENCE) -> t.Any:
    """What *answer* gives in a child, as JSON hands it on. Raises ChildError, also for whatever *answer* raises.

    The child is killed in the end. One that cannot be killed, because it waits in the kernel, is left behind.
    """
    started = time.monotonic()
    reading, writing, pid = _fork()
    if not pid:
        _answer(answer, writing)
    os.close(writing)
    try:
        text = _received(reading, patience.at_most(seconds))
    finally:
        os.close(reading)
        os.kill(pid, signal.SIGKILL)
        _reap(pid)
    try:
        found, problem = json.loads(text)
    except ValueError:
        patience.lose(time.monotonic() - started)
        raise ChildError("no answer") from None
    if problem:
        raise ChildError(str(problem))
    return found


def _fork() -> tuple[int, int, int]:
    """Both ends of a pipe, and the child's pid. Raises ChildError where no descriptor or no process is left."""
    try:
        reading, writing = os.pipe()
    except OSError as error:
        raise ChildError(error.strerror) from error
    try:
        return reading, writing, os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        raise ChildError(error.strerror) from error


def _answer(answer: t.Callable[[], t.Any], writing: int) -> t.NoReturn:
    """In the child, which ends without Python's own end: buffers and handlers are the parent's.

    It lets go of the task's output first. Ansible waits until nobody has that any more.
    """
    try:
        try:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nowhere, stream)
            told = [answer(), None]
        except Exception as error:
            told = [None, str(error) or type(error).__name__]
        with os.fdopen(writing, "w") as pipe:
            json.dump(told, pipe)
    finally:
        os._exit(0)


def _received(reading: int, seconds: float) -> str:
    """All that the child writes before it ends, or until the time is over."""
    deadline = time.monotonic() + seconds
    parts: list[bytes] = []
    waiting = select.poll()  # select(2) takes no descriptor above 1023
    waiting.register(reading, select.POLLIN)
    while waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
        part = os.read(reading, _PART)
        if not part or sum(map(len, parts)) > _MOST_BYTES:
            break
        parts.append(part)
    return b"".join(parts).decode("utf-8", "replace")


def _reap(pid: int) -> None:
    """It is gone within a moment, unless the kernel holds it."""
    for attempt in range(110):
        if os.waitpid(pid, os.WNOHANG)[0]:
            return
        time.sleep(0.0002 if attempt < 10 else 0.01)
