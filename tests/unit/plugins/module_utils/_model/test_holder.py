# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import (
    Container,
    Holder,
    Process,
    holder_of,
    merged,
    redirected,
    unidentified,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.pattern import Pattern
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, CLOSING, CONNECTED, LISTENING
from support.records import APACHE, CONTAINER_ID, CURL, DOCKER_RULE, WEB, census_of, row

WORKER = APACHE._replace(pid=813, started=1001.0)
SYSTEMD = Process(1, "systemd", "/usr/lib/systemd/systemd", 0, "root", "init.scope", started=1.0)


def holders(sockets, known):
    return list(merged(holder_of(each, known) for each in sockets))


def pids(holder):
    return [process.pid for process in holder.processes]


def held(state, address="0.0.0.0", by=APACHE, **rest):
    return row(state, address, inode=by.pid, **rest)


@pytest.mark.parametrize(
    ("sockets", "expected"),
    [
        pytest.param([], [], id="none"),
        pytest.param([held(LISTENING)], [(("0.0.0.0",), LISTENING, 812)], id="one"),
        pytest.param(
            [held(LISTENING), held(LISTENING, "::")], [(("0.0.0.0", "::"), LISTENING, 812)], id="its addresses together"
        ),
        pytest.param(
            [held(LISTENING), held(LISTENING)],
            [(("0.0.0.0",), LISTENING, 812)],
            id="one address of two sockets, as with SO_REUSEPORT",
        ),
        pytest.param(
            [held(LISTENING), held(LISTENING, by=WORKER)],
            [(("0.0.0.0",), LISTENING, 812), (("0.0.0.0",), LISTENING, 813)],
            id="two processes of one user",
        ),
        pytest.param(
            [held(LISTENING), held(LISTENING, by=CURL)],
            [(("0.0.0.0",), LISTENING, 812), (("0.0.0.0",), LISTENING, 4711)],
            id="two processes",
        ),
        pytest.param(
            [held(LISTENING), held(CONNECTED, "10.0.0.5")],
            [(("0.0.0.0",), LISTENING, 812), (("10.0.0.5",), CONNECTED, 812)],
            id="two states",
        ),
        pytest.param(
            [held(LISTENING, interface="eth0"), held(LISTENING, interface="eth1")],
            [(("0.0.0.0",), LISTENING, 812), (("0.0.0.0",), LISTENING, 812)],
            id="two devices",
        ),
        pytest.param(
            [held(LISTENING), held(LISTENING, by=CURL), held(LISTENING, "::")],
            [(("0.0.0.0", "::"), LISTENING, 812), (("0.0.0.0",), LISTENING, 4711)],
            id="in the order in which they come",
        ),
    ],
)
def test_holders_grouping(sockets, expected):
    found = holders(sockets, census_of(APACHE, WORKER, CURL))
    assert [(each.addresses, each.state, each.process.pid) for each in found] == expected


def test_holders_tells_what_is_known_of_the_process():
    (found,) = holders([held(CONNECTED, "10.0.0.5", CURL, peer="10.0.0.9:443", uid=1000)], census_of(CURL))
    assert found == Holder(("10.0.0.5",), "tcp", CONNECTED, CURL, (CURL,), 1000, "app", None, "10.0.0.9:443")


ROOTS = CURL._replace(pid=1, uid=0, user="root")


@pytest.mark.parametrize(
    ("uid", "expected"),
    [
        pytest.param(0, [1, 4711], id="root's, which any process may have"),
        pytest.param(1000, [4711], id="a user's, handed to root's process"),
        pytest.param(1001, [], id="another user's"),
        pytest.param(None, [1, 4711], id="the source does not tell"),
    ],
)
def test_a_socket_is_served_by_processes_of_its_user(uid, expected):
    known = census_of(ROOTS, CURL)._replace(pids={42: [1, 4711]})
    (found,) = holders([row(LISTENING, inode=42, uid=uid)], known)
    assert (pids(found), found.hidden) == (expected, not expected)


A_USERS_UNIT = "user@1000.service/nginx.service"
A_USERS = WEB._replace(user="alice")


@pytest.mark.parametrize(
    ("process", "pattern"),
    [
        (CURL._replace(unit=A_USERS_UNIT), "unit:user@1000.service/nginx"),
        (CURL._replace(unit=A_USERS_UNIT), "unit:*/nginx.service"),
        (CURL._replace(container=A_USERS), "container:alice/web"),
        (CURL._replace(container=A_USERS), "container:*/w*"),
        (CURL._replace(container=WEB), "container:*w*"),
        (CURL._replace(name="kworker/0:1"), "process:kworker*"),
        (CURL._replace(program="/opt/shop/app.py"), "program:*app.py"),
    ],
)
def test_names_of_a_users_own(process, pattern):
    field, _colon, glob = pattern.partition(":")
    assert Pattern(pattern, (field,), glob).matches(process.names())


@pytest.mark.parametrize(
    ("process", "field", "pattern"),
    [
        pytest.param(CURL._replace(name="kernel"), "process", "kernel", id="who calls himself the kernel"),
        pytest.param(CURL._replace(exe_is_here=False), "exe", "/usr/bin/curl", id="a program of his own at that path"),
        pytest.param(CURL._replace(unit=A_USERS_UNIT), "unit", "nginx", id="a unit of his own"),
        pytest.param(CURL._replace(unit=A_USERS_UNIT), "unit", "*nginx*", id="a unit of his own, and a wildcard"),
        pytest.param(CURL._replace(container=A_USERS), "container", "web", id="a container of his own"),
        pytest.param(CURL._replace(container=A_USERS), "container", "*web*", id="his container, and a wildcard"),
    ],
)
def test_names_that_prove_nothing(process, field, pattern):
    assert not Pattern(pattern, (field,), pattern).matches(process.names())


@pytest.mark.parametrize(
    ("processes", "eldest", "every"),
    [
        pytest.param([WORKER, APACHE], 812, [812, 813], id="by its start"),
        pytest.param([WORKER._replace(started=None), APACHE], 813, [812, 813], id="one whose start is unknown"),
        pytest.param([WORKER._replace(started=1000.0), APACHE], 812, [812, 813], id="by its number"),
        pytest.param([WORKER], 813, [813], id="whoever is left"),
    ],
)
def test_holders_takes_the_eldest(processes, eldest, every):
    known = census_of(*processes)._replace(pids={42: [813, 812]})
    (found,) = holders([row(LISTENING, inode=42)], known)
    assert (found.process.pid, pids(found)) == (eldest, every)


def test_merged_joins_the_processes_of_several_sockets():
    known = census_of(APACHE, WORKER)._replace(pids={42: [812], 43: [812, 813]})
    (found,) = holders([row(LISTENING, inode=42), row(LISTENING, "::", inode=43)], known)
    assert pids(found) == [812, 813]


def test_holders_takes_the_pids_of_the_source_where_there_are_no_inodes():
    (found,) = holders([row(LISTENING, pids=(4711,))], census_of(CURL))
    assert found.process == CURL


@pytest.mark.parametrize(
    ("address", "protocol", "unit"),
    [
        pytest.param("::", "tcp", "ssh.socket", id="a socket unit"),
        pytest.param("0.0.0.0", "tcp", "init.scope", id="of another address"),
        pytest.param("::", "udp", "init.scope", id="of another protocol"),
    ],
)
def test_holders_names_the_socket_unit_behind_pid_1(address, protocol, unit):
    known = census_of(SYSTEMD, APACHE, socket_units={("tcp", "::", 80): "ssh.socket"})
    (found,) = holders([held(LISTENING, address, SYSTEMD, protocol=protocol)], known)
    assert (found.process.pid, found.process.unit) == (1, unit)


def test_holders_names_a_socket_unit_for_no_other_process():
    known = census_of(APACHE, socket_units={("tcp", "::", 80): "ssh.socket"})
    (found,) = holders([held(LISTENING, "::")], known)
    assert found.process.unit == "apache2.service"


def test_holders_name_the_container_for_which_an_engine_listens():
    known = census_of(APACHE, published={("tcp", 80): WEB})
    (found,) = holders([held(LISTENING)], known)
    assert found.process.container == WEB
    (other,) = holders([held(LISTENING, protocol="udp")], known)
    assert other.process.container is None


KERNELS = row(BOUND, inode=77, uid=0, protocol="udp")


@pytest.mark.parametrize(
    ("held_socket", "kernel", "hidden", "uid", "user"),
    [
        pytest.param(row(LISTENING, inode=42, uid=33), False, True, 33, "www-data", id="a hidden process"),
        pytest.param(row(LISTENING, inode=42, uid=34), False, True, 34, None, id="of a user without a name"),
        pytest.param(row(LISTENING, inode=42), False, True, None, None, id="of a user that the source hides"),
        pytest.param(row(LISTENING), False, True, None, None, id="without an inode"),
        pytest.param(KERNELS, True, False, None, None, id="the kernel's own"),
        pytest.param(row(CLOSING, uid=33), True, False, None, None, id="nobody's any more"),
        pytest.param(row(LISTENING, inode=812), False, True, None, None, id="of a process that is gone"),
    ],
)
def test_holders_without_a_process(held_socket, kernel, hidden, uid, user):
    known = census_of(kernel_owned=frozenset([KERNELS]), users={33: "www-data", 34: None, 0: "root"})
    known = known._replace(pids={812: [812]})
    (found,) = holders([held_socket], known)
    assert (found.process, found.kernel, found.hidden, found.uid, found.user) == (None, kernel, hidden, uid, user)


def test_holders_groups_hidden_processes_by_user():
    users = {33: "www-data", 34: "nobody"}
    sockets = [row(LISTENING, inode=inode, uid=uid) for inode, uid in ((1, 33), (2, 34), (3, 33))]
    assert [each.user for each in holders(sockets, census_of(users=users))] == ["www-data", "nobody"]


def test_holders_waits_for_the_last_to_close():
    sockets = [row(CLOSING, seconds_left=seconds, peer="10.0.0.9:1") for seconds in (None, 7, 42, 3)]
    assert [each.seconds_left for each in holders(sockets, census_of())] == [42]
    assert holders([row(CLOSING)] * 2, census_of())[0].seconds_left is None


def test_holders_leaves_no_hostile_interface_name():
    (found,) = holders([held(LISTENING, interface="\x1b[2J")], census_of(APACHE))
    assert found.interface == r"\x1b[2J"


def test_unidentified():
    assert unidentified("unknown", "udp") == Holder((), "udp", "unknown", hidden=True)


@pytest.mark.parametrize(
    ("holder", "expected"),
    [
        pytest.param(Holder(("0.0.0.0",), "udp", BOUND, kernel=True), [{"process": ["kernel"]}], id="the kernel"),
        pytest.param(Holder(("0.0.0.0",), "tcp", CLOSING, kernel=True), [], id="nobody's any more"),
        pytest.param(Holder(("0.0.0.0",), "tcp", LISTENING, hidden=True, user="root"), [], id="hidden"),
    ],
)
def test_names_without_a_process(holder, expected):
    assert holder.names() == expected


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        pytest.param(
            Process(7), {"process": [], "unit": [], "container": [], "user": [], "exe": [], "program": []}, id="unknown"
        ),
        pytest.param(
            APACHE._replace(container=WEB),
            {
                "process": ["apache2"],
                "unit": ["apache2.service", "apache2"],
                "container": ["web"],
                "user": ["root", "0"],
                "exe": ["/usr/sbin/apache2"],
                "program": [],
            },
            id="everything",
        ),
        pytest.param(
            Process(7, "x", unit="postgresql@15.1-main.service", container=Container("ID", None, "docker")),
            {
                "process": ["x"],
                "unit": ["postgresql@15.1-main.service", "postgresql@15.1-main"],
                "container": [],
                "user": [],
                "exe": [],
                "program": [],
            },
            id="a container without a name",
        ),
    ],
)
def test_names(process, expected):
    assert process.names() == expected


def test_each_process_of_a_socket_has_its_own_names():
    holder = Holder(("::",), "tcp", LISTENING, APACHE, (APACHE, CURL))
    assert [names["process"] for names in holder.names()] == [["apache2"], ["curl"]]


UNKNOWN = {
    "addresses": ["0.0.0.0"], "protocol": "tcp", "state": LISTENING, "pid": None, "pids": [], "process": None,
    "exe": None, "program": None, "user": None, "uid": None, "unit": None, "container": None, "started": None,
    "interface": None,
    "peer": None, "hidden": False, "kernel": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("holder", "changed"),
    [
        pytest.param(Holder(("0.0.0.0",), "tcp", LISTENING), {}, id="unknown is null"),
        pytest.param(
            Holder(("0.0.0.0", "::"), "udp", BOUND, kernel=True),
            {"addresses": ["0.0.0.0", "::"], "protocol": "udp", "state": BOUND, "kernel": True},
            id="the kernel",
        ),
        pytest.param(
            Holder(("0.0.0.0",), "tcp", LISTENING, hidden=True, uid=33, user="www-data"),
            {"hidden": True, "uid": 33, "user": "www-data"},
            id="a hidden process",
        ),
        pytest.param(
            Holder(
                ("0.0.0.0",),
                "tcp",
                CONNECTED,
                CURL._replace(container=WEB),
                (CURL, CURL._replace(pid=4712)),
                1000,
                "app",
                "eth0",
                "10.0.0.9:443",
            ),
            {
                "state": CONNECTED,
                "pid": 4711,
                "pids": [4711, 4712],
                "process": "curl",
                "exe": "/usr/bin/curl",
                "user": "app",
                "uid": 1000,
                "container": {"id": WEB.id, "name": "web", "runtime": "docker", "user": None},
                "started": "1970-01-01T00:33:20Z",
                "interface": "eth0",
                "peer": "10.0.0.9:443",
            },
            id="everything",
        ),
        pytest.param(
            Holder(("0.0.0.0",), "tcp", LISTENING, Process(7, started=1767225599.99), (Process(7),)),
            {"pid": 7, "pids": [7], "started": "2025-12-31T23:59:59Z"},
            id="whole seconds",
        ),
    ],
)
def test_as_dict(holder, changed):
    assert holder.as_dict() == {**UNKNOWN, **changed}


@pytest.mark.parametrize(
    ("program", "names"),
    [
        ("/opt/app/app.jar", ["/opt/app/app.jar", "app.jar"]),
        ("kafka.Kafka", ["kafka.Kafka", "kafka.Kafka"]),
        ("gunicorn shop.wsgi:app", ["gunicorn shop.wsgi:app", "gunicorn shop.wsgi:app", "gunicorn", "shop.wsgi:app"]),
        (None, []),
    ],
)
def test_the_names_of_a_program(program, names):
    assert CURL._replace(program=program).names()["program"] == names


def test_redirected():
    holder = redirected(DOCKER_RULE._replace(container=WEB), "redirected", "tcp")
    known = holder.as_dict()
    assert known["container"] == {"id": CONTAINER_ID, "name": "web", "runtime": "docker", "user": None}
    assert (known["state"], known["protocol"], known["peer"]) == ("redirected", "tcp", "172.17.0.2:80")
    assert (known["kernel"], known["hidden"], known["pid"], known["process"]) == (True, False, None, None)
    assert holder.names() == [{"container": ["web"], "nat": ["PREROUTING", "DOCKER", "172.17.0.2:80"]}]


def test_redirected_for_nobody_known():
    holder = redirected(DOCKER_RULE, "redirected", "tcp")
    assert holder.as_dict()["container"] is None
    assert holder.names() == [{"container": [], "nat": ["PREROUTING", "DOCKER", "172.17.0.2:80"]}]


def test_redirected_for_a_container_without_a_name():
    rule = DOCKER_RULE._replace(container=WEB._replace(name=None), label="default/web:http")
    (names,) = redirected(rule, "redirected", "tcp").names()
    assert names == {"container": [], "nat": ["PREROUTING", "DOCKER", "default/web:http", "172.17.0.2:80"]}


def test_census_joined_with():
    some = census_of(APACHE, users={33: "www-data"}, socket_units={("tcp", "::", 22): "ssh.socket"})
    others = census_of(CURL, kernel_owned=frozenset([KERNELS]), users={34: None})
    joined = some.joined_with(others)
    assert joined.owners_of(row(LISTENING, inode=812)) == [APACHE]
    assert joined.owners_of(row(LISTENING, inode=4711)) == [CURL]
    assert joined.kernel_owned == {KERNELS}
    assert joined.users == {33: "www-data", 34: None}
    assert joined.socket_units == {("tcp", "::", 22): "ssh.socket"}
