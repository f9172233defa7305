# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""port_connect and port_responder: options, results, and a responder that is a process of its own."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._reach import results
from ansible_collections.preflight.ports.plugins.module_utils._reach.attempt import Outcome
from ansible_collections.preflight.ports.plugins.module_utils._reach.destinations import Destination
from ansible_collections.preflight.ports.plugins.modules import port_connect, port_responder

KEY = "a token for the unit tests"


@pytest.mark.parametrize("module", [port_connect, port_responder])
def test_options_are_documented_as_they_are(options, module):
    told, specified = options(module)
    for each in specified.values():
        each.pop("no_log", None)
    assert {name: {"required": False, **each} for name, each in told.items()} == {
        name: {"required": False, **each} for name, each in specified.items()
    }


def test_connect(run_module, documented, loopback):
    server = loopback.listening()
    port = server.getsockname()[1]
    result = run_module(port_connect, to=[f"127.0.0.1:{port}"])
    assert (result["flows"][0]["state"], result["msg"]) == ("served", "1 flow as expected")
    assert documented(port_connect) <= set(result)
    assert documented(port_connect, "flows") == set(result["flows"][0])


def test_connect_tells_what_is_not_as_expected(run_module, loopback):
    server, spare = loopback.listening(), loopback.spare_port()
    port = server.getsockname()[1]
    result = run_module(port_connect, to=[f"127.0.0.1:{port}", f"127.0.0.1:{spare}"], expect="closed")
    assert result["failed"]
    assert result["msg"].startswith(
        f"1 of 2 flows is not as expected:\n  127.0.0.1:{port}/tcp: served, should be closed"
    )


def test_brief_rows(run_module, loopback):
    """Of what a service answered, the target knows more: it needs the client's address."""
    port = loopback.listening().getsockname()[1]
    (row,) = run_module(port_connect, to=[f"127.0.0.1:{port}"], brief=True)["flows"]
    assert (row["state"], row["source"]["address"]) == ("served", "127.0.0.1")
    flow = Destination("127.0.0.1", port, "tcp")
    opened = results.Found(flow, Outcome("open", "said", 0.1, "127.0.0.1"), ())
    assert set(results.row(0, opened, brief=True)) == {"id", "state", "seconds"}


def test_no_flows(run_module):
    result = run_module(port_connect, to=[])
    assert result["failed"]
    assert result["msg"] == "to is empty; write HOST:PORT, as in db1:5432"


def test_names_in_messages_are_harmless_and_lines_bounded(run_module):
    to = [{"host": "127.0.0.1", "port": "1-150", "name": "\x1b[31mred"}]
    result = run_module(port_connect, to=to)
    assert "\x1b" not in result["msg"]
    assert result["msg"].splitlines()[-1] == "  and 50 more"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"to": ["db1"]}, "a host and a port"),
        ({"to": ["a:1"], "timeout": 0}, "timeout"),
        ({"to": [{"host": "a", "port": 1, "responder": "r"}]}, "token is required"),
    ],
)
def test_errors_of_connect(run_module, documented, arguments, said):
    result = run_module(port_connect, **arguments)
    assert said in result["msg"]
    assert documented(port_connect) <= set(result)


def name():
    return f"unit-{random.random()}"


@pytest.mark.linux
def test_a_responder_from_start_to_end(run_module, documented, loopback, capsys):
    port, mine = loopback.spare_port(), name()
    held = loopback.listening().getsockname()[1]
    began = run_module(port_responder, token=KEY, name=mine, ports=[port, held], seconds=20)
    try:
        assert [each["state"] for each in began["ports"]] == ["bound", "taken"]
        assert documented(port_responder) <= set(began)
        process = Path(f"/proc/{began['pid']}")
        assert (process / "comm").read_text() == "port_responder\n"
        again = run_module(port_responder, token=KEY, name=mine, ports=[port])
        assert "runs already" in again["msg"]
        flow = {"host": "127.0.0.1", "port": port, "responder": mine}
        found = run_module(port_connect, token=KEY, to=[flow])["flows"][0]
        assert (found["state"], found["seen"]["responder"]) == ("open", began["id"])
        other = run_module(port_connect, token=KEY, to=[{**flow, "responder": "another"}])["flows"][0]
        assert other["state"] == "wrong_peer"
    finally:
        ended = run_module(port_responder, token=KEY, name=mine, state="absent")
    assert (ended["running"], ended["changed"], ended["completed"]) == (True, True, 2)
    assert documented(port_responder) <= set(ended)
    deadline = time.monotonic() + 5
    while process.exists() and "State:\tZ" not in (process / "status").read_text():
        assert time.monotonic() < deadline
    once_more = run_module(port_responder, token=KEY, name=mine, state="absent")
    assert (once_more["running"], once_more["changed"]) == (False, False)


@pytest.mark.linux
def test_check_mode_starts_nothing(run_module, loopback):
    port = loopback.spare_port()
    result = run_module(port_responder, token=KEY, name=name(), ports=[port], _ansible_check_mode=True)
    assert (result["pid"], result["changed"], result["ports"][0]["state"]) == (None, False, "bound")
    ended = run_module(port_responder, token=KEY, name=name(), state="absent", _ansible_check_mode=True)
    assert not ended["running"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"token": "short"}, "at least 16"),
        ({"token": KEY, "seconds": 0}, "seconds 0"),
        ({"token": KEY, "ports": ["x y"]}, "ports[0]"),
        ({"token": KEY, "ports": ["1-3000"]}, "at most 2000"),
    ],
)
def test_errors_of_the_responder(run_module, documented, arguments, said):
    for state in ("present", "absent") if "ports" not in arguments else ("present",):
        result = run_module(port_responder, state=state, **arguments)
        assert said in result["msg"]
        assert documented(port_responder) <= set(result)


@pytest.mark.linux
def test_a_process_that_cannot_start(run_module, monkeypatch, loopback):
    from ansible_collections.preflight.ports.plugins.module_utils._reach import daemon

    def refuse(*_arguments):
        raise daemon.DaemonError("no process")

    monkeypatch.setattr(daemon, "start", refuse)
    result = run_module(port_responder, token=KEY, name=name(), ports=[loopback.spare_port()])
    assert result["msg"] == "no process"
