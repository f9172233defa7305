# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from unittest.mock import Mock

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import census
from ansible_collections.preflight.ports.plugins.module_utils._kernel import bind
from ansible_collections.preflight.ports.plugins.module_utils._look.inventory import Filter, take
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    EVERY_STATE,
    LISTENING,
)
from ansible_collections.preflight.ports.plugins.module_utils._table.bound_only import Bound
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import Source
from support.records import APACHE, CURL, census_of, row

SERVER = row(LISTENING, "0.0.0.0", 80, inode=APACHE.pid)
SERVER6 = row(LISTENING, "::", 80, v6only=True, inode=APACHE.pid)
LOCAL = row(LISTENING, "127.0.0.1", 80, inode=CURL.pid)
HIGH = row(LISTENING, "0.0.0.0", 8080, inode=CURL.pid)
CLIENT = row(CONNECTED, "10.0.0.5", 45000, inode=CURL.pid, peer="10.0.0.9:443")
DYING = row(CLOSING, "10.0.0.5", 80, peer="10.0.0.9:50000")
DATAGRAMS = row(BOUND, "0.0.0.0", 53, "udp", inode=APACHE.pid)
TABLE = [HIGH, DATAGRAMS, SERVER6, CLIENT, LOCAL, DYING, SERVER]
WAITING = row(BOUND, "127.0.0.1", 81, inode=CURL.pid)

BOTH = ("tcp", "udp")
USUAL = frozenset([LISTENING, BOUND])


class Host:
    def __init__(self, monkeypatch):
        self.asked = None
        self.reads = []
        self.listed = None
        self.probe = Mock(return_value=bind.IN_USE)
        monkeypatch.setattr(census, "take", self._take_census)
        monkeypatch.setattr(bind, "probe", self.probe)

    def _take_census(self, sockets):
        self.asked = set(sockets)
        return census_of(APACHE, CURL)

    def _read(self, protocol, first, last, states):
        self.reads.append((protocol, first, last))
        rows = [held for held in TABLE if held.protocol == protocol and first <= held.port <= last]
        return [held for held in rows if protocol == "udp" or held.state in states or held.state == CLOSING]

    def _find_bound(self, listed):
        self.listed = listed
        return Bound([WAITING], True)

    def take(self, ports=(), protocols=BOTH, states=USUAL, lacks_bound=False):
        source = Source("fake", self._read, self._find_bound if lacks_bound else None, True)
        return take(Filter(ports, protocols, states), source)


@pytest.fixture
def host(monkeypatch):
    return Host(monkeypatch)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param({}, [SERVER, LOCAL, SERVER6, HIGH, DATAGRAMS], id="by protocol, port, family and address"),
        pytest.param({"protocols": ["udp"]}, [DATAGRAMS], id="one protocol"),
        pytest.param({"protocols": ["udp", "udp"]}, [DATAGRAMS], id="one protocol twice"),
        pytest.param({"states": frozenset([BOUND])}, [DATAGRAMS], id="one state"),
        pytest.param({"states": frozenset([CLOSING])}, [DYING], id="dying ones"),
        pytest.param(
            {"states": EVERY_STATE, "protocols": ["tcp"]},
            [SERVER, DYING, LOCAL, SERVER6, HIGH, CLIENT],
            id="every state",
        ),
        pytest.param({"ports": [range(80, 81)]}, [SERVER, LOCAL, SERVER6], id="a port"),
        pytest.param({"ports": [range(8000, 9000), range(53, 54)]}, [HIGH, DATAGRAMS], id="ports with a gap"),
        pytest.param({"ports": [range(1, 50)]}, [], id="nothing there"),
        pytest.param(
            {"lacks_bound": True, "protocols": ["tcp"]},
            [SERVER, LOCAL, SERVER6, WAITING, HIGH],
            id="bound ones that the table lacks",
        ),
        pytest.param({"lacks_bound": True, "ports": [range(8080, 8081)]}, [HIGH], id="bound ones on other ports"),
    ],
)
def test_take(wanted, expected, host):
    found = host.take(**wanted)
    assert [held for held, _holder in found] == expected
    assert host.asked == set(expected), "nobody asked for the others' holders"


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        pytest.param([], ("tcp", 1, 65535), id="all"),
        pytest.param([range(80, 81)], ("tcp", 80, 80), id="one"),
        pytest.param([range(8000, 9000), range(53, 54)], ("tcp", 53, 8999), id="from the first to the last"),
    ],
)
def test_take_reads_no_more_than_it_has_to(ports, expected, host):
    host.take(ports=ports, protocols=["tcp"])
    assert host.reads == [expected]


def test_take_gives_each_socket_its_own_holder(host):
    found = host.take(ports=[range(80, 81)])
    described = [(holder.process.pid, holder.addresses) for _held, holder in found]
    assert described == [(812, ("0.0.0.0",)), (4711, ("127.0.0.1",)), (812, ("::",))]


@pytest.mark.parametrize(
    ("wanted", "listed"),
    [
        pytest.param({}, {held.inode for held in TABLE if held.protocol == "tcp"}, id="bound ones wanted"),
        pytest.param({"states": frozenset([LISTENING])}, None, id="bound ones not wanted"),
        pytest.param({"protocols": ["udp"]}, None, id="TCP not wanted"),
    ],
)
def test_take_looks_for_bound_sockets_only_if_wanted(wanted, listed, host):
    host.take(lacks_bound=True, **wanted)
    assert host.listed == listed


@pytest.mark.parametrize(
    ("bind_answer", "expected"),
    [
        pytest.param(bind.FREE, [], id="a port that it lost"),
        pytest.param(bind.REUSABLE, [WAITING], id="SO_REUSEADDR"),
        pytest.param(bind.UNAVAILABLE, [WAITING], id="an address that the host lacks"),
        pytest.param(bind.ProbeError(), [WAITING], id="no answer"),
    ],
)
def test_take_without_sockets_that_lost_their_port(bind_answer, expected, host):
    host.probe.side_effect = [bind_answer]
    found = host.take(lacks_bound=True, ports=[range(81, 82)])
    assert [held for held, _holder in found] == expected
