# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import Holder
from ansible_collections.preflight.ports.plugins.module_utils._probe import (
    FREE as BINDS,
)
from ansible_collections.preflight.ports.plugins.module_utils._probe import (
    IN_USE,
    NO_WITNESS,
    REUSABLE,
)
from ansible_collections.preflight.ports.plugins.module_utils._probe import (
    UNAVAILABLE as NOT_HERE,
)
from ansible_collections.preflight.ports.plugins.module_utils._sockets import BOUND, CLOSING, CONNECTED, LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._verdicts import (
    DUPLICATE,
    UNAVAILABLE,
    UNKNOWN,
    Finding,
    Verdict,
    judge,
    rivals,
    settle,
    surely_taken,
    together,
    worst,
)
from records import APACHE, CURL, at, census, row, want, wanting

FREE = "free"
WANTED = at("0.0.0.0")

SERVER = row(LISTENING)
ELSEWHERE = row(LISTENING, "::1", v6only=True)
PERHAPS = row(LISTENING, "::", v6only=None)
WAITING = row(BOUND, "127.0.0.1")
OUTGOING = row(CONNECTED, "10.0.0.5", peer="10.0.0.9:443")
DYING = row(CLOSING, "10.0.0.5", peer="10.0.0.9:443")
DATAGRAMS = row(BOUND, protocol="udp")
CONVERSATION = row(CONNECTED, protocol="udp", peer="10.0.0.9:53")


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
    assert surely_taken(WANTED, sockets, shows_device=True) is expected
    assert surely_taken(WANTED, sockets, shows_device=False) is False


def test_surely_taken_on_the_wanted_device():
    zone = at("fe80::1", True, "eth0")
    assert surely_taken(zone, [row(LISTENING, "fe80::1", v6only=True, interface="eth0")], shows_device=True)
    assert not surely_taken(zone, [row(LISTENING, "fe80::1", v6only=True, interface="eth1")], shows_device=True)


CONTRADICTION = None


@pytest.mark.parametrize(
    ("answer", "sockets", "expected"),
    [
        pytest.param(BINDS, [SERVER], Finding(FREE), id="bind(2) has the last word"),
        pytest.param(NOT_HERE, [SERVER], Finding(UNAVAILABLE), id="not an address of this host"),
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
        pytest.param(NO_WITNESS, [], Finding(FREE), id="without a witness the table decides: free"),
        pytest.param(NO_WITNESS, [SERVER], Finding(LISTENING, (SERVER,)), id="the table decides: listening"),
        pytest.param(NO_WITNESS, [OUTGOING], Finding(CONNECTED, (OUTGOING,)), id="the table decides: connected"),
        pytest.param(NO_WITNESS, [ELSEWHERE], Finding(FREE), id="the table decides: elsewhere"),
        pytest.param(None, [SERVER], Finding(LISTENING, (SERVER,)), id="not asked, the listener is still there"),
        pytest.param(None, [], CONTRADICTION, id="not asked, the listener is gone"),
    ],
)
@pytest.mark.parametrize("shows_bound", [True, False], ids=["shows bound", "lacks bound"])
def test_settle(answer, sockets, shows_bound, expected):
    assert settle(WANTED, answer, sockets, shows_bound) == expected


@pytest.mark.parametrize(
    ("sockets", "shows_bound", "lacks_bound"),
    [
        pytest.param([], Finding(FREE), CONTRADICTION, id="nobody"),
        pytest.param([WAITING], Finding(BOUND, (WAITING,)), Finding(BOUND, (WAITING,)), id="a bound one"),
        pytest.param(
            [OUTGOING, WAITING],
            Finding(BOUND, (WAITING,)),
            Finding(BOUND, (WAITING,)),
            id="a bound one among connections",
        ),
        pytest.param([OUTGOING], Finding(FREE), Finding(CONNECTED, (OUTGOING,)), id="connections may hide a bound one"),
        pytest.param([DYING], Finding(FREE), Finding(CLOSING, (DYING,)), id="dying ones may, too"),
        pytest.param([row(BOUND, "::1", v6only=True)], Finding(FREE), CONTRADICTION, id="a bound one elsewhere"),
        pytest.param([SERVER], Finding(FREE), CONTRADICTION, id="a listener that came meanwhile is no explanation"),
    ],
)
def test_settle_what_so_reuseaddr_would_allow(sockets, shows_bound, lacks_bound):
    assert settle(WANTED, REUSABLE, sockets, shows_bound=True) == shows_bound
    assert settle(WANTED, REUSABLE, sockets, shows_bound=False) == lacks_bound


WORST_FIRST = [LISTENING, BOUND, CONNECTED, UNKNOWN, CLOSING, DUPLICATE, UNAVAILABLE, FREE]


def test_the_words_are_those_of_the_contract():
    assert (UNKNOWN, DUPLICATE, UNAVAILABLE) == ("unknown", "duplicate", "unavailable")


@pytest.mark.parametrize(("worse", "better"), list(itertools.combinations(WORST_FIRST, 2)))
def test_worst(worse, better):
    assert worst([better, worse]) == worst(iter([worse, better])) == worse


@pytest.mark.parametrize(
    ("entry", "findings", "expected"),
    [
        pytest.param(80, [Finding(FREE), Finding(FREE)], Finding(FREE), id="both families free"),
        pytest.param(80, [Finding(FREE), Finding(UNAVAILABLE)], Finding(FREE), id="a family that the host lacks"),
        pytest.param(
            80,
            [Finding(LISTENING, (SERVER,)), Finding(UNAVAILABLE)],
            Finding(LISTENING, (SERVER,)),
            id="the other family is taken",
        ),
        pytest.param(80, [Finding(UNAVAILABLE), Finding(UNAVAILABLE)], Finding(UNAVAILABLE), id="both families lack"),
        pytest.param("[::1]:80", [Finding(UNAVAILABLE)], Finding(UNAVAILABLE), id="an address that was asked for"),
        pytest.param(
            80,
            [Finding(CONNECTED, (OUTGOING,)), Finding(LISTENING, (PERHAPS,))],
            Finding(LISTENING, (OUTGOING, PERHAPS)),
            id="the worst state, all sockets",
        ),
        pytest.param(
            80,
            [Finding(LISTENING, (PERHAPS,)), Finding(LISTENING, (PERHAPS,))],
            Finding(LISTENING, (PERHAPS,)),
            id="each socket once",
        ),
        pytest.param(80, [Finding(UNKNOWN), Finding(CLOSING, (DYING,))], Finding(UNKNOWN, (DYING,)), id="unknown"),
    ],
)
def test_together(entry, findings, expected):
    assert together(want(entry), findings) == expected


def by(process, state=LISTENING, address="0.0.0.0", **rest):
    return row(state, address, inode=process.pid, **rest)


def judged(requirement, state, sockets, others=()):
    return judge(requirement, 80, Finding(state, tuple(sockets)), census(APACHE, CURL), others)


@pytest.mark.parametrize(
    ("state", "sockets", "held_by", "met", "is_held", "pids"),
    [
        pytest.param(FREE, [], [], True, False, [], id="free"),
        pytest.param(FREE, [], ["apache2"], True, False, [], id="free, so nobody needs permission"),
        pytest.param(LISTENING, [by(APACHE)], [], False, False, [812], id="taken"),
        pytest.param(LISTENING, [by(APACHE)], ["apache2"], True, True, [812], id="held by whom held_by allows"),
        pytest.param(
            LISTENING, [by(APACHE)], ["nginx", "unit:apache2.service"], True, True, [812], id="one pattern is enough"
        ),
        pytest.param(LISTENING, [by(APACHE)], ["nginx"], False, False, [812], id="held by somebody else"),
        pytest.param(
            LISTENING,
            [by(APACHE), by(CURL)],
            ["apache2"],
            False,
            False,
            [812, 4711],
            id="held by somebody else as well",
        ),
        pytest.param(
            LISTENING, [by(APACHE), by(CURL)], ["apache2", "curl"], True, True, [812, 4711], id="each holder is allowed"
        ),
        pytest.param(
            LISTENING, [row(LISTENING, inode=7)], ["*"], False, False, [None], id="a hidden holder is never allowed"
        ),
        pytest.param(CLOSING, [row(CLOSING)], ["*"], False, False, [None], id="nor is the kernel"),
        pytest.param(UNKNOWN, [], ["*"], False, False, [None], id="nor is the unknown"),
        pytest.param(UNKNOWN, [row(CLOSING)], [], False, False, [None], id="the unknown stands alone"),
        pytest.param(UNAVAILABLE, [], ["*"], False, False, [], id="unavailable"),
        pytest.param(CONNECTED, [by(CURL, CONNECTED)], [], False, False, [4711], id="connected"),
    ],
)
def test_judge_what_is_to_be_free(state, sockets, held_by, met, is_held, pids):
    verdict = judged(want(80, held_by=held_by), state, sockets)
    assert (verdict.state, verdict.met, verdict.is_held) == (state, met, is_held)
    assert [holder.process and holder.process.pid for holder in verdict.holders] == pids


@pytest.mark.parametrize(
    ("state", "sockets", "expected"),
    [
        pytest.param(FREE, (), (DUPLICATE, False, ("web",)), id="free but for the rival"),
        pytest.param(LISTENING, (by(APACHE),), (LISTENING, False, ()), id="a holder is worse than a rival"),
        pytest.param(UNAVAILABLE, (), (UNAVAILABLE, False, ()), id="unavailable to both"),
    ],
)
def test_judge_with_rivals(state, sockets, expected):
    verdict = judged(want(80), state, sockets, ["web"])
    assert (verdict.state, verdict.met, verdict.rivals) == expected


@pytest.mark.parametrize(
    ("entry", "state", "sockets", "held_by", "met"),
    [
        pytest.param(80, FREE, (), [], False, id="nothing listens"),
        pytest.param(80, LISTENING, (by(APACHE),), [], True, id="listens"),
        pytest.param(80, LISTENING, (by(APACHE, address="127.0.0.1"),), [], True, id="listens on any address"),
        pytest.param(80, BOUND, (by(APACHE, BOUND),), [], False, id="bound is not yet listening"),
        pytest.param(80, CONNECTED, (by(CURL, CONNECTED),), [], False, id="a connection does not listen"),
        pytest.param(80, UNKNOWN, (), [], False, id="unknown"),
        pytest.param(80, UNAVAILABLE, (), [], False, id="unavailable"),
        pytest.param(
            "0.0.0.0:80", LISTENING, (by(APACHE, address="127.0.0.1"),), [], False, id="one address is not all"
        ),
        pytest.param("127.0.0.1:80", LISTENING, (by(APACHE),), [], True, id="all are this one too"),
        pytest.param("[::1]:80", LISTENING, (by(APACHE, address="::", v6only=False),), [], True, id="dual-stack"),
        pytest.param("[::]:80", LISTENING, (by(APACHE),), [], False, id="IPv4 does not serve IPv6"),
        pytest.param("80/udp", BOUND, (by(APACHE, BOUND, protocol="udp"),), [], True, id="UDP bound is served"),
        pytest.param(
            "80/udp", CONNECTED, (by(APACHE, CONNECTED, protocol="udp"),), [], False, id="UDP connected is not"
        ),
        pytest.param(80, LISTENING, (by(APACHE),), ["apache2"], True, id="by whom held_by wants"),
        pytest.param(80, LISTENING, (by(APACHE),), ["nginx"], False, id="by somebody else"),
        pytest.param(80, LISTENING, (by(CURL), by(APACHE)), ["apache2"], True, id="by both"),
        pytest.param(
            "0.0.0.0:80",
            LISTENING,
            (by(CURL), by(APACHE, address="127.0.0.1")),
            ["apache2"],
            False,
            id="the right one on the wrong address",
        ),
        pytest.param(80, LISTENING, (row(LISTENING, inode=7),), ["*"], False, id="by a hidden process"),
    ],
)
def test_judge_what_is_to_listen(entry, state, sockets, held_by, met):
    verdict = judged(want(entry, state="listening", held_by=held_by), state, sockets)
    assert (verdict.state, verdict.met, verdict.is_held) == (state, met, False)


def test_judge_tells_requirement_and_port():
    requirement = want("80-81")
    assert judge(requirement, 81, Finding(FREE), census()) == Verdict(requirement, 81, FREE, True)
    unknown = judge(requirement, 81, Finding(UNKNOWN), census())
    assert unknown.holders == (Holder((), "tcp", UNKNOWN, hidden=True),)


A, B, C = "a", "b", "c"


def named(port, name, **rest):
    return {"port": port, "name": name, **rest}


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([], {}, id="none"),
        pytest.param([named(80, A)], {}, id="one"),
        pytest.param([named(80, A), named(80, B)], {(0, 80): [B], (1, 80): [A]}, id="two names"),
        pytest.param(
            [named(80, C), named(80, A), named(80, B)],
            {(0, 80): [A, B], (1, 80): [B, C], (2, 80): [A, C]},
            id="three names",
        ),
        pytest.param([named(80, A), "80-81"], {}, id="one without a name"),
        pytest.param([named(80, A), named(81, B)], {}, id="other ports"),
        pytest.param([named("80-82", A), named("82-84", B)], {(0, 82): [B], (1, 82): [A]}, id="ranges that overlap"),
        pytest.param([named("80-82", A), named("82-84", A)], {}, id="ranges of one name"),
        pytest.param([named(80, A), named(80, B, protocol="udp")], {}, id="other protocols"),
        pytest.param([named(80, A), named(80, B, state="listening")], {}, id="only one wants it free"),
        pytest.param([named(80, A, address="127.0.0.1"), named(80, B, address="127.0.0.2")], {}, id="other addresses"),
        pytest.param(
            [named(80, A, address="127.0.0.1"), named(80, B)],
            {(0, 80): [B], (1, 80): [A]},
            id="an address and the wildcards",
        ),
        pytest.param([named(80, A, address="0.0.0.0"), named(80, B, address="::1")], {}, id="other families"),
        pytest.param(
            [named(80, A, address="0.0.0.0"), named(80, B, address="::")],
            {(0, 80): [B], (1, 80): [A]},
            id="dual-stack meets IPv4",
        ),
        pytest.param(
            [named(80, A), named(80, B, address="127.0.0.1"), named(80, C, address="127.0.0.2")],
            {(0, 80): [B, C], (1, 80): [A], (2, 80): [A]},
            id="only those that meet",
        ),
    ],
)
def test_rivals(entries, expected):
    assert rivals(wanting(*entries)) == expected
