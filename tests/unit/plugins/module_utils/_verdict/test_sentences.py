# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel.ephemeral import Ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import (
    DUPLICATE,
    REDIRECTED,
    UNAVAILABLE,
    UNKNOWN,
    Finding,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container, Holder, unidentified
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, CLOSING, CONNECTED, LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._verdict.sentences import (
    advice,
    ephemeral_finding,
    headline,
    label,
    reason,
    redirect_findings,
)
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdicts import Verdict, judge
from support.records import APACHE, CONTAINER_ID, CURL, DOCKER_RULE, HARMLESS, HOSTILE, WEB, at, census_of, row, want

FREE = "free"

SERVER = Holder(("0.0.0.0", "::"), "tcp", LISTENING, APACHE, (812,), 0, "root")
CLIENT = Holder(("10.0.0.5",), "tcp", CONNECTED, CURL, (4711,), 1000, "app", peer="10.0.0.9:443")
WAITING = SERVER._replace(state=BOUND)
DATAGRAMS = WAITING._replace(protocol="udp")
DYING = Holder(("10.0.0.5",), "tcp", CLOSING, kernel=True, peer="10.0.0.9:50000")
HIDDEN = Holder(("0.0.0.0",), "tcp", LISTENING, hidden=True, uid=33, user="www-data")
KERNEL = Holder(("0.0.0.0",), "udp", BOUND, kernel=True)

APACHE_DESCRIBED = "apache2 (pid 812, apache2.service, user root)"
CURL_DESCRIBED = "curl (pid 4711, user app)"


def verdict(found, *holders, entry=80, met=False, rivals=(), elsewhere=(), **rest):
    requirement = want(entry, **rest)
    return Verdict(requirement, requirement.first, found, met, holders, rivals, elsewhere)


@pytest.mark.parametrize(
    ("entry", "port", "expected"),
    [
        pytest.param(80, 80, "80/tcp", id="a port"),
        pytest.param("80/udp", 80, "80/udp", id="udp"),
        pytest.param("80-90", 85, "85/tcp", id="one of a range"),
        pytest.param("80-90", "80-90", "80-90/tcp", id="a whole range"),
        pytest.param({"port": 80, "name": "nginx"}, 80, "80/tcp (nginx)", id="a name"),
        pytest.param({"port": 80, "name": HOSTILE}, 80, f"80/tcp ({HARMLESS})", id="a hostile name"),
        pytest.param("10.0.0.5:80", 80, "10.0.0.5:80/tcp", id="IPv4"),
        pytest.param("[::1]:80", 80, "[::1]:80/tcp", id="IPv6"),
        pytest.param(
            {"port": 53, "protocol": "udp", "address": "fe80::1%eth0", "name": "dns"},
            53,
            "[fe80::1%eth0]:53/udp (dns)",
            id="everything",
        ),
    ],
)
def test_label(entry, port, expected):
    assert label(want(entry), port) == expected


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
        pytest.param(
            verdict(LISTENING, HIDDEN), "listening on 0.0.0.0, held by a hidden process of user www-data", id="hidden"
        ),
        pytest.param(
            verdict(LISTENING, HIDDEN._replace(user=None, uid=None)),
            "listening on 0.0.0.0, held by a hidden process",
            id="hidden, of nobody knows whom",
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
    ("process", "pids", "expected"),
    [
        pytest.param(APACHE, (812, 813), "apache2 (pid 812 and 1 more, apache2.service, user root)", id="two pids"),
        pytest.param(
            APACHE, (812, 813, 814), "apache2 (pid 812 and 2 more, apache2.service, user root)", id="three pids"
        ),
        pytest.param(APACHE._replace(unit=None), (812,), "apache2 (pid 812, user root)", id="no unit"),
        pytest.param(
            APACHE._replace(user=None, uid=4242),
            (812,),
            "apache2 (pid 812, apache2.service, user 4242)",
            id="a user without a name",
        ),
        pytest.param(
            APACHE._replace(name="", unit=None),
            (812,),
            "a nameless process (pid 812, user root)",
            id="a process without a name",
        ),
        pytest.param(
            APACHE._replace(container=WEB, unit=None),
            (812,),
            "apache2 (pid 812, container web, user root)",
            id="a container",
        ),
        pytest.param(
            APACHE._replace(container=Container(CONTAINER_ID, None, "docker")),
            (812,),
            "apache2 (pid 812, container 0123456789ab, apache2.service, user root)",
            id="a container without a name",
        ),
    ],
)
def test_reason_describes_the_process(process, pids, expected):
    conflict = verdict(LISTENING, SERVER._replace(process=process, pids=pids))
    assert reason(conflict) == f"listening on 0.0.0.0 and ::, held by {expected}"


def judged(entry, found, *sockets, **rest):
    return judge(want(entry, state="listening", **rest), 80, Finding(found, sockets), census_of(APACHE, CURL))


def by_apache(state, address, protocol="tcp"):
    return row(state, address, inode=APACHE.pid, protocol=protocol)


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
            judged("0.0.0.0:80", LISTENING, by_apache(LISTENING, "127.0.0.1"), held_by=["apache2"]),
            f"listening on 127.0.0.1, held by {APACHE_DESCRIBED}; this does not serve 0.0.0.0",
            id="the right one on another address",
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


BECOME = "Run the task with become: true to see who holds it."
OUTSIDE = "Look for the holder outside this container or namespace: from here not even root may look into it."
STOP = "or name it in held_by if it is to keep the port."
KERNELS = Ephemeral(32768, 60999, frozenset([50000]))


@pytest.mark.parametrize(
    ("conflict", "expected"),
    [
        pytest.param(verdict(LISTENING, SERVER), f"Stop apache2.service, {STOP}", id="a service"),
        pytest.param(
            verdict(LISTENING, SERVER._replace(process=APACHE._replace(unit="ssh.socket"))),
            f"Stop ssh.socket, {STOP}",
            id="a socket unit",
        ),
        pytest.param(
            verdict(LISTENING, SERVER, SERVER._replace(process=CURL._replace(unit="b.service"))),
            "Stop apache2.service and b.service, or name them in held_by if they are to keep the port.",
            id="two services",
        ),
        pytest.param(verdict(LISTENING, SERVER, SERVER), f"Stop apache2.service, {STOP}", id="one service twice"),
        pytest.param(
            verdict(LISTENING, SERVER._replace(process=APACHE._replace(unit="session-3.scope"))),
            f"Stop the holder, {STOP}",
            id="a scope is nothing to stop",
        ),
        pytest.param(
            verdict(LISTENING, SERVER._replace(process=APACHE._replace(unit=None))),
            f"Stop the holder, {STOP}",
            id="no unit",
        ),
        pytest.param(verdict(BOUND, WAITING), f"Stop apache2.service, {STOP}", id="bound"),
        pytest.param(
            verdict(BOUND, KERNEL),
            "Remove the device or kernel service that has it, or name 'kernel' in held_by if it is to keep the port.",
            id="the kernel",
        ),
        pytest.param(verdict(CLOSING, DYING), "Wait for 60 seconds, for instance with timeout: 60.", id="closing"),
        pytest.param(
            verdict(CLOSING, DYING._replace(seconds_left=7), DYING._replace(seconds_left=42), DYING),
            "Wait for 42 seconds, for instance with timeout: 42.",
            id="closing, the kernel tells how long",
        ),
        pytest.param(verdict(CONNECTED, CLIENT), "Close the connection.", id="connected"),
        pytest.param(
            verdict(CONNECTED, CLIENT, entry=45000),
            "Close the connection, and keep others off the port with net.ipv4.ip_local_reserved_ports = 45000,50000",
            id="connected by an outgoing connection",
        ),
        pytest.param(
            verdict(CONNECTED, CLIENT, entry=50000), "Close the connection.", id="connected, reserved already"
        ),
        pytest.param(verdict(DUPLICATE, rivals=("web",)), "Give one of them another port or address.", id="duplicate"),
        pytest.param(
            verdict(UNAVAILABLE, entry="10.0.0.5:80"),
            "Configure the address on this host first, or ask for one that it has.",
            id="unavailable",
        ),
        pytest.param(
            verdict(FREE, state="listening"),
            "Start the service, or look at why it did not start.",
            id="nothing listens",
        ),
        pytest.param(
            verdict(FREE, entry="10.0.0.5:80", state="listening", elsewhere=("127.0.0.1",)),
            "Let the service listen on 10.0.0.5, too, or ask for an address that it serves.",
            id="something listens elsewhere",
        ),
        pytest.param(
            verdict(LISTENING, SERVER, state="listening", held_by=["nginx"]), None, id="somebody else listens"
        ),
    ],
)
@pytest.mark.parametrize("privileged", [True, False], ids=["as root", "not as root"])
def test_advice(conflict, privileged, expected):
    assert advice(conflict, privileged, KERNELS) == expected


@pytest.mark.parametrize(("privileged", "expected"), [(False, BECOME), (True, OUTSIDE)], ids=["not as root", "as root"])
@pytest.mark.parametrize(
    "conflict",
    [
        pytest.param(verdict(LISTENING, HIDDEN), id="hidden"),
        pytest.param(verdict(LISTENING, SERVER, HIDDEN), id="one of two"),
        pytest.param(verdict(UNKNOWN, unidentified(UNKNOWN, "tcp")), id="unknown"),
        pytest.param(verdict(CONNECTED, HIDDEN._replace(state=CONNECTED)), id="connected"),
        pytest.param(verdict(LISTENING, HIDDEN, state="listening", held_by=["nginx"]), id="to listen"),
    ],
)
def test_advice_on_hidden_holders(conflict, privileged, expected):
    assert advice(conflict, privileged, None) == expected


def test_advice_without_the_hosts_settings():
    assert advice(verdict(CONNECTED, CLIENT, entry=45000), True, None) == "Close the connection."


def test_headline_names_two_of_five():
    conflicts = [
        verdict(LISTENING, SERVER, entry={"port": 80, "name": "nginx"}),
        verdict(CONNECTED, CLIENT, entry=45000),
    ]
    assert headline(conflicts, 5) == (
        "2 of 5 required ports are taken:\n"
        "  80/tcp (nginx): listening on 0.0.0.0 and ::, held by apache2 (pid 812, apache2.service, user root)\n"
        "  45000/tcp: local port of a connection to 10.0.0.9:443, held by curl (pid 4711, user app)"
    )


TAKEN = verdict(LISTENING, SERVER)
STRANGER = verdict(LISTENING, SERVER, state="listening", held_by=["nginx"])
SILENT = verdict(FREE, state="listening")
ABSENT = verdict(UNAVAILABLE, entry="10.0.0.5:80")
TWICE = verdict(DUPLICATE, rivals=("web",))


@pytest.mark.parametrize(
    ("conflicts", "wanted", "expected"),
    [
        pytest.param([TAKEN], 1, "1 of 1 required port is taken:", id="the only one"),
        pytest.param([TAKEN], 2, "1 of 2 required ports is taken:", id="one"),
        pytest.param([TAKEN, TAKEN], 2, "2 of 2 required ports are taken:", id="all"),
        pytest.param([SILENT], 1, "1 of 1 required port is not served as required:", id="not served"),
        pytest.param([SILENT, SILENT], 3, "2 of 3 required ports are not served as required:", id="two not served"),
        pytest.param([TAKEN, SILENT], 2, "2 of 2 required ports are not as required:", id="taken and not served"),
        pytest.param(
            [TAKEN, STRANGER], 2, "2 of 2 required ports are not as required:", id="taken, and by somebody else"
        ),
        pytest.param([ABSENT], 1, "1 of 1 required port is not as required:", id="unavailable"),
        pytest.param([TAKEN, ABSENT], 2, "2 of 2 required ports are not as required:", id="taken and unavailable"),
        pytest.param([TWICE, TWICE], 2, "2 of 2 required ports are not as required:", id="duplicate"),
    ],
)
def test_headline(conflicts, wanted, expected):
    first, *lines = headline(conflicts, wanted).split("\n")
    assert first == expected
    assert lines == [f"  {label(each.requirement, each.port)}: {reason(each)}" for each in conflicts]


@pytest.mark.parametrize(
    ("count", "lines", "last"),
    [
        pytest.param(200, 201, f"  80/tcp: {reason(TAKEN)}", id="as many as there may be"),
        pytest.param(203, 202, "  and 3 more, listed in 'conflicts'", id="too many"),
    ],
)
def test_headline_ends(count, lines, last):
    text = headline([TAKEN] * count, 300).split("\n")
    assert (len(text), text[-1]) == (lines, last)


def test_no_name_of_the_request_reaches_the_terminal_as_it_is():
    conflicts = [
        verdict(DUPLICATE, entry={"port": 80, "name": HOSTILE}, rivals=(HOSTILE,)),
        verdict(LISTENING, SERVER, state="listening", held_by=[HOSTILE]),
    ]
    assert headline(conflicts, 2).replace("\n", "").isprintable()
    assert headline(conflicts, 2).count("\n") == 2


@pytest.mark.parametrize(
    ("reserved", "ports", "expected"),
    [
        pytest.param(
            [],
            [45000],
            "Any outgoing connection may take port 45000: net.ipv4.ip_local_port_range is 32768-60999."
            " To reserve it, set net.ipv4.ip_local_reserved_ports = 45000",
            id="one",
        ),
        pytest.param(
            [50000, 50001, 44999],
            [45000, 45001, 50002],
            "Any outgoing connection may take the ports 45000-45001,50002: net.ipv4.ip_local_port_range is"
            " 32768-60999. To reserve them, set net.ipv4.ip_local_reserved_ports = 44999-45001,50000-50002",
            id="several besides those reserved already",
        ),
    ],
)
def test_ephemeral_finding(reserved, ports, expected):
    assert ephemeral_finding(Ephemeral(32768, 60999, frozenset(reserved)), ports) == expected


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
def test_redirected(rule, expected):
    verdict = judge(want(8080), 8080, Finding(REDIRECTED, (), rule), census_of())
    assert reason(verdict) == f"sent to 172.17.0.2:80, by NAT rules of {expected}"
    allowed = ", or name its container in held_by if it is to keep the port" if rule.container else ""
    assert advice(verdict, True, None) == f"Remove what the rules are for{allowed}."


def test_redirect_findings():
    on_source = DOCKER_RULE._replace(depends_on=("the source address",))
    on_two = NODE_PORT._replace(depends_on=("the source address", "the match 'recent'"))
    doubts = {
        Question("tcp", at("0.0.0.0"), 81): on_source,
        Question("tcp", at("::"), 81): on_source,
        Question("tcp", at("0.0.0.0"), 82): on_source._replace(target="172.17.0.2:82"),
        Question("udp", at("0.0.0.0"), 53): on_two,
    }
    assert redirect_findings(doubts) == [
        "What is sent to 81-82/tcp may go to 172.17.0.2:80 and elsewhere by NAT rules of"
        " iptables (ip nat PREROUTING > DOCKER): that depends on the source address.",
        "What is sent to 53/udp may go to 172.17.0.2:80 by NAT rules of"
        " nft (ip kube-proxy nat-prerouting, default/web:http):"
        " that depends on the source address and the match 'recent'.",
    ]
