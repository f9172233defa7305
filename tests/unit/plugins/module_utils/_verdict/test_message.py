# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._verdict.message import (
    details,
    headline,
    label,
    message,
    not_asked,
    success,
)
from support.records import HARMLESS, HOSTILE

APACHE = {"process": "apache2", "container": None}
WEB = {"process": None, "container": {"name": "web"}}


def entry(port=80, **rest):
    known = {"port": port, "protocol": "tcp", "address": None, "name": None, "met": True, "state": "free"}
    return {**known, **rest}


def conflict(port=80, **rest):
    known = {"port": port, "count": 1, "protocol": "tcp", "address": None, "name": None, "state": "listening"}
    return {**known, "wanted": "free", "reason": "held by apache2", "advice": None, "holders": [APACHE], **rest}


def doubt(port=80, **rest):
    known = {"port": port, "protocol": "tcp", "address": None, "name": None, "kind": "nat"}
    return {**known, "reason": "a rule may take it", "advice": None, **rest}


def result(*ports, **rest):
    known = {"ports": list(ports), "conflicts": [], "held": [], "doubts": [], "probed": True, "redirects_checked": True}
    return {**known, **rest}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        pytest.param(entry(80), "80/tcp", id="a port"),
        pytest.param(entry("80-90"), "80-90/tcp", id="a range"),
        pytest.param(entry(80, name="nginx"), "80/tcp (nginx)", id="a name"),
        pytest.param(entry(80, name=HOSTILE), f"80/tcp ({HARMLESS})", id="a hostile name"),
        pytest.param(entry(80, address="10.0.0.5"), "10.0.0.5:80/tcp", id="IPv4"),
        pytest.param(entry(53, protocol="udp", address="fe80::1%eth0"), "[fe80::1%eth0]:53/udp", id="IPv6"),
    ],
)
def test_label(item, expected):
    assert label(item) == expected


HELD = {"state": "listening"}
SERVED = {"state": "listening"}


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        pytest.param([result()], "No ports are required", id="none"),
        pytest.param([result(entry())], "The required port is free", id="one free"),
        pytest.param([result(entry(), entry("8000-8009", free=10))], "All 11 required ports are free", id="a range"),
        pytest.param([result(entry(**SERVED))], "The required port is listening", id="one listening"),
        pytest.param(
            [result(entry(**HELD), held=[conflict()])],
            "The required port is held by an allowed process (apache2)",
            id="one held",
        ),
        pytest.param(
            [result(entry(**HELD), entry(**HELD), held=[conflict(), conflict(holders=[WEB])])],
            "All 2 required ports are held by allowed processes (apache2)",
            id="all held",
        ),
        pytest.param(
            [result(entry(), entry(**SERVED), entry(**HELD), held=[conflict()])],
            "All 3 required ports are as required: 1 free, 1 listening and 1 held by an allowed process (apache2)",
            id="some of each",
        ),
        pytest.param(
            [result(entry("80-89", state="listening", free=8), held=[conflict("80-81", count=2)])],
            "All 10 required ports are as required: 8 free and 2 held by allowed processes (apache2)",
            id="some of a range",
        ),
        pytest.param([result(entry()), result(entry())], "All 2 required ports are free", id="of two hosts"),
    ],
)
def test_success(results, expected):
    assert success(results) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(result(entry()), "", id="all was asked"),
        pytest.param(result(entry(), redirects_checked=False), "; NAT rules were not read", id="NAT"),
        pytest.param(result(entry(), probed=False), "; bind(2) was not tried", id="bind"),
        pytest.param(
            result(entry(), firewall_checked=False, redirects_checked=False, probed=False),
            "; NAT rules and the firewall's rules were not read and bind(2) was not tried",
            id="nothing but the table",
        ),
        pytest.param(result(redirects_checked=False), "", id="nothing was required"),
    ],
)
def test_not_asked(found, expected):
    assert not_asked(found) == expected


@pytest.mark.parametrize(
    ("conflicts", "ports", "expected"),
    [
        pytest.param([conflict()], [entry()], "The required port is taken:", id="the only one"),
        pytest.param([conflict()], [entry(), entry()], "1 of 2 required ports is taken:", id="one of two"),
        pytest.param(
            [conflict("80-89", count=10)], [entry("80-99")], "10 of 20 required ports are taken:", id="some of a range"
        ),
        pytest.param(
            [conflict(wanted="listening", state="free")],
            [entry()],
            "The required port is not served as required:",
            id="not served",
        ),
        pytest.param(
            [conflict(), conflict(wanted="listening")],
            [entry(), entry()],
            "2 of 2 required ports are not as required:",
            id="taken, and not served",
        ),
        pytest.param([conflict(state="refused")], [entry()], "The required port is refused:", id="refused"),
        pytest.param([conflict(state="blocked")], [entry()], "The required port is blocked:", id="blocked"),
        pytest.param(
            [conflict(state="unavailable"), conflict()],
            [entry(), entry()],
            "2 of 2 required ports are not as required:",
            id="unavailable, and taken",
        ),
        pytest.param([conflict(state="duplicate")], [entry()], "The required port is not as required:", id="duplicate"),
    ],
)
def test_headline(conflicts, ports, expected):
    assert headline(result(*ports, conflicts=conflicts)) == expected


def test_message_of_conflicts():
    conflicts = [conflict(name="nginx", advice="Stop it.\nOr move."), conflict("90-92", count=3)]
    assert message(result(entry(), entry("90-99"), conflicts=conflicts, doubts=[doubt(93, advice="Look.")])) == (
        "4 of 11 required ports are taken:\n"
        "  80/tcp (nginx): held by apache2\n"
        "    Stop it.\n"
        "    Or move.\n"
        "  90-92/tcp: held by apache2\n"
        "In doubt:\n"
        "  93/tcp: a rule may take it\n"
        "    Look."
    )


def test_message_where_all_is_well():
    assert message(result(entry())) == "The required port is free."
    assert message(result(entry(), redirects_checked=False, doubts=[doubt()])) == (
        "The required port is free; NAT rules were not read.\nIn doubt:\n  80/tcp: a rule may take it"
    )


def test_details_end():
    conflicts = [conflict(port) for port in range(1, 301)]
    lines = details(result(conflicts=conflicts), 200)
    assert len(lines) == 201
    assert lines[-1] == "  and 100 more, listed in 'conflicts'"


def test_details_of_one_entry_crowd_out_no_other():
    many = [conflict(port, advice="Stop it.") for port in range(1, 301)]
    for other in (entry(443, name="web"), entry(8443)):
        found = [*many, conflict(other["port"], name=other["name"])]
        lines = details(result(entry("1-300"), other, conflicts=found), 20)
        assert f"  {label(other)}: held by apache2" in lines
        assert len(lines) <= 21


def test_details_say_what_was_not_asked():
    found = result(entry(), conflicts=[conflict()], probed=False, redirects_checked=False)
    assert details(found, 9)[-1] == "  Also, NAT rules were not read and bind(2) was not tried."


def test_details_show_doubts_as_far_as_there_is_room():
    found = result(conflicts=[conflict(port) for port in range(1, 100)], doubts=[doubt(port) for port in range(1, 100)])
    assert len(details(found, 150)) <= 151
