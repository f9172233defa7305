# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel.ephemeral import Ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._model.claim import Claim
from ansible_collections.preflight.ports.plugins.module_utils._model.doubt import (
    CLAIM,
    EPHEMERAL,
    FIREWALL,
    NAT,
    NOT_PROBED,
    SELINUX,
    Doubt,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.question import questions_of
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._verdict.doubts import (
    as_conflicts,
    from_claims,
    from_connections,
    from_nat,
    from_silence,
)
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict
from support.records import DOCKER_RULE, at, want, wanting

MAYBE = DOCKER_RULE._replace(depends_on=("the source address",))
SENT = "NAT rules of iptables (ip nat PREROUTING > DOCKER) may send its traffic to {}, depending on the source address"
KERNELS = Ephemeral(32768, 60999, frozenset([50000]))


def taken(requirement, *ports):
    return {(0, port): Verdict(requirement, port, LISTENING, met=False) for port in ports}


def diverted(requirement, ports, rule=MAYBE):
    return {question: rule for port in ports for question in questions_of(requirement, port)}


def runs(doubts):
    return [(doubt.entry, doubt.first, doubt.last, doubt.kind) for doubt in doubts]


def test_from_nat():
    wanted = want("80-84")
    found = from_nat([wanted], {}, diverted(wanted, [80, 81, 83]))
    assert runs(found) == [(0, 80, 81, NAT), (0, 83, 83, NAT)]
    assert {doubt.reason for doubt in found} == {SENT.format("172.17.0.2:80")}


def test_from_nat_by_a_rule_with_a_target_for_each_port():
    wanted = want("80-81")
    rules = {**diverted(wanted, [80]), **diverted(wanted, [81], MAYBE._replace(target="172.17.0.2:81"))}
    (doubt,) = from_nat([wanted], {}, rules)
    assert (doubt.first, doubt.last, doubt.reason) == (80, 81, SENT.format("172.17.0.2:80 and elsewhere"))


@pytest.mark.parametrize(
    ("diversions", "verdicts"),
    [
        pytest.param({}, {}, id="no rules"),
        pytest.param(diverted(want(81), [81]), {}, id="on another port"),
        pytest.param(diverted(want(80), [80]), taken(want(80), 80), id="on a port that is a conflict already"),
    ],
)
def test_from_nat_finds_nothing(diversions, verdicts):
    assert from_nat([want(80)], verdicts, diversions) == []


def test_from_nat_where_a_service_answers():
    """On another address than the rule takes, or where it leads."""
    requirement = want(80, state="listening")
    redirect = DOCKER_RULE._replace(spared=(b"\xc0\0\2\2",), address="192.0.2.1")
    diversions = dict.fromkeys(questions_of(requirement, 80)[:1], redirect)
    verdict = Verdict(requirement, 80, "listening", True)
    beside, there = (verdict._replace(served=(at(address),)) for address in ("192.0.2.2", "0.0.0.0"))
    (doubt,) = from_nat([requirement], {(0, 80): beside}, diversions)
    assert doubt.reason.endswith("send its traffic at 192.0.2.1 to 172.17.0.2:80")
    assert from_nat([requirement], {(0, 80): there}, diversions) == []


def test_from_nat_about_a_version_of_ip():
    requirement = want(80, state="listening")
    ipv4, ipv6 = questions_of(requirement, 80)
    verdict = Verdict(requirement, 80, "listening", True, served=(ipv4.endpoint,))
    (doubt,) = from_nat([requirement], {(0, 80): verdict}, {ipv6: DOCKER_RULE})
    assert doubt.reason.endswith("send its traffic of IPv6 to 172.17.0.2:80")


def test_from_connections():
    (doubt,) = from_connections([want("44999-45001")], {}, KERNELS)
    assert doubt == Doubt(
        0,
        44999,
        45001,
        EPHEMERAL,
        "it may go to any outgoing connection (net.ipv4.ip_local_port_range is 32768-60999)",
        "To prevent that, set net.ipv4.ip_local_reserved_ports = 44999-45001,50000",
    )


def test_from_connections_reserves_all_at_once():
    found = from_connections(wanting(45000, 46000), {}, KERNELS)
    assert runs(found) == [(0, 45000, 45000, EPHEMERAL), (1, 46000, 46000, EPHEMERAL)]
    assert {doubt.advice for doubt in found} == {
        "To prevent that, set net.ipv4.ip_local_reserved_ports = 45000,46000,50000"
    }


@pytest.mark.parametrize(
    ("requirement", "settings", "verdicts"),
    [
        pytest.param(want(45000, state="listening"), KERNELS, {}, id="to listen"),
        pytest.param(want(50000), KERNELS, {}, id="reserved"),
        pytest.param(want(80), KERNELS, {}, id="outside"),
        pytest.param(want(45000), None, {}, id="no such range"),
        pytest.param(want(45000), KERNELS, taken(want(45000), 45000), id="a conflict already"),
    ],
)
def test_from_connections_finds_nothing(requirement, settings, verdicts):
    assert from_connections([requirement], verdicts, settings) == []


def test_from_connections_where_most_ports_are_wanted():
    (doubt,) = from_connections([want("32768-60000")], {}, Ephemeral(32768, 60999, frozenset()))
    assert doubt.advice.startswith("Choose other ports")


def test_from_silence():
    wanted = want("1022-1025")
    silent = [question for port in wanted.ports for question in questions_of(wanted, port)]
    low, high = from_silence([wanted], {}, silent, 1024)
    assert (low.first, low.last, low.kind) == (1022, 1023, NOT_PROBED)
    assert (high.first, high.last, high.kind) == (1024, 1025, NOT_PROBED)
    assert low.reason == "bind(2) was not tried: this user may not bind ports below 1024"
    assert high.reason == "bind(2) gave no answer: it is refused on every port here"


def test_from_silence_where_one_family_gave_no_answer():
    wanted = want(80)
    assert runs(from_silence([wanted], {}, questions_of(wanted, 80)[1:], 1024)) == [(0, 80, 80, NOT_PROBED)]


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        pytest.param(EPHEMERAL, "ephemeral", id="the kernel's own range"),
        pytest.param(FIREWALL, "blocked", id="the firewall"),
        pytest.param(CLAIM, "claimed", id="who will take it"),
        pytest.param(SELINUX, "refused", id="SELinux"),
    ],
)
def test_as_conflicts(kind, state):
    wanted = want("80-82")
    doubt = Doubt(0, 80, 81, kind, "because")
    served = {(0, 81): Verdict(wanted, 81, LISTENING, met=True)}
    found = as_conflicts([wanted], served, [doubt])
    assert {key: (verdict.state, verdict.met, verdict.doubt) for key, verdict in found.items()} == {
        (0, 80): (state, False, doubt),
        (0, 81): (state, False, doubt),
    }


SSH = Claim("tcp", None, 22, 22, "unit", "ssh.socket", "systemd takes it", "Disable it")


@pytest.mark.parametrize(
    ("entry", "claim", "options", "expected"),
    [
        pytest.param(22, SSH, {}, [(22, 22)], id="a port"),
        pytest.param("20-30", SSH, {}, [(22, 22)], id="one of a range"),
        pytest.param("20-30", SSH._replace(first=29, last=40), {}, [(29, 30)], id="some of a range"),
        pytest.param("22/udp", SSH, {}, [], id="another protocol"),
        pytest.param(22, SSH, {"held_by": ["unit:ssh"]}, [], id="it is allowed"),
        pytest.param(22, SSH, {"state": "listening"}, [], id="it is to listen"),
        pytest.param("127.0.0.1:22", SSH._replace(address="10.0.0.5"), {}, [], id="another address"),
        pytest.param("10.0.0.5:22", SSH._replace(address="10.0.0.5"), {}, [(22, 22)], id="the same address"),
        pytest.param(22, SSH._replace(address="10.0.0.5"), {}, [(22, 22)], id="one of all addresses"),
        pytest.param(22, SSH._replace(address="999.0.0.1"), {}, [], id="no address"),
    ],
)
def test_claims(entry, claim, options, expected):
    found = from_claims([want(entry, **options)], {}, [claim])
    assert [(each.first, each.last) for each in found] == expected
    for each in found:
        assert (each.kind, each.reason) == ("claim", "systemd takes it")
        assert each.advice == "Disable it, or name it in held_by (unit:ssh.socket) if it is to have the port."


def test_no_claim_is_laid_to_what_somebody_has_who_may():
    wanted = want("80-82", held_by=["nginx"])
    claim = Claim("tcp", None, 80, 82, "unit", "web.socket", "systemd takes it", "Disable it")
    held = {(0, 81): Verdict(wanted, 81, LISTENING, met=True)}
    assert runs(from_claims([wanted], held, [claim])) == [(0, 80, 80, CLAIM), (0, 82, 82, CLAIM)]
    assert runs(from_claims([wanted], taken(wanted, 80, 82), [claim])) == [(0, 81, 81, CLAIM)]
