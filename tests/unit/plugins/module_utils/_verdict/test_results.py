# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel.ephemeral import Ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import DUPLICATE, Finding
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, CONNECTED, LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._verdict.results import NOTHING, result
from ansible_collections.preflight.ports.plugins.module_utils._verdict.success import success
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdicts import judge
from support.records import APACHE, CURL, census_of, row, wanting

FREE = "free"
SERVER = row(LISTENING, inode=APACHE.pid)
CLIENT = row(CONNECTED, "10.0.0.5", 45000, inode=CURL.pid, peer="10.0.0.9:443")

ENTRY_KEYS = {"port", "protocol", "address", "name", "met", "state"}
CONFLICT_KEYS = {"port", "protocol", "address", "name", "state", "wanted", "reason", "advice", "holders"}
HOLDER_KEYS = {
    "addresses", "protocol", "state", "pid", "pids", "process", "exe", "user", "uid", "unit", "container", "started",
    "interface", "peer", "hidden", "kernel",
}  # fmt: skip


def found(entries, findings, cmdline=False, privileged=True, rivals=(), ephemeral=None, **rest):
    """The result for *findings*, {(index, port): Finding}."""
    requirements = wanting(*entries, **rest)
    known = census_of(APACHE, CURL)
    verdicts = {
        (index, port): judge(requirements[index], port, finding, known, rivals)
        for (index, port), finding in findings.items()
    }
    return result(requirements, verdicts, cmdline, privileged, ephemeral)


TAKEN = Finding(LISTENING, (SERVER,))


def test_the_keys_are_those_of_the_contract():
    seen = found([80, "81-82", 443], {(0, 80): TAKEN}, held_by=["nginx"])
    assert set(seen) == {"msg", "ports", "conflicts", "held"}
    single, spread, _other = seen["ports"]
    assert set(single) == ENTRY_KEYS
    assert set(spread) == ENTRY_KEYS | {"free", "first_free"}
    (conflict,) = seen["conflicts"]
    assert set(conflict) == CONFLICT_KEYS
    (holder,) = conflict["holders"]
    assert set(holder) == HOLDER_KEYS


def test_what_is_met_by_held_by_has_the_keys_of_a_conflict():
    seen = found([80], {(0, 80): TAKEN}, held_by=["apache2"])
    assert seen["conflicts"] == []
    (held,) = seen["held"]
    assert set(held) == CONFLICT_KEYS
    assert (held["state"], held["wanted"], held["advice"]) == (LISTENING, FREE, None)
    assert held["reason"].startswith("listening on 0.0.0.0, held by apache2")
    assert seen["msg"] == "The required port is held by whom held_by allows."


def test_a_request_that_cannot_be_looked_at_has_the_same_keys():
    assert set(NOTHING) == set(found([], {})) - {"msg"} | {"ephemeral", "source", "probed", "redirects_checked"}


@pytest.mark.parametrize(
    ("entries", "findings", "expected"),
    [
        pytest.param([], {}, [], id="none"),
        pytest.param([80], {}, [(80, True, FREE)], id="free"),
        pytest.param([80], {(0, 80): TAKEN}, [(80, False, LISTENING)], id="taken"),
        pytest.param(
            [80, 443], {(1, 443): TAKEN}, [(80, True, FREE), (443, False, LISTENING)], id="the other is taken"
        ),
        pytest.param(
            ["80-82"],
            {(0, 80): Finding(CONNECTED, (CLIENT,)), (0, 81): TAKEN},
            [("80-82", False, LISTENING)],
            id="of a range the worst",
        ),
        pytest.param(["80-82"], {}, [("80-82", True, FREE)], id="a free range"),
        pytest.param([{"port": 80, "held_by": ["apache2"]}], {(0, 80): TAKEN}, [(80, True, LISTENING)], id="held"),
        pytest.param(
            [{"port": "80-81", "held_by": ["apache2"]}],
            {(0, 80): TAKEN, (0, 81): Finding(CONNECTED, (CLIENT,))},
            [("80-81", False, CONNECTED)],
            id="of what is not met the worst, although worse is held",
        ),
        pytest.param([{"port": 80, "state": "listening"}], {(0, 80): TAKEN}, [(80, True, LISTENING)], id="listening"),
        pytest.param(
            [{"port": 80, "state": "listening"}], {(0, 80): Finding(FREE)}, [(80, False, FREE)], id="not listening"
        ),
    ],
)
def test_ports(entries, findings, expected):
    seen = found(entries, findings)
    assert [(each["port"], each["met"], each["state"]) for each in seen["ports"]] == expected


def test_ports_are_told_as_they_were_asked_for():
    entry = {"port": 53, "protocol": ["udp", "tcp"], "address": "127.0.0.1", "name": "dns"}
    shared = {"port": 53, "address": "127.0.0.1", "name": "dns", "met": True, "state": FREE}
    assert found([entry], {})["ports"] == [{**shared, "protocol": "udp"}, {**shared, "protocol": "tcp"}]


@pytest.mark.parametrize(
    ("findings", "free", "first_free"),
    [
        pytest.param({}, 3, 80, id="all"),
        pytest.param({80: TAKEN}, 2, 81, id="not the first"),
        pytest.param({81: TAKEN, 82: TAKEN}, 1, 80, id="only the first"),
        pytest.param({80: TAKEN, 81: TAKEN, 82: TAKEN}, 0, None, id="none"),
    ],
)
@pytest.mark.parametrize("held_by", [[], ["apache2"]], ids=["taken", "held"])
def test_ports_that_are_free_in_a_range(findings, free, first_free, held_by):
    seen = found(["80-82"], {(0, port): finding for port, finding in findings.items()}, held_by=held_by)
    assert (seen["ports"][0]["free"], seen["ports"][0]["first_free"]) == (free, first_free)


def test_ports_that_are_free_where_they_should_listen():
    seen = found(["80-81"], {(0, 80): TAKEN, (0, 81): Finding(FREE)}, state="listening")
    assert (seen["ports"][0]["free"], seen["ports"][0]["first_free"]) == (1, 81)


def test_a_port_that_two_want_is_not_free():
    seen = found(["80-81"], {(0, 80): Finding(FREE)}, rivals=["web"])
    assert (seen["ports"][0]["free"], seen["ports"][0]["first_free"]) == (1, 81)
    assert [each["state"] for each in seen["conflicts"]] == [DUPLICATE]


def test_conflicts():
    entry = {"port": 80, "address": "0.0.0.0", "name": "nginx"}
    (conflict,) = found([entry], {(0, 80): TAKEN})["conflicts"]
    holders = conflict.pop("holders")
    assert conflict == {
        "port": 80,
        "protocol": "tcp",
        "address": "0.0.0.0",
        "name": "nginx",
        "state": LISTENING,
        "wanted": FREE,
        "reason": "listening on 0.0.0.0, held by apache2 (pid 812, apache2.service, user root)",
        "advice": "Stop apache2.service, or name it in held_by if it is to keep the port.",
    }
    assert [holder["pid"] for holder in holders] == [812]


def test_conflicts_are_told_port_by_port():
    seen = found(["80-82", 443], {(0, 80): TAKEN, (0, 82): TAKEN, (1, 443): TAKEN})
    assert [each["port"] for each in seen["conflicts"]] == [80, 82, 443]


def test_advice_depends_on_the_user_and_the_host():
    hidden = {(0, 80): Finding(LISTENING, (row(LISTENING, inode=7),))}
    advices = [found([80], hidden, privileged=each)["conflicts"][0]["advice"] for each in (False, True)]
    assert "become" in advices[0]
    assert "become" not in advices[1]
    outgoing = {(0, 45000): Finding(CONNECTED, (CLIENT,))}
    (conflict,) = found([45000], outgoing, ephemeral=Ephemeral(32768, 60999, frozenset()))["conflicts"]
    assert "ip_local_reserved_ports = 45000" in conflict["advice"]


@pytest.mark.parametrize("asked", [True, False], ids=["asked for", "not asked for"])
@pytest.mark.parametrize("where", ["conflicts", "held"])
def test_command_lines(asked, where):
    seen = found([45000], {(0, 45000): Finding(CONNECTED, (CLIENT,))}, cmdline=asked,
                 held_by=["curl"] if where == "held" else [])  # fmt: skip
    (holder,) = seen[where][0]["holders"]
    assert set(holder) == HOLDER_KEYS | ({"cmdline"} if asked else set())
    assert ("secret" in str(seen)) is asked


@pytest.mark.parametrize(
    ("entries", "findings", "held_by", "expected"),
    [
        pytest.param([], {}, [], "No ports are required.", id="none"),
        pytest.param([80, "8000-8009"], {}, [], "All 11 required ports are free.", id="ranges count by port"),
        pytest.param(
            [80, 81, {"port": 82, "state": "listening"}],
            {(0, 80): TAKEN, (2, 82): TAKEN},
            ["apache2"],
            "All 3 required ports are as required: 1 free, 1 listening and 1 held by whom held_by allows.",
            id="of each one",
        ),
        pytest.param(
            [80, 81],
            {(0, 80): TAKEN},
            [],
            "1 of 2 required ports is taken:\n"
            "  80/tcp: listening on 0.0.0.0, held by apache2 (pid 812, apache2.service, user root)",
            id="taken",
        ),
        pytest.param(
            ["80/udp"],
            {(0, 80): Finding(BOUND, (row(BOUND, protocol="udp", inode=812),))},
            [],
            "1 of 1 required port is taken:\n"
            "  80/udp: bound on 0.0.0.0, held by apache2 (pid 812, apache2.service, user root)",
            id="UDP",
        ),
    ],
)
def test_msg(entries, findings, held_by, expected):
    assert found(entries, findings, held_by=held_by)["msg"] == expected


@pytest.mark.parametrize(
    ("wanted", "held", "listening", "expected"),
    [
        pytest.param(0, 0, 0, "No ports are required.", id="none"),
        pytest.param(1, 0, 0, "The required port is free.", id="one free"),
        pytest.param(5, 0, 0, "All 5 required ports are free.", id="all free"),
        pytest.param(1, 0, 1, "The required port is listening.", id="one listening"),
        pytest.param(3, 3, 0, "All 3 required ports are held by whom held_by allows.", id="all held"),
        pytest.param(
            5, 2, 0, "All 5 required ports are as required: 3 free and 2 held by whom held_by allows.", id="some held"
        ),
        pytest.param(
            6,
            1,
            2,
            "All 6 required ports are as required: 3 free, 2 listening and 1 held by whom held_by allows.",
            id="some of each",
        ),
    ],
)
def test_success(wanted, held, listening, expected):
    assert success(wanted, held, listening) == expected
