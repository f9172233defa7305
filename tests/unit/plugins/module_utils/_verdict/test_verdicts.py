# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import (
    DUPLICATE,
    REDIRECTED,
    REFUSED,
    UNAVAILABLE,
    UNKNOWN,
    Finding,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Holder
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, CLOSING, CONNECTED, LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdicts import (
    judge,
    suspects,
    together,
    verdicts,
)
from support.records import (
    APACHE,
    CURL,
    DOCKER_RULE,
    DYING,
    OUTGOING,
    PERHAPS,
    SERVER,
    WEB,
    at,
    census_of,
    row,
    want,
    wanting,
)

FREE = "free"


@pytest.mark.parametrize(("state", "final"), [(DUPLICATE, True), (REDIRECTED, False), (CLOSING, False)])
def test_no_wait_mends_a_request_that_contradicts_itself(state, final):
    assert Verdict(want(), 80, state, met=False).is_final is final


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        pytest.param([Finding(FREE), Finding(FREE)], Finding(FREE), id="both families free"),
        pytest.param([Finding(FREE), Finding(UNAVAILABLE)], Finding(FREE), id="a family that the host lacks"),
        pytest.param(
            [Finding(LISTENING, (SERVER,)), Finding(UNAVAILABLE)],
            Finding(LISTENING, (SERVER,)),
            id="the other family is taken",
        ),
        pytest.param([Finding(UNAVAILABLE), Finding(UNAVAILABLE)], Finding(UNAVAILABLE), id="both families lack"),
        pytest.param([Finding(UNAVAILABLE)], Finding(UNAVAILABLE), id="an address that was asked for"),
        pytest.param(
            [Finding(CONNECTED, (OUTGOING,)), Finding(LISTENING, (PERHAPS,))],
            Finding(LISTENING, (OUTGOING, PERHAPS)),
            id="the worst state, all sockets",
        ),
        pytest.param(
            [Finding(LISTENING, (PERHAPS,)), Finding(LISTENING, (PERHAPS,))],
            Finding(LISTENING, (PERHAPS,)),
            id="each socket once",
        ),
        pytest.param([Finding(UNKNOWN), Finding(CLOSING, (DYING,))], Finding(UNKNOWN, (DYING,)), id="unknown"),
        pytest.param(
            [Finding(FREE), Finding(REDIRECTED, (), DOCKER_RULE)], Finding(REDIRECTED, (), DOCKER_RULE), id="redirected"
        ),
        pytest.param(
            [Finding(LISTENING, (SERVER,)), Finding(REDIRECTED, (), DOCKER_RULE)],
            Finding(LISTENING, (SERVER,)),
            id="where a socket holds one family, no rule is the holder",
        ),
    ],
)
def test_together(findings, expected):
    assert together(findings) == expected


def by(process, state=LISTENING, address="0.0.0.0", **rest):
    return row(state, address, inode=process.pid, **rest)


def judged(requirement, state, sockets, others=()):
    return judge(requirement, 80, [Finding(state, tuple(sockets))], census_of(APACHE, CURL), others)


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
        pytest.param(
            UNAVAILABLE, [by(APACHE)], ["*"], False, False, [812], id="unavailable, and it would be taken as well"
        ),
        pytest.param(REFUSED, [], ["*"], False, False, [], id="refused"),
        pytest.param(
            CONNECTED, [by(CURL, CONNECTED)], ["curl"], False, False, [4711], id="a connection holds nothing rightly"
        ),
        pytest.param(
            CONNECTED,
            [by(CURL, CONNECTED, protocol="udp")],
            ["curl"],
            False,
            False,
            [4711],
            id="nor does a connected UDP socket",
        ),
        pytest.param(
            BOUND,
            [by(CURL, CONNECTED, protocol="udp"), by(CURL, BOUND, protocol="udp")],
            ["curl"],
            True,
            True,
            [4711, 4711],
            id="unless its process serves the port, too",
        ),
        pytest.param(BOUND, [by(APACHE, BOUND)], ["apache2"], True, True, [812], id="bound is as good"),
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
        pytest.param(LISTENING, (by(CURL),), (LISTENING, False, ()), id="a holder is worse than a rival"),
        pytest.param(LISTENING, (by(APACHE),), (DUPLICATE, False, ("web",)), id="a holder that only one can be"),
        pytest.param(UNAVAILABLE, (), (UNAVAILABLE, False, ()), id="unavailable to both"),
    ],
)
def test_judge_with_rivals(state, sockets, expected):
    verdict = judged(want(80, held_by=["apache2"]), state, sockets, ["web"])
    assert (verdict.state, verdict.met, verdict.rivals) == expected


@pytest.mark.parametrize(
    ("held_by", "met"),
    [
        pytest.param("apache2", True, id="the eldest"),
        pytest.param("curl", True, id="another one that has the socket"),
        pytest.param("nginx", False, id="neither"),
    ],
)
def test_judge_a_socket_of_several_processes(held_by, met):
    known = census_of(APACHE, CURL)._replace(pids={812: [812, 4711]})
    finding = Finding(LISTENING, (by(APACHE),))
    assert judge(want(80, held_by=[held_by]), 80, [finding], known).met is met


@pytest.mark.parametrize(
    ("held_by", "met"),
    [
        pytest.param([], False, id="nobody"),
        pytest.param(["nat:DOCKER"], True, id="its chain"),
        pytest.param(["nat:172.17.0.2:80"], True, id="its target"),
        pytest.param(["container:web"], True, id="its container"),
        pytest.param(["nat:KUBE-*"], False, id="another chain"),
        pytest.param(["kernel"], False, id="no rule is the kernel"),
    ],
)
def test_judge_what_a_nat_rule_takes(held_by, met):
    finding = Finding(REDIRECTED, (), DOCKER_RULE._replace(container=WEB))
    verdict = judge(want(80, held_by=held_by), 80, [finding], census_of())
    assert (verdict.state, verdict.met, verdict.is_held) == (REDIRECTED, met, met)


@pytest.mark.parametrize(
    ("held_by", "met"),
    [
        pytest.param(["nat:10.1.0.1:80"], False, id="one of them"),
        pytest.param(["nat:10.1.0.1:80", "nat:10.1.0.2:80"], True, id="each of them"),
        pytest.param(["nat:10.1.0.*:80"], True, id="all by one pattern"),
        pytest.param(["nat:SERVICE"], True, id="the chain that leads to all"),
    ],
)
def test_judge_what_a_nat_rule_with_several_targets_takes(held_by, met):
    rule = DOCKER_RULE._replace(chains=("ip nat PREROUTING", "SERVICE"), targets=("10.1.0.1:80", "10.1.0.2:80"))
    assert judge(want(80, held_by=held_by), 80, [Finding(REDIRECTED, (), rule)], census_of()).met is met


def test_judge_tells_requirement_and_port():
    requirement = want("80-81")
    assert judge(requirement, 81, [Finding(FREE)], census_of()) == Verdict(requirement, 81, FREE, True)
    unknown = judge(requirement, 81, [Finding(UNKNOWN)], census_of())
    assert unknown.holders == (Holder((), "tcp", UNKNOWN, hidden=True),)


ANY4, ANY6 = at("0.0.0.0"), at("::", True)
ON_80 = {Question("tcp", ANY4, 80): Finding(LISTENING, (by(APACHE),))}


def states(*entries, findings, known=None, rivals=None):
    judged = verdicts(wanting(*entries), findings, known, rivals or {})
    return {where: verdict.state for where, verdict in judged.items()}


@pytest.mark.parametrize(
    ("entries", "findings", "expected"),
    [
        pytest.param([80, 81], {}, {}, id="what is to be free and is"),
        pytest.param([81, 80], ON_80, {(1, 80): LISTENING}, id="what is to be free and is not"),
        pytest.param(["79-81"], ON_80, {(0, 80): LISTENING}, id="of a range, what is not free"),
        pytest.param(["80/udp"], ON_80, {}, id="another protocol"),
        pytest.param(
            [{"port": "80-81", "state": "listening"}],
            ON_80,
            {(0, 80): LISTENING, (0, 81): FREE},
            id="all that is to listen",
        ),
        pytest.param([80], {Question("tcp", ANY6, 80): None}, {(0, 80): UNKNOWN}, id="a contradiction"),
        pytest.param(
            [80],
            {**ON_80, Question("tcp", ANY6, 80): Finding(UNAVAILABLE)},
            {(0, 80): LISTENING},
            id="both families together",
        ),
    ],
)
def test_verdicts(entries, findings, expected):
    assert states(*entries, findings=findings) == expected


def test_verdicts_on_rivals():
    assert states(80, 81, findings={}, rivals={(1, 81): ["web"]}) == {(1, 81): DUPLICATE}


def test_verdicts_name_who_is_known():
    (verdict,) = verdicts(wanting(80), ON_80, census_of(APACHE), {}).values()
    assert [holder.process for holder in verdict.holders] == [APACHE]
    (verdict,) = verdicts(wanting(80), ON_80, None, {}).values()
    assert [holder.process for holder in verdict.holders] == [None]


@pytest.mark.parametrize(
    ("entry", "held_by", "expected"),
    [
        pytest.param(80, [], {by(APACHE)}, id="not free"),
        pytest.param("0.0.0.0:81", [], set(), id="another port"),
        pytest.param(80, ["apache2"], {by(APACHE)}, id="not free, and only its name can tell whether that is well"),
        pytest.param({"port": 80, "state": "listening"}, [], set(), id="listening as it should"),
        pytest.param(
            {"port": 80, "state": "listening"}, ["apache2"], {by(APACHE)}, id="listening, and its name must tell"
        ),
    ],
)
def test_suspects(entry, held_by, expected):
    assert suspects(wanting(entry, held_by=held_by), ON_80) == expected
