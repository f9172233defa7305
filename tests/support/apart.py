# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes in processes of their own: their namespaces, mounts, limits and filters end with them."""

from __future__ import annotations

import os
import pickle
import signal
import traceback
from typing import Callable, TypeVar

import pytest

from support import sandbox
from support.namespaces import leave_mounts, leave_processes, mount

PATIENCE_SECONDS = 300

Outcome = TypeVar("Outcome")


def apart(scene: Callable[[], Outcome]) -> Outcome:
    """What the scene returns; the test fails when it raises, and nothing of it stays."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            signal.signal(signal.SIGALRM, lambda *_: os._exit(1))  # the first process of a namespace needs to be told
            signal.alarm(PATIENCE_SECONDS)
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(_outcome(scene))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    if not answer:
        pytest.fail("the scene ended without an outcome", pytrace=False)
    value, error = pickle.loads(answer)  # noqa: S301  from our own child
    if error:
        pytest.fail(error, pytrace=False)
    return value  # type: ignore[no-any-return]


def _outcome(scene: Callable[[], object]) -> bytes:
    try:
        return pickle.dumps((scene(), None))
    except BaseException:
        return pickle.dumps((None, traceback.format_exc()))


def in_network(scene: Callable[[], Outcome]) -> Outcome:
    """The scene in a network namespace of its own."""

    def inside() -> Outcome:
        sandbox.enter()
        return scene()

    return apart(inside)


def in_mounts(scene: Callable[[], Outcome]) -> Outcome:
    """The scene in namespaces of its own for network and mounts."""

    def inside() -> Outcome:
        leave_mounts()
        return scene()

    return in_network(inside)


def in_processes(scene: Callable[[], Outcome], options: str = "") -> Outcome:
    """The scene in namespaces of its own for network, mounts and processes, with a /proc mounted with these options."""

    def inside() -> Outcome:
        mount("proc", "/proc", "proc", 0, options)
        return scene()

    def outside() -> Outcome:
        leave_processes()
        return apart(inside)

    return in_mounts(outside)
