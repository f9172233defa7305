# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.doubt import EPHEMERAL, Doubt
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import (
    DUPLICATE,
    REDIRECTED,
    REFUSED,
    UNAVAILABLE,
    UNKNOWN,
    Finding,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import (
    Container,
    Holder,
    redirected,
    unidentified,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, CLOSING, CONNECTED, LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._verdict.sentences import diversion, reason
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdicts import judge
from support.records import APACHE, CONTAINER_ID, CURL, DOCKER_RULE, HARMLESS, HOSTILE, WEB, census_of, row, want

FREE = "free"

SERVER = Holder(("0.0.0.0", "::"), "tcp", LISTENING, APACHE, (APACHE,), 0, "root")
CLIENT = Holder(("10.0.0.5",), "tcp", CONNECTED, CURL, (CURL,), 1000, "app", peer="10.0.0.9:443")
WAITING = SERVER._replace(state=BOUND)
DATAGRAMS = WAITING._replace(protocol="udp")
DYING = Holder(("10.0.0.5",), "tcp", CLOSING, kernel=True, peer="10.0.0.9:50000")
HIDDEN = Holder(("0.0.0.0",), "tcp", LISTENING, hidden=True, uid=33, user="www-data")
KERNEL = Holder(("0.0.0.0",), "udp", BOUND, kernel=True)

APACHE_DESCRIBED = "apache2 (pid 812, apache2.service, user root)"
CURL_DESCRIBED = "curl (pid 4711, user app)"
UNSEEN = "a process of user www-data that this user may not see"


def verdict(found, *holders, entry=80, met=False, **rest):
    of_verdict = {key: rest.pop(key) for key in ("rivals", "elsewhere", "doubt", "lacks_family") if key in rest}
    requirement = want(entry, **rest)
    return Verdict(requirement, requirement.first, found, met, holders, **of_verdict)


@pytest.mark.parametrize(
    ("conflict", "expected"),
    [
        pytest.param(
            verdict(LISTENING, SERVER), f"listening on 0.0.0.0 and ::, held by {APACHE_DESCRIBED}", id="listening"
        ),
        pytest.param(
            verdict(LISTENING, SERVER, met=True, held_by=["apache2"]),
            f"listening on 0.0.0.0 and ::, held by {APACHE_DESCRIBED}",
            id="allowed by held_by",
        ),
        pytest.param(
            verdict(LISTENING, SERVER._replace(interface="eth0")),
            f"listening on 0.0.0.0 and :: on eth0, held by {APACHE_DESCRIBED}",
            id="on a device",
        ),
        pytest.param(
            verdict(LISTENING, SERVER, CLIENT),
            f"listening on 0.0.0.0 and ::, held by {APACHE_DESCRIBED};"
            f" local port of a connection to 10.0.0.9:443, held by {CURL_DESCRIBED}",
            id="two holders",
        ),
        pytest.param(
            verdict(BOUND, WAITING),
            f"bound on 0.0.0.0 and ::, not listening yet, held by {APACHE_DESCRIBED}",
            id="bound",
        ),
        pytest.param(
            verdict(BOUND, DATAGRAMS, entry="80/udp"),
            f"bound on 0.0.0.0 and ::, held by {APACHE_DESCRIBED}",
            id="bound, UDP",
        ),
        pytest.param(
            verdict(CONNECTED, CLIENT),
            f"local port of a connection to 10.0.0.9:443, held by {CURL_DESCRIBED}",
            id="connected",
        ),
        pytest.param(
            verdict(CLOSING, DYING),
            "blocked on 10.0.0.5 by a connection to 10.0.0.9:50000 that is closing, held by the kernel",
            id="closing",
        ),
        pytest.param(verdict(BOUND, KERNEL, entry="80/udp"), "bound on 0.0.0.0, held by the kernel", id="the kernel"),
        pytest.param(verdict(LISTENING, HIDDEN), f"listening on 0.0.0.0, held by {UNSEEN}", id="hidden"),
        pytest.param(
            verdict(LISTENING, HIDDEN._replace(user=None, uid=None)),
            "listening on 0.0.0.0, held by a process that this user may not see",
            id="hidden, of nobody knows whom",
        ),
        pytest.param(
            verdict(LISTENING, HIDDEN, held_by=["nginx", "unit:web"]),
            f"listening on 0.0.0.0, held by {UNSEEN}; held_by nginx or unit:web could not be asked",
            id="hidden, so that nobody can tell whether it is allowed",
        ),
        pytest.param(
            verdict(LISTENING, SERVER, held_by=["nginx", HOSTILE]),
            f"listening on 0.0.0.0 and ::, held by {APACHE_DESCRIBED}; allowed here: nginx or {HARMLESS}",
            id="not allowed",
        ),
        pytest.param(
            verdict(CONNECTED, CLIENT, held_by=["curl"]),
            f"local port of a connection to 10.0.0.9:443, held by {CURL_DESCRIBED}; held_by allows no connection",
            id="a connection is never allowed",
        ),
        pytest.param(
            verdict(UNKNOWN, unidentified(UNKNOWN, "tcp")),
            "in use by something that neither the socket table nor /proc shows",
            id="unknown",
        ),
        pytest.param(verdict(DUPLICATE, rivals=("web",)), "also wanted by web", id="duplicate"),
        pytest.param(
            verdict(DUPLICATE, rivals=("a", "b", HOSTILE)), f"also wanted by a, b and {HARMLESS}", id="duplicates"
        ),
        pytest.param(
            verdict(UNAVAILABLE, entry="10.0.0.5:80"), "the address 10.0.0.5 is not on this host", id="unavailable"
        ),
        pytest.param(verdict(UNAVAILABLE), "the address to bind is not on this host", id="no family at all"),
        pytest.param(
            verdict(UNAVAILABLE, entry="[::1]:80", lacks_family=True), "IPv6 is off on this host", id="no IPv6"
        ),
        pytest.param(
            verdict(UNAVAILABLE, entry="*%eth1:67/udp"),
            "the address or the device of *%eth1 is not on this host",
            id="no such device",
        ),
        pytest.param(
            verdict(UNAVAILABLE, SERVER, entry="10.0.0.5:80"),
            "the address 10.0.0.5 is not on this host; if it were, the port would be taken: listening on 0.0.0.0 and"
            f" ::, held by {APACHE_DESCRIBED}",
            id="unavailable, and taken as well",
        ),
        pytest.param(verdict(REFUSED), "bind(2) is refused by a policy of this host", id="refused"),
        pytest.param(verdict(REFUSED, user="www-data"), "bind(2) is refused to user www-data", id="refused to a user"),
        pytest.param(
            verdict(FREE, doubt=Doubt(0, 80, 80, EPHEMERAL, "it may go to any outgoing connection")),
            "it may go to any outgoing connection",
            id="a doubt that is a conflict",
        ),
        pytest.param(verdict(FREE, state="listening"), "nothing listens", id="nothing listens"),
        pytest.param(
            verdict(FREE, entry="10.0.0.5:80", state="listening", elsewhere=("127.0.0.1", "::1")),
            "nothing listens there, only on 127.0.0.1 and ::1",
            id="something listens elsewhere",
        ),
    ],
)
def test_reason(conflict, expected):
    assert reason(conflict) == expected


@pytest.mark.parametrize(
    ("process", "others", "expected"),
    [
        pytest.param(APACHE, 1, "apache2 (pid 812 and 1 more, apache2.service, user root)", id="two pids"),
        pytest.param(APACHE, 2, "apache2 (pid 812 and 2 more, apache2.service, user root)", id="three pids"),
        pytest.param(APACHE._replace(unit=None), 0, "apache2 (pid 812, user root)", id="no unit"),
        pytest.param(
            APACHE._replace(user=None, uid=4242),
            0,
            "apache2 (pid 812, apache2.service, user 4242)",
            id="a user without a name",
        ),
        pytest.param(
            APACHE._replace(name="", unit=None),
            0,
            "a nameless process (pid 812, user root)",
            id="a process without a name",
        ),
        pytest.param(
            APACHE._replace(container=WEB, unit=None),
            0,
            "apache2 (pid 812, container web, user root)",
            id="a container",
        ),
        pytest.param(
            APACHE._replace(container=Container(CONTAINER_ID, None, "docker")),
            0,
            "apache2 (pid 812, container 0123456789ab, apache2.service, user root)",
            id="a container without a name",
        ),
    ],
)
def test_reason_describes_the_process(process, others, expected):
    conflict = verdict(LISTENING, SERVER._replace(process=process, processes=(process,) * (others + 1)))
    assert reason(conflict) == f"listening on 0.0.0.0 and ::, held by {expected}"


def judged(entry, found, *sockets, **rest):
    return judge(want(entry, state="listening", **rest), 80, [Finding(found, sockets)], census_of(APACHE, CURL))


def by_apache(state, address, protocol="tcp", **rest):
    return row(state, address, inode=APACHE.pid, protocol=protocol, **rest)


def test_reason_of_an_address_that_is_to_be_served_and_is_not_here():
    assert reason(judged("10.0.0.5:80", UNAVAILABLE, by_apache(LISTENING, "0.0.0.0"))) == (
        f"the address 10.0.0.5 is not on this host; listening on 0.0.0.0, held by {APACHE_DESCRIBED}"
    )


@pytest.mark.parametrize(
    ("conflict", "expected"),
    [
        pytest.param(
            judged(80, LISTENING, by_apache(LISTENING, "0.0.0.0"), held_by=["nginx"]),
            f"listening on 0.0.0.0, held by {APACHE_DESCRIBED}; wanted: nginx",
            id="somebody else",
        ),
        pytest.param(
            judged(80, LISTENING, by_apache(LISTENING, "0.0.0.0"), held_by=["nginx", "unit:web*", "\x1b[2J"]),
            f"listening on 0.0.0.0, held by {APACHE_DESCRIBED}; wanted: nginx, unit:web* or \\x1b[2J",
            id="somebody else than these",
        ),
        pytest.param(
            judged("0.0.0.0:80", LISTENING, by_apache(LISTENING, "127.0.0.1")),
            f"listening on 127.0.0.1, held by {APACHE_DESCRIBED}; this does not serve 0.0.0.0",
            id="another address",
        ),
        pytest.param(
            judged("0.0.0.0:80", LISTENING, by_apache(LISTENING, "0.0.0.0", interface="eth0")),
            f"listening on 0.0.0.0 on eth0, held by {APACHE_DESCRIBED}; this serves only clients that come in by eth0",
            id="another device",
        ),
        pytest.param(
            judged("[::]:80", LISTENING, by_apache(LISTENING, "::", v6only=True)),
            f"listening on ::, held by {APACHE_DESCRIBED};"
            " this serves IPv6 alone, as far as the host tells (IPV6_V6ONLY)",
            id="the other version of IP",
        ),
        pytest.param(
            judged("0.0.0.0:80", LISTENING, by_apache(LISTENING, "127.0.0.1"), held_by=["apache2"]),
            f"listening on 127.0.0.1, held by {APACHE_DESCRIBED}; this does not serve 0.0.0.0",
            id="the right one on another address",
        ),
        pytest.param(
            judged(
                "0.0.0.0:80",
                LISTENING,
                by_apache(LISTENING, "0.0.0.0"),
                row(LISTENING, "127.0.0.1", inode=CURL.pid),
                held_by=["apache2"],
            ),
            f"listening on 0.0.0.0, held by {APACHE_DESCRIBED}; listening on 127.0.0.1, held by {CURL_DESCRIBED};"
            " curl serves it, too; wanted: apache2",
            id="the right one and another one",
        ),
        pytest.param(
            judged(
                80,
                LISTENING,
                row(LISTENING, "127.0.0.1", inode=CURL.pid),
                by_apache(BOUND, "127.0.0.2"),
                held_by=["apache2"],
            ),
            "listening on 127.0.0.1, held by curl (pid 4711, user app); bound on 127.0.0.2, not listening yet,"
            f" held by {APACHE_DESCRIBED}; wanted: apache2",
            id="the right one does not listen yet",
        ),
        pytest.param(
            judged("80/udp", BOUND, by_apache(BOUND, "0.0.0.0", "udp"), held_by=["nginx"]),
            f"bound on 0.0.0.0, held by {APACHE_DESCRIBED}; wanted: nginx",
            id="somebody else, UDP",
        ),
        pytest.param(
            judged("0.0.0.0:80/udp", BOUND, by_apache(BOUND, "127.0.0.1", "udp")),
            f"bound on 127.0.0.1, held by {APACHE_DESCRIBED}; this does not serve 0.0.0.0",
            id="another address, UDP",
        ),
        pytest.param(
            judged(80, BOUND, by_apache(BOUND, "0.0.0.0"), held_by=["apache2"]),
            f"bound on 0.0.0.0, not listening yet, held by {APACHE_DESCRIBED}",
            id="not yet",
        ),
    ],
)
def test_reason_of_what_is_to_listen(conflict, expected):
    assert not conflict.met
    assert reason(conflict) == expected


NODE_PORT = DOCKER_RULE._replace(tool="nft", chains=("ip kube-proxy nat-prerouting",), label="default/web:http")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(DOCKER_RULE, "iptables (ip nat PREROUTING > DOCKER)", id="chains"),
        pytest.param(NODE_PORT, "nft (ip kube-proxy nat-prerouting, default/web:http)", id="a label"),
        pytest.param(
            DOCKER_RULE._replace(container=WEB), "iptables (ip nat PREROUTING > DOCKER, container web)", id="container"
        ),
    ],
)
def test_reason_of_what_nat_rules_take(rule, expected):
    conflict = judge(want(8080), 8080, [Finding(REDIRECTED, (), rule)], census_of())
    assert reason(conflict) == f"sent to 172.17.0.2:80 by NAT rules of {expected}"


AWAY = redirected(DOCKER_RULE, REDIRECTED, "tcp")


@pytest.mark.parametrize(
    ("answering", "strangers", "expected"),
    [
        pytest.param((), (), "where nothing is known to answer", id="nobody"),
        pytest.param((SERVER,), (SERVER,), "where apache2 answers; wanted: nginx", id="another one"),
        pytest.param((SERVER,), (), "where apache2 answers, but not on every address", id="some clients"),
        pytest.param((AWAY,), (), "where this host cannot see who answers", id="on another host"),
        pytest.param((SERVER, AWAY), (), "where apache2 answers, but not on every address", id="and on another host"),
    ],
)
def test_reason_of_what_is_to_listen_and_nat_rules_take(answering, strangers, expected):
    conflict = verdict(REDIRECTED, redirected(DOCKER_RULE, REDIRECTED, "tcp"), state="listening", held_by=["nginx"])
    assert reason(conflict._replace(answering=answering, strangers=strangers)) == (
        f"sent to 172.17.0.2:80 by NAT rules of iptables (ip nat PREROUTING > DOCKER), {expected}"
    )


@pytest.mark.parametrize(
    ("rule", "targets", "expected"),
    [
        pytest.param(
            DOCKER_RULE._replace(depends_on=("the source address",)),
            ["172.17.0.2:80", "172.17.0.2:81"],
            "NAT rules of iptables (ip nat PREROUTING > DOCKER) may send its traffic to 172.17.0.2:80 and elsewhere,"
            " depending on the source address",
            id="several targets",
        ),
        pytest.param(
            NODE_PORT._replace(depends_on=("the source address", "the match 'recent'")),
            ["172.17.0.2:80"],
            "NAT rules of nft (ip kube-proxy nat-prerouting, default/web:http) may send its traffic to 172.17.0.2:80,"
            " depending on the source address and the match 'recent'",
            id="one target",
        ),
        pytest.param(
            DOCKER_RULE._replace(spared=(b"\xc0\0\2\2",), address="192.0.2.1"),
            ["172.17.0.2:80"],
            "NAT rules of iptables (ip nat PREROUTING > DOCKER) send its traffic at 192.0.2.1 to 172.17.0.2:80",
            id="one address",
        ),
    ],
)
def test_diversion(rule, targets, expected):
    assert diversion(rule, targets, is_ipv6=False) == expected
    assert diversion(rule, targets, is_ipv6=True) == expected.replace("IPv4", "IPv6")


def test_no_name_of_the_request_reaches_the_terminal_as_it_is():
    for conflict in (
        verdict(DUPLICATE, rivals=(HOSTILE,)),
        verdict(REFUSED, user=HOSTILE),
        verdict(LISTENING, SERVER, state="listening", held_by=[HOSTILE]),
        verdict(LISTENING, SERVER, held_by=[HOSTILE]),
    ):
        assert reason(conflict).isprintable()
