# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel.bind import FREE as BINDS
from ansible_collections.preflight.ports.plugins.module_utils._kernel.bind import IN_USE, NO_ANSWER, REUSABLE
from ansible_collections.preflight.ports.plugins.module_utils._kernel.bind import REFUSED as DENIED
from ansible_collections.preflight.ports.plugins.module_utils._kernel.bind import UNAVAILABLE as NOT_HERE
from ansible_collections.preflight.ports.plugins.module_utils._look.settle import settle
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import (
    BLOCKED,
    CLAIMED,
    DUPLICATE,
    EPHEMERAL,
    REDIRECTED,
    REFUSED,
    UNAVAILABLE,
    UNKNOWN,
    Finding,
    worst,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.overlap import surely_taken
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, CLOSING, CONNECTED, LISTENING
from support.records import (
    CONVERSATION,
    DATAGRAMS,
    DYING,
    ELSEWHERE,
    OUTGOING,
    PERHAPS,
    SERVER,
    WAITING,
    at,
    row,
)

FREE = "free"
WANTED = at("0.0.0.0")


@pytest.mark.parametrize(
    ("sockets", "expected"),
    [
        pytest.param([], False, id="nothing there"),
        pytest.param([SERVER], True, id="a listener"),
        pytest.param([ELSEWHERE, SERVER], True, id="one of several"),
        pytest.param([ELSEWHERE], False, id="a listener elsewhere"),
        pytest.param([PERHAPS], False, id="a listener that may have V6ONLY"),
        pytest.param([WAITING], False, id="bound: SO_REUSEADDR decides"),
        pytest.param([OUTGOING, DYING], False, id="connections: SO_REUSEADDR decides"),
        pytest.param([DATAGRAMS], True, id="UDP"),
        pytest.param([CONVERSATION], True, id="UDP connected"),
        pytest.param([row(LISTENING, interface="eth1")], True, id="on a device"),
        pytest.param([row(LISTENING, interface="eth1", vrf="red")], False, id="in a VRF"),
    ],
)
def test_surely_taken(sockets, expected):
    assert surely_taken(WANTED, sockets) is expected


def test_surely_taken_on_the_wanted_device():
    zone = at("fe80::1", True, "eth0")
    assert surely_taken(zone, [row(LISTENING, "fe80::1", v6only=True, interface="eth0")])
    assert not surely_taken(zone, [row(LISTENING, "fe80::1", v6only=True, interface="eth1")])


CONTRADICTION = None


@pytest.mark.parametrize(
    ("answer", "sockets", "expected"),
    [
        pytest.param(BINDS, [SERVER], Finding(FREE), id="bind(2) has the last word"),
        pytest.param(NOT_HERE, [ELSEWHERE], Finding(UNAVAILABLE), id="not an address of this host"),
        pytest.param(IN_USE, [], CONTRADICTION, id="in use by nobody"),
        pytest.param(IN_USE, [ELSEWHERE], CONTRADICTION, id="in use, somebody elsewhere"),
        pytest.param(IN_USE, [SERVER], Finding(LISTENING, (SERVER,)), id="in use by a listener"),
        pytest.param(IN_USE, [PERHAPS], Finding(LISTENING, (PERHAPS,)), id="in use by what may have V6ONLY"),
        pytest.param(IN_USE, [WAITING], Finding(BOUND, (WAITING,)), id="in use by a bound one"),
        pytest.param(IN_USE, [WAITING, SERVER], Finding(LISTENING, (WAITING, SERVER)), id="a listener is worse"),
        pytest.param(IN_USE, [OUTGOING], Finding(CONNECTED, (OUTGOING,)), id="in use by a connection"),
        pytest.param(IN_USE, [DYING], Finding(CLOSING, (DYING,)), id="in use by a dying one"),
        pytest.param(IN_USE, [DYING, OUTGOING], Finding(CONNECTED, (DYING, OUTGOING)), id="a connection is worse"),
        pytest.param(
            IN_USE,
            [OUTGOING, SERVER, DYING],
            Finding(LISTENING, (SERVER,)),
            id="a listener's connections are not to blame",
        ),
        pytest.param(IN_USE, [OUTGOING, WAITING], Finding(BOUND, (WAITING,)), id="nor are those of a bound one"),
        pytest.param(IN_USE, [DATAGRAMS], Finding(BOUND, (DATAGRAMS,)), id="in use by UDP"),
        pytest.param(
            IN_USE,
            [CONVERSATION, DATAGRAMS],
            Finding(BOUND, (CONVERSATION, DATAGRAMS)),
            id="each UDP socket is to blame",
        ),
        pytest.param(IN_USE, [CONVERSATION], Finding(CONNECTED, (CONVERSATION,)), id="in use by a UDP conversation"),
        pytest.param(DENIED, [], Finding(REFUSED), id="refused"),
        pytest.param(DENIED, [ELSEWHERE], Finding(REFUSED), id="refused, somebody elsewhere"),
        pytest.param(DENIED, [SERVER], Finding(LISTENING, (SERVER,)), id="refused, and taken as well"),
        pytest.param(NO_ANSWER, [], Finding(FREE), id="without an answer the table decides: free"),
        pytest.param(NO_ANSWER, [SERVER], Finding(LISTENING, (SERVER,)), id="the table decides: listening"),
        pytest.param(NO_ANSWER, [OUTGOING], Finding(CONNECTED, (OUTGOING,)), id="the table decides: connected"),
        pytest.param(NO_ANSWER, [ELSEWHERE], Finding(FREE), id="the table decides: elsewhere"),
        pytest.param(None, [SERVER], Finding(LISTENING, (SERVER,)), id="not asked, the listener is still there"),
        pytest.param(None, [], CONTRADICTION, id="not asked, the listener is gone"),
    ],
)
@pytest.mark.parametrize("shows_bound", [True, False], ids=["shows bound", "lacks bound"])
def test_settle(answer, sockets, shows_bound, expected):
    assert settle(WANTED, answer, sockets, shows_bound) == expected


LOST = "10.0.0.99"


@pytest.mark.parametrize(
    ("held", "state", "is_in_the_way"),
    [
        pytest.param(row(LISTENING, LOST), LISTENING, True, id="a listener on the very address"),
        pytest.param(row(BOUND, LOST, protocol="udp"), BOUND, True, id="a UDP socket"),
        pytest.param(row(CONNECTED, LOST, peer="10.0.0.9:443"), UNAVAILABLE, False, id="a connection left over"),
        pytest.param(SERVER, UNAVAILABLE, True, id="the wildcard"),
        pytest.param(ELSEWHERE, UNAVAILABLE, False, id="another address"),
        pytest.param(row(LISTENING, LOST, vrf="red"), UNAVAILABLE, False, id="in a VRF"),
    ],
)
def test_settle_on_an_address_that_the_host_lacks(held, state, is_in_the_way):
    assert settle(at(LOST), NOT_HERE, [held], True) == Finding(state, (held,) if is_in_the_way else ())


@pytest.mark.parametrize(
    ("sockets", "shows_bound", "lacks_bound"),
    [
        pytest.param([], CONTRADICTION, CONTRADICTION, id="nobody"),
        pytest.param([WAITING], Finding(BOUND, (WAITING,)), Finding(BOUND, (WAITING,)), id="a bound one"),
        pytest.param(
            [OUTGOING, WAITING],
            Finding(BOUND, (WAITING,)),
            Finding(BOUND, (WAITING,)),
            id="a bound one among connections",
        ),
        pytest.param([OUTGOING], Finding(FREE), Finding(CONNECTED, (OUTGOING,)), id="connections may hide a bound one"),
        pytest.param([DYING], Finding(FREE), Finding(CLOSING, (DYING,)), id="dying ones may, too"),
        pytest.param([row(BOUND, "::1", v6only=True)], CONTRADICTION, CONTRADICTION, id="a bound one elsewhere"),
        pytest.param([SERVER], CONTRADICTION, CONTRADICTION, id="a listener that came meanwhile is no explanation"),
    ],
)
def test_settle_what_so_reuseaddr_would_allow(sockets, shows_bound, lacks_bound):
    assert settle(WANTED, REUSABLE, sockets, shows_bound=True) == shows_bound
    assert settle(WANTED, REUSABLE, sockets, shows_bound=False) == lacks_bound


WORST_FIRST = [
    LISTENING,
    BOUND,
    CONNECTED,
    UNKNOWN,
    REFUSED,
    CLOSING,
    REDIRECTED,
    BLOCKED,
    CLAIMED,
    EPHEMERAL,
    DUPLICATE,
    UNAVAILABLE,
    FREE,
]


def test_the_words_are_those_of_the_results():
    words = (REDIRECTED, UNKNOWN, DUPLICATE, UNAVAILABLE, REFUSED, EPHEMERAL, BLOCKED, CLAIMED)
    assert " ".join(words) == "redirected unknown duplicate unavailable refused ephemeral blocked claimed"


@pytest.mark.parametrize(("worse", "better"), list(itertools.combinations(WORST_FIRST, 2)))
def test_worst(worse, better):
    assert worst([better, worse]) == worst(iter([worse, better])) == worse
