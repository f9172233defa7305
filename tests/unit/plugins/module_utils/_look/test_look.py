# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import census
from ansible_collections.preflight.ports.plugins.module_utils._kernel import addresses, as_user, bind, links
from ansible_collections.preflight.ports.plugins.module_utils._kernel.bind import FREE as BINDS
from ansible_collections.preflight.ports.plugins.module_utils._kernel.bind import (
    IN_USE,
    NO_ANSWER,
    REFUSED,
    REUSABLE,
    ProbeError,
)
from ansible_collections.preflight.ports.plugins.module_utils._kernel.bind import UNAVAILABLE as NOT_HERE
from ansible_collections.preflight.ports.plugins.module_utils._look import answering
from ansible_collections.preflight.ports.plugins.module_utils._look.look import Look, look
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import (
    DUPLICATE,
    REDIRECTED,
    UNAVAILABLE,
    UNKNOWN,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import REFUSED as POLICY
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Destination
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    EVERY_STATE,
    LISTENERS,
    LISTENING,
    SourceError,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate
from ansible_collections.preflight.ports.plugins.module_utils._table import bound_only, namespaces
from ansible_collections.preflight.ports.plugins.module_utils._table.bound_only import Bound
from ansible_collections.preflight.ports.plugins.module_utils._table.sources import Source, candidates
from support.records import APACHE, CURL, DOCKER_RULE, WEB, at, census_of, row, wanting

FREE = "free"
DEAD = 998  # a pid, and the inode of its socket
PROCESSES = {process.pid: process for process in (APACHE, CURL)}


def by(process, state=LISTENING, address="127.0.0.1", port=80, **rest):
    return row(state, address, port, inode=process.pid, **rest)


class Host:
    """A socket table, and what bind(2) answers.

    Both are what they are during the first attempt, the second, and so on; the last one stays. Sockets go away once the
    table is read, or while their owners are looked for, if ``vanishing`` says so.
    """

    def __init__(self, monkeypatch):
        self.tables = [[]]
        self.answers = [{}]
        self.attempt = -1
        self.reads = []
        self.probed = []
        self.searched = []
        self.vanishing = {}
        self.vanished = set()
        self.shows_options = True
        self.find_bound = None
        self.elsewhere = set()
        monkeypatch.setattr(bind, "probe", self._probe)
        monkeypatch.setattr(bind, "is_on_host", lambda question: str(question.endpoint) not in self.elsewhere)
        monkeypatch.setattr(as_user, "probe", self._probe_as_user)
        monkeypatch.setattr(addresses, "read", lambda: [(2, address) for address in self.addresses])
        monkeypatch.setattr(namespaces, "servers_at", lambda *destination: self.containers.get(destination, []))
        self.redirects = {}
        self.walked = []
        self.addresses = []
        self.containers = {}
        monkeypatch.setattr(census, "take", self._take_census)
        monkeypatch.setattr(gate, "find", self._find_redirects)

    def _read(self, protocol, first, last, states):
        self.reads.append((protocol, first, last, states))
        if states == LISTENERS and (protocol == "tcp" or "tcp" not in self.protocols):
            self.attempt += 1
        table = self.tables[min(self.attempt, len(self.tables) - 1)]
        if isinstance(table, Exception):
            raise table
        rows = [
            held
            for held in table
            if held.protocol == protocol
            and first <= held.port <= last
            and held.inode not in self.vanished
            and (held.state in states or protocol == "udp")
        ]
        self.vanished |= self.vanishing.get("table", set())
        return rows

    def _probe(self, question):
        self.probed.append((str(question.endpoint), question.port, question.protocol))
        return self._answer(str(question.endpoint), question.port)

    def _probe_as_user(self, user, questions):
        self.probed.append((user, [question.port for question in questions]))
        return [self._answer(user, question.port) for question in questions]

    def _answer(self, address, port):
        answers = self.answers[min(self.attempt, len(self.answers) - 1)]
        return answers.get((address, port), answers.get(port, BINDS))

    def _take_census(self, sockets):
        inodes = {held.inode for held in sockets}
        self.searched.append(inodes)
        self.vanished |= self.vanishing.get("owners", set())
        known = census_of(*(PROCESSES[inode] for inode in inodes if inode in PROCESSES), users={33: "www-data"})
        return known._replace(pids={**known.pids, DEAD: [DEAD]})

    def _find_redirects(self, questions):
        self.walked.append(questions)
        if self.redirects is None:
            return None
        return {question: self.redirects[question.port] for question in questions if question.port in self.redirects}

    def look(self, *entries, probing=True, redirects=False, is_last=True, **rest):
        requirements = wanting(*entries, **rest)
        self.protocols = {requirement.protocol for requirement in requirements}
        source = Source("fake", self._read, self.find_bound, self.shows_options)
        return look(requirements, source, probing, redirects, is_last)


ALL_FREE = Look({}, True, "fake")
MAYBE = DOCKER_RULE._replace(depends_on=("the source address",))


@pytest.fixture
def host(monkeypatch):
    return Host(monkeypatch)


def states(seen):
    """By port, without those that are to be free and are."""
    return {
        port: (verdict.state, verdict.met)
        for (_index, port), verdict in seen.verdicts.items()
        if (verdict.state, verdict.met) != (FREE, True)
    }


def pids(seen):
    return [holder.process and holder.process.pid for each in seen.verdicts.values() for holder in each.holders]


def test_nothing_asked(host):
    assert host.look() == ALL_FREE
    assert host.reads == []


def test_free(host):
    seen = host.look(80, "8000-8002/udp")
    assert seen == ALL_FREE
    assert host.reads == [("tcp", 80, 80, LISTENERS), ("udp", 8000, 8002, LISTENERS)], "the table was read again"
    ports = [(80, "tcp"), *((port, "udp") for port in (8000, 8001, 8002))]
    assert host.probed == [(address, *port) for port in ports for address in ("0.0.0.0", "::")]
    assert host.searched == [], "holders were looked for"


def test_who_listens_elsewhere(host):
    host.tables = [[by(APACHE), by(APACHE, address="::1"), by(APACHE, port=81), by(CURL, CONNECTED, "10.0.0.6")]]
    seen = host.look("10.0.0.5:80", "10.0.0.5:82", state="listening")
    assert [(each.port, each.elsewhere) for each in seen.verdicts.values()] == [(80, ("127.0.0.1", "::1")), (82, ())]


def test_what_listens_elsewhere_matters_only_to_clients(host):
    host.tables = [[by(APACHE)]]
    assert host.look("10.0.0.5:80").verdicts == {}
    assert len(host.reads) == 1


def test_taken(host):
    host.tables = [[by(APACHE)]]
    seen = host.look("127.0.0.1:80", "127.0.0.1:81")
    assert states(seen) == {80: (LISTENING, False)}
    assert pids(seen) == [812]
    assert host.probed == [("127.0.0.1", 81, "tcp")], "the table had ruled port 80 out"
    assert host.searched == [{812}]


@pytest.mark.parametrize(
    ("held", "shows_options"),
    [
        pytest.param(by(APACHE), False, id="a listener whose device is not told"),
        pytest.param(by(APACHE, CONNECTED), True, id="a connection"),
    ],
)
def test_bind_has_the_last_word(held, shows_options, host):
    host.shows_options = shows_options
    host.tables = [[held]]
    assert host.look("127.0.0.1:80").verdicts == {}
    host.answers = [{80: IN_USE}]
    assert states(host.look("127.0.0.1:80")) == {80: (held.state, False)}


def test_the_ports_of_a_vrf_are_its_own(host):
    host.tables = [[by(APACHE, interface="eth1", vrf="red")]]
    assert host.look("127.0.0.1:80").verdicts == {}
    assert host.probed == [("127.0.0.1", 80, "tcp")]


@pytest.mark.parametrize(
    ("shows_options", "held", "expected"),
    [
        pytest.param(True, by(APACHE, address="0.0.0.0", interface="eth1", vrf="red"), (LISTENING, False), id="in it"),
        pytest.param(True, by(APACHE, address="0.0.0.0"), None, id="outside"),
        pytest.param(True, by(APACHE, address="0.0.0.0", interface="eth2", vrf="blue"), None, id="in another one"),
        pytest.param(False, by(APACHE, address="0.0.0.0"), (LISTENING, False), id="nobody tells"),
    ],
)
def test_a_server_on_a_device_of_a_vrf(shows_options, held, expected, host, monkeypatch):
    monkeypatch.setattr(links, "apart", lambda: {"red": "red", "eth1": "red", "blue": "blue", "eth2": "blue"})
    host.shows_options = shows_options
    host.tables = [[held]]
    host.answers = [{80: IN_USE if expected else BINDS}]
    assert states(host.look("0.0.0.0%eth1:80")).get(80) == expected


def test_connections_are_looked_up_only_where_bind_says_in_use(host):
    host.answers = [{45000: IN_USE}]
    host.tables = [[by(CURL, CONNECTED, port=45000, peer="10.0.0.9:443")]]
    seen = host.look("127.0.0.1:44999-45001")
    assert states(seen) == {45000: (CONNECTED, False)}
    assert pids(seen) == [4711]
    assert host.reads == [("tcp", 44999, 45001, LISTENERS), ("tcp", 45000, 45000, EVERY_STATE)]


def test_one_family_is_taken(host):
    host.answers = [{("::", 80): IN_USE}]
    host.tables = [[by(APACHE, address="::", v6only=None)]]
    seen = host.look(80)
    assert states(seen) == {80: (LISTENING, False)}
    assert [holder.addresses for holder in seen.verdicts[0, 80].holders] == [("::",)]


@pytest.mark.parametrize(
    ("entry", "answers", "expected"),
    [
        pytest.param(80, {("::", 80): NOT_HERE}, {}, id="a family that the host lacks"),
        pytest.param("[::]:80", {("::", 80): NOT_HERE}, {80: (UNAVAILABLE, False)}, id="a family that was asked for"),
        pytest.param("10.0.0.5:80", {80: NOT_HERE}, {80: (UNAVAILABLE, False)}, id="an address"),
    ],
)
def test_unavailable(entry, answers, expected, host):
    host.answers = [answers]
    assert states(host.look(entry)) == expected


def test_an_address_is_asked_although_the_port_is_free_on_all_that_are_here(host):
    host.answers = [{("10.0.0.5", 80): NOT_HERE}]
    seen = host.look(80, "10.0.0.5:80")
    assert {index: verdict.state for (index, _port), verdict in seen.verdicts.items() if not verdict.met} == {
        1: UNAVAILABLE
    }


@pytest.mark.parametrize(("probing", "state"), [(True, UNAVAILABLE), (False, LISTENING)], ids=["probe", "no probe"])
def test_a_wildcard_listener_has_no_address_of_another_host(probing, state, host):
    host.tables = [[by(APACHE, address="0.0.0.0")]]
    host.elsewhere = {"10.0.0.5"}
    assert states(host.look("10.0.0.5:80", probing=probing)) == {80: (state, False)}


def test_without_the_probe_the_table_decides(host):
    host.tables = [[by(CURL, CONNECTED, port=80)]]
    seen = host.look("127.0.0.1:80-81", probing=False)
    assert states(seen) == {80: (CONNECTED, False)}
    assert not seen.probed
    assert host.probed == []


def test_where_bind_gives_no_answer_the_table_decides(host):
    host.answers = [{80: NO_ANSWER}]
    seen = host.look("127.0.0.1:80-81")
    assert (seen.verdicts, seen.probed) == ({}, False)
    assert list(seen.unprobed) == [Question("tcp", at("127.0.0.1"), 80)]


def test_an_answer_that_was_missing_once_was_missing(host):
    host.answers = [{80: NO_ANSWER, 81: IN_USE}, {}]
    seen = host.look("127.0.0.1:80-81")
    assert (seen.verdicts, seen.probed) == ({}, False)
    assert host.attempt == 1


@pytest.mark.parametrize("answers", [{80: REFUSED}, {("::", 80): REFUSED}], ids=["both families", "one family"])
def test_refused(answers, host):
    host.answers = [answers]
    assert states(host.look("80-81", held_by=["*"])) == {80: (POLICY, False)}


def test_the_servers_own_user_is_asked(host):
    host.answers = [{("www", 80): REFUSED}]
    seen = host.look(81, {"port": 80, "address": "127.0.0.1", "user": "www"}, {"port": 80, "address": "127.0.0.1"})
    assert {key: verdict.state for key, verdict in seen.verdicts.items() if not verdict.met} == {(1, 80): POLICY}
    assert ("www", [80]) in host.probed


def test_no_answer_was_needed_where_the_table_knows(host):
    host.answers = [{80: NO_ANSWER}]
    host.tables = [[by(APACHE)]]
    assert host.look("127.0.0.1:80").probed


@pytest.mark.parametrize(
    ("tables", "answers", "expected", "attempts"),
    [
        pytest.param([[]], [{80: IN_USE}, {}], {}, 2, id="in use by nobody, then free"),
        pytest.param(
            [[], [by(APACHE)]], [{80: IN_USE}], {80: (LISTENING, False)}, 2, id="by nobody, then by a listener"
        ),
        pytest.param([[]], [{80: IN_USE}, {80: IN_USE}, {}], {}, 3, id="free in the end"),
        pytest.param([[]], [{80: IN_USE}], {80: (UNKNOWN, False)}, 3, id="unknown in the end"),
    ],
)
def test_a_contradiction_is_asked_again(tables, answers, expected, attempts, host):
    host.tables, host.answers = tables, answers
    assert states(host.look("127.0.0.1:80")) == expected
    assert host.attempt == attempts - 1


def test_only_what_contradicts_is_asked_again(host):
    host.answers = [{80: IN_USE, 81: IN_USE}, {81: IN_USE}]
    host.tables = [[by(APACHE, port=81, state=BOUND)]]
    seen = host.look("127.0.0.1:80-82")
    assert states(seen) == {81: (BOUND, False)}
    assert host.probed == [("127.0.0.1", port, "tcp") for port in (80, 81, 82, 80)]


def test_the_unknown_has_a_hidden_holder(host):
    host.answers = [{80: IN_USE}]
    (verdict,) = host.look("127.0.0.1:80", held_by=["*"]).verdicts.values()
    assert [(holder.hidden, holder.addresses) for holder in verdict.holders] == [(True, ())]


NOBODYS = 99


def nobodys(**rest):
    return row(LISTENING, "127.0.0.1", 80, inode=NOBODYS, **rest)


@pytest.mark.parametrize("when", ["table", "owners"])
def test_a_socket_that_vanished(when, host):
    host.tables = [[nobodys()]]
    host.vanishing = {when: {NOBODYS}}
    assert host.look("127.0.0.1:80").verdicts == {}
    assert host.attempt == 1
    assert host.probed == [("127.0.0.1", 80, "tcp")], "bind(2) was not asked the second time"


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(row(LISTENING, "127.0.0.1", pids=(999,)), id="whose process the source told"),
        pytest.param(row(LISTENING, "127.0.0.1", inode=DEAD), id="whose process was found"),
    ],
)
def test_a_socket_that_vanished_with_its_process(held, host):
    host.tables = [[held]]
    host.vanishing = {"owners": {held.inode}}
    assert host.look("127.0.0.1:80").verdicts == {}
    assert host.attempt == 1


def test_a_socket_that_outlives_its_process(host):
    host.tables = [[row(LISTENING, "127.0.0.1", pids=(999,))]]
    (verdict,) = host.look("127.0.0.1:80").verdicts.values()
    assert [holder.hidden for holder in verdict.holders] == [True]
    assert host.attempt == 0


def test_a_socket_without_an_owner_that_is_still_there(host):
    host.tables = [[nobodys(uid=33)]]
    seen = host.look("127.0.0.1:80")
    assert states(seen) == {80: (LISTENING, False)}
    assert [(holder.hidden, holder.user) for holder in seen.verdicts[0, 80].holders] == [(True, "www-data")]
    assert host.attempt == 0
    assert host.reads[-1] == ("tcp", 80, 80, EVERY_STATE)


def test_a_socket_without_an_owner_is_still_there_once_more_is_known_of_it(host):
    host.shows_options = False
    host.tables = [[row(LISTENING, "::", inode=NOBODYS)]]
    host.answers = [{80: IN_USE}]
    assert states(host.look("0.0.0.0:80")) == {80: (LISTENING, False)}
    assert host.attempt == 0


def test_a_socket_that_has_no_inode_did_not_vanish(host):
    host.tables = [[row(CLOSING, "127.0.0.1", peer="10.0.0.9:1")]]
    host.answers = [{80: IN_USE}]
    seen = host.look("127.0.0.1:80")
    assert states(seen) == {80: (CLOSING, False)}
    assert host.attempt == 0
    assert host.reads == [("tcp", 80, 80, LISTENERS), ("tcp", 80, 80, EVERY_STATE)], "it was looked for again"


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_listening(protocol, host):
    state = LISTENING if protocol == "tcp" else BOUND
    host.tables = [[by(APACHE, state, protocol=protocol)]]
    seen = host.look(f"80/{protocol}", f"81/{protocol}", state="listening")
    assert states(seen) == {80: (state, True), 81: (FREE, False)}
    assert host.searched == [], "nobody asked who listens"


def test_nothing_listens_where_all_is_free(host):
    assert states(host.look(80, state="listening")) == {80: (FREE, False)}


@pytest.mark.parametrize(("held_by", "met"), [("apache2", True), ("nginx", False)])
def test_listening_by_whom(held_by, met, host):
    host.tables = [[by(APACHE)]]
    assert states(host.look(80, state="listening", held_by=[held_by])) == {80: (LISTENING, met)}
    assert host.searched[0] == {812}


def test_held_by(host):
    host.tables = [[by(APACHE), by(CURL, port=81)]]
    seen = host.look("127.0.0.1:80-81", held_by=["apache2"])
    assert states(seen) == {80: (LISTENING, True), 81: (LISTENING, False)}


def test_redirected(host):
    host.tables = [[by(APACHE, address="0.0.0.0")]]
    host.answers = [{("0.0.0.0", 80): IN_USE}]
    host.redirects = {81: DOCKER_RULE, 82: MAYBE}
    seen = host.look("80-83", redirects=True)
    assert states(seen) == {80: (LISTENING, False), 81: (REDIRECTED, False)}
    assert seen.redirects_checked
    wildcards = [at("0.0.0.0"), at("::", True)]
    assert seen.diversions == {Question("tcp", endpoint, 82): MAYBE for endpoint in wildcards}
    (asked,) = host.walked
    assert Question("tcp", wildcards[0], 80) not in asked, "what is taken need not be asked"


def test_held_by_the_container_of_a_redirect(host):
    host.redirects = {80: DOCKER_RULE._replace(container=WEB)}
    assert states(host.look(80, redirects=True, held_by=["container:web"])) == {80: (REDIRECTED, True)}
    assert states(host.look(80, redirects=True, held_by=["kernel"])) == {80: (REDIRECTED, False)}


def test_redirects_that_nobody_may_read(host):
    host.redirects = None
    assert host.look(80, redirects=True) == ALL_FREE


def socket_of(address):
    return at(address).address


THERE = DOCKER_RULE._replace(destinations=(Destination(socket_of("172.17.0.2"), 8080),))
HERE = DOCKER_RULE._replace(target="port 8080 of this host", destinations=(Destination(None, 8080),))
OWN = DOCKER_RULE._replace(destinations=(Destination(socket_of("10.0.0.5"), 8080),))
BACKEND = by(APACHE, address="172.17.0.2", port=8080)


@pytest.mark.parametrize(
    ("rule", "table", "containers", "expected"),
    [
        pytest.param(THERE, [], {}, (REDIRECTED, False), id="nobody answers there"),
        pytest.param(THERE, [], {"172.17.0.2": [BACKEND]}, (LISTENING, True), id="a container answers there"),
        pytest.param(HERE, [], {}, (REDIRECTED, False), id="nobody answers on the other port"),
        pytest.param(HERE, [by(APACHE, address="0.0.0.0", port=8080)], {}, (LISTENING, True), id="the other port"),
        pytest.param(HERE, [by(APACHE, port=8080)], {}, (REDIRECTED, False), id="only on loopback"),
        pytest.param(
            OWN, [by(APACHE, address="10.0.0.5", port=8080)], {}, (LISTENING, True), id="another address of this host"
        ),
        pytest.param(THERE, [by(APACHE)], {}, (REDIRECTED, False), id="a socket here is not what clients get"),
        pytest.param(DOCKER_RULE, [], {"172.17.0.2": [BACKEND]}, (REDIRECTED, False), id="nobody knows where it leads"),
    ],
)
def test_listening_where_nat_rules_lead(rule, table, containers, expected, host):
    host.addresses = [socket_of("10.0.0.5")]
    host.tables = [table]
    host.containers = {(socket_of(address), "tcp", 8080): found for address, found in containers.items()}
    host.redirects = {80: rule}
    assert states(host.look("10.0.0.5:80", redirects=True, state="listening")) == {80: expected}


@pytest.mark.parametrize(
    ("entry", "address", "route_localnet", "expected"),
    [
        pytest.param("10.0.0.5:80", "127.0.0.1", "0", (REDIRECTED, False), id="a martian"),
        pytest.param("0.0.0.0:80", "127.0.0.1", "0", (REDIRECTED, False), id="a martian of a wildcard"),
        pytest.param("10.0.0.5:80", "127.0.0.1", "1", (LISTENING, True), id="let in by route_localnet"),
        pytest.param("[2001:db8::5]:80", "::1", "1", (REDIRECTED, False), id="IPv6 has no such setting"),
        pytest.param("127.0.0.1:80", "127.0.0.1", "0", (LISTENING, True), id="from loopback to loopback"),
    ],
)
def test_listening_where_nat_rules_lead_to_loopback(entry, address, route_localnet, expected, host, monkeypatch):
    monkeypatch.setattr(answering, "_setting", lambda _name: route_localnet)
    host.addresses = [socket_of(each) for each in ("10.0.0.5", "2001:db8::5", "127.0.0.1", "::1")]
    host.tables = [[by(APACHE, address=address, port=8080)]]
    host.redirects = {80: DOCKER_RULE._replace(destinations=(Destination(socket_of(address), 8080),))}
    assert states(host.look(entry, redirects=True, state="listening")) == {80: expected}


@pytest.mark.parametrize(("held_by", "met"), [("apache2", True), ("nginx", False)])
def test_listening_by_whom_where_nat_rules_lead(held_by, met, host):
    host.containers = {(socket_of("172.17.0.2"), "tcp", 8080): [BACKEND]}
    host.redirects = {80: THERE}
    (verdict,) = host.look(80, redirects=True, state="listening", held_by=[held_by]).verdicts.values()
    assert (verdict.met, [holder.process for holder in verdict.answering]) == (met, [] if met else [APACHE])


def test_no_port_that_is_to_listen_is_bound_before_the_last_look(host):
    waiting = {"port": 80, "address": "127.0.0.1", "state": "listening"}
    assert states(host.look(waiting, "127.0.0.1:81", is_last=False)) == {80: (FREE, False)}
    assert host.probed == [("127.0.0.1", 81, "tcp")]
    host.look(waiting)
    assert ("127.0.0.1", 80, "tcp") in host.probed


def test_duplicates(host):
    host.tables = [[by(APACHE, port=81)]]
    seen = host.look(*({"port": "80-81", "address": "127.0.0.1", "name": name} for name in ("a", "b")), 82)
    assert {key: (each.state, each.rivals) for key, each in seen.verdicts.items()} == {
        (0, 80): (DUPLICATE, ("b",)),
        (0, 81): (LISTENING, ()),
        (1, 80): (DUPLICATE, ("a",)),
        (1, 81): (LISTENING, ()),
    }


def test_duplicates_where_all_is_free(host):
    seen = host.look({"port": 80, "name": "a"}, {"port": 80, "name": "b"})
    assert [(each.state, each.met) for each in seen.verdicts.values()] == [(DUPLICATE, False)] * 2


class Descriptors:
    """Finds bound sockets without the table."""

    def __init__(self, *sockets, all_seen=True):
        self.found = Bound(list(sockets), all_seen)
        self.listed = []

    def __call__(self, listed):
        self.listed.append(set(listed))
        return self.found


WAITING = by(CURL, BOUND)
LEFT_OVER = row(CONNECTED, "127.0.0.1", 80, inode=APACHE.pid, peer="127.0.0.1:9")


@pytest.mark.parametrize(
    ("answer", "table", "finder", "expected"),
    [
        pytest.param(REUSABLE, [], Descriptors(WAITING), {80: (BOUND, False)}, id="a bound one, with SO_REUSEADDR"),
        pytest.param(IN_USE, [], Descriptors(WAITING), {80: (BOUND, False)}, id="a bound one, without"),
        pytest.param(REUSABLE, [LEFT_OVER], Descriptors(), {}, id="left-over connections, and no bound one"),
        pytest.param(
            REUSABLE,
            [LEFT_OVER],
            Descriptors(all_seen=False),
            {80: (CONNECTED, False)},
            id="left-over connections, and perhaps a bound one",
        ),
        pytest.param(
            REUSABLE, [LEFT_OVER], Descriptors(by(CURL, BOUND, port=81)), {}, id="a bound one on another port"
        ),
        pytest.param(REUSABLE, [], Descriptors(all_seen=False), {80: (UNKNOWN, False)}, id="nothing to be seen"),
    ],
)
def test_bound_sockets_that_the_table_lacks(answer, table, finder, expected, host):
    host.find_bound = finder
    host.tables = [table]
    host.answers = [{("127.0.0.1", 80): answer}]
    assert states(host.look("127.0.0.1:80")) == expected
    assert finder.listed[0] == {held.inode for held in table}
    assert ("tcp", 1, 65535, EVERY_STATE) in host.reads


@pytest.mark.parametrize("answer", [IN_USE, REUSABLE])
def test_a_bound_socket_that_no_process_has(answer, host):
    """On the addresses of connections, bind(2) says the same with and without it."""
    host.find_bound = Descriptors()
    host.tables = [[LEFT_OVER]]
    host.answers = [{("127.0.0.1", 80): REUSABLE, ("127.255.255.254", 80): answer}]
    assert states(host.look("127.0.0.1:80")) == {80: (CONNECTED, False)}


@pytest.mark.parametrize(
    ("entry", "answers"),
    [
        pytest.param("127.0.0.1:80", {}, id="free"),
        pytest.param("127.0.0.1:80", {80: NO_ANSWER}, id="no answer"),
        pytest.param("127.0.0.1:80/udp", {80: IN_USE}, id="UDP"),
    ],
)
def test_bound_sockets_are_looked_for_only_where_there_may_be_some(entry, answers, host):
    host.find_bound = Descriptors(WAITING)
    host.answers = [answers]
    host.look(entry)
    assert host.find_bound.listed == []


@pytest.mark.parametrize(("probing", "blamed"), [(True, [4711]), (False, [812, 4711])], ids=["probe", "no probe"])
def test_bind_tells_whether_a_socket_takes_ipv4_where_the_table_does_not(probing, blamed, host):
    host.shows_options = False
    host.tables = [[by(APACHE, address="::"), by(CURL)]]
    host.answers = [{("0.0.0.0", 80): IN_USE}]
    assert pids(host.look("0.0.0.0:80", probing=probing)) == blamed
    assert bool(host.probed) is probing


@pytest.mark.parametrize("attempt", [0, 1], ids=["at once", "half-way"])
def test_a_source_that_fails(attempt, host):
    host.tables = [[], []]
    host.tables[attempt] = SourceError("broken")
    host.answers = [{80: IN_USE}]
    with pytest.raises(SourceError, match="broken"):
        host.look("127.0.0.1:80")


def test_a_probe_that_fails(host, monkeypatch):
    def fail(_question):
        raise ProbeError("no descriptor left")

    monkeypatch.setattr(bind, "probe", fail)
    with pytest.raises(ProbeError, match="no descriptor left"):
        host.look(80, "127.0.0.1:81")


@pytest.fixture(params=["netlink", "procfs", "psutil"])
def really(request):
    """look() with a real source, the real probe, and this process as the holder."""
    (source,) = candidates(request.param)

    def look_at(*entries, **rest):
        seen = look(wanting(*entries, **rest), source, True, False, lambda _command: "")
        assert seen.source == request.param
        return states(seen), set(pids(seen))

    return look_at


@pytest.mark.linux
def test_really_listening(really, loopback):
    port = loopback.listening("127.0.0.1").getsockname()[1]
    assert really(port, f"[::1]:{port}", f"127.0.0.2:{port}") == ({port: (LISTENING, False)}, {os.getpid()})
    assert really(f"127.0.0.1:{port}", state="listening")[0] == {port: (LISTENING, True)}


@pytest.mark.linux
@pytest.mark.parametrize("reuse_address", [False, True], ids=["without SO_REUSEADDR", "with SO_REUSEADDR"])
def test_really_bound(reuse_address, really, loopback):
    port = loopback.bound("tcp", "127.0.0.1", reuse_address=reuse_address).getsockname()[1]
    assert really(f"127.0.0.1:{port}", f"127.0.0.2:{port}") == ({port: (BOUND, False)}, {os.getpid()})


@pytest.mark.linux
def test_really_connected(really, loopback):
    client, _served = loopback.connection(loopback.listening())
    port = client.getsockname()[1]
    taken, holders = really(f"127.0.0.1:{port}")
    assert taken == {port: (CONNECTED, False)}
    assert os.getpid() in holders  # others may have the same local port, to other peers


@pytest.mark.linux
def test_really_udp(really, loopback):
    port = loopback.bound("udp", "::", v6only=False).getsockname()[1]
    assert really(f"{port}/udp", f"{port}/tcp") == ({port: (BOUND, False)}, {os.getpid()})


@pytest.mark.linux
def test_really_free_although_a_closed_connection_lingers(really, loopback, monkeypatch):
    monkeypatch.setattr(bound_only, "find", lambda _listed: Bound([], True))  # as if each process could be looked into
    server = loopback.listening(reuse_address=True)
    client, served = loopback.connection(server)
    port = server.getsockname()[1]
    for made in (served, client, server):
        made.close()
    assert really(port) == ({}, set())
