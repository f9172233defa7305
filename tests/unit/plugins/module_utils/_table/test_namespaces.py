# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import addresses, child
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._table import namespaces, sock_diag
from ansible_collections.preflight.ports.plugins.module_utils._table.namespaces import servers_at
from support.records import at, row

BACKEND = at("10.88.0.5").address
HOST, WEB, DB = 10, 11, 12  # network namespaces


@pytest.fixture
def host(monkeypatch):
    """Processes 1 and 2 are in the host's network; 3 and 4 in that of a container, 5 in that of another one."""
    entered = []
    of_process = {"self": HOST, "1": HOST, "2": HOST, "3": WEB, "4": WEB, "5": DB}
    own = {WEB: [BACKEND], DB: [at("10.88.0.6").address]}
    sockets = {
        WEB: [row(LISTENING, "0.0.0.0", 80, inode=7, uid=33), row(LISTENING, "127.0.0.1", 81, inode=8)],
        DB: [row(LISTENING, "0.0.0.0", 80, inode=9)],
    }

    def enter(path):
        entered.append(of_process[path.split("/")[2]])
        return True

    monkeypatch.setattr(namespaces, "processes", lambda _proc: ["1", "2", "3", "4", "5"])
    monkeypatch.setattr(namespaces, "_identity", lambda path: (1, of_process[path.split("/")[2]]))
    monkeypatch.setattr(namespaces, "_entered", enter)
    monkeypatch.setattr(child, "ask", lambda answer, _seconds: answer())
    monkeypatch.setattr(addresses, "read", lambda: [(2, address) for address in own[entered[-1]]])
    monkeypatch.setattr(
        sock_diag,
        "read",
        lambda _protocol, first, last, _states: [held for held in sockets[entered[-1]] if first <= held.port <= last],
    )
    return entered


def test_servers_at(host):
    (server,) = servers_at(BACKEND, "tcp", 80)
    assert (server.inode, server.uid, server.port, server.state) == (7, 33, 80, LISTENING)
    assert host == [WEB, DB], "a namespace was entered more than once, or the host's own was"


@pytest.mark.parametrize(
    ("address", "port"),
    [
        pytest.param(BACKEND, 81, id="only on loopback there"),
        pytest.param(BACKEND, 82, id="nobody on that port"),
        pytest.param(at("10.88.0.7").address, 80, id="nobody has the address"),
    ],
)
def test_servers_at_finds_nobody(address, port, host):
    assert servers_at(address, "tcp", port) == []


def test_servers_at_where_the_user_may_not_look(host, monkeypatch):
    def fail(_answer, _seconds):
        raise child.ChildError("Operation not permitted")

    monkeypatch.setattr(child, "ask", fail)
    assert servers_at(BACKEND, "tcp", 80) == []


def test_servers_at_ends_in_time(host, monkeypatch):
    monkeypatch.setattr(namespaces, "_SECONDS", 0)
    assert servers_at(BACKEND, "tcp", 80) == []
    assert host == []
