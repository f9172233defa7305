# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import resource
import time

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import child
from ansible_collections.preflight.ports.plugins.module_utils._kernel.child import ChildError, ask

pytestmark = pytest.mark.usefixtures("leaves_nothing_open")


def test_ask_hands_on_what_json_can_hold():
    assert ask(lambda: [1, "a", None, {"b": [True]}], 10) == [1, "a", None, {"b": [True]}]


def test_ask_is_asked_in_another_process():
    assert ask(os.getpid, 10) != os.getpid()


def test_ask_leaves_no_process():
    pid = ask(os.getpid, 10)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _fail():
    raise OSError("no such device")


def _end():
    os._exit(3)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        pytest.param(_fail, "no such device", id="what it raises"),
        pytest.param(_end, "no answer", id="it ends"),
        pytest.param(lambda: {1, 2}, "no answer", id="what JSON cannot hold"),
    ],
)
def test_ask_gets_no_answer(answer, complaint):
    with pytest.raises(ChildError, match=complaint):
        ask(answer, 10)


def test_ask_waits_no_longer_than_it_should():
    with pytest.raises(ChildError, match="no answer"):
        ask(lambda: time.sleep(3600), 0.05)


def test_ask_reads_no_more_than_it_should(monkeypatch):
    monkeypatch.setattr(child, "_MOST_BYTES", 10)
    with pytest.raises(ChildError, match="no answer"):
        ask(lambda: "x" * (1 << 20), 10)


def test_ask_lets_go_of_the_output():
    """Whoever reads it waits until nobody has it any more; a child that hangs would have it for ever."""
    ours = [os.fstat(stream).st_ino for stream in range(3)]
    theirs = ask(lambda: [os.fstat(stream).st_ino for stream in range(3)], 10)
    assert theirs == [os.stat(os.devnull).st_ino] * 3 != ours


@pytest.mark.parametrize("call", ["pipe", "fork"])
def test_ask_where_nothing_is_left(call, monkeypatch):
    def refuse():
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(ChildError, match="Too many open files"):
        ask(os.getpid, 10)


def test_ask_with_many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(2000, hard), hard))
    some = [os.dup(0) for _each in range(1100)]
    try:
        assert ask(lambda: 1, 10) == 1
    finally:
        for each in some:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
