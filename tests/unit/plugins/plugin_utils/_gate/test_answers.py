# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.answers import checked
from ansible_collections.preflight.ports.plugins.plugin_utils._play.shapes import Malformed
from support.records import HARMLESS, HOSTILE

HOLDER = {
    "addresses": ["0.0.0.0"],
    "protocol": "tcp",
    "state": "listening",
    "pid": 812,
    "pids": [812],
    "process": "apache2",
    "exe": None,
    "program": None,
    "user": "root",
    "uid": 0,
    "unit": None,
    "container": None,
    "started": None,
    "interface": None,
    "peer": None,
    "hidden": False,
    "kernel": False,
}


def entry(port=80, **rest):
    known = {"port": port, "protocol": "tcp", "address": None, "name": None, "met": True, "state": "free"}
    return {**known, **rest}


def conflict(port=80, **rest):
    known = {"port": port, "count": 1, "protocol": "tcp", "address": None, "name": None, "state": "listening"}
    return {**known, "wanted": "free", "reason": "held", "advice": None, "holders": [HOLDER], **rest}


def answer(*ports, **rest):
    known = {"msg": "", "ports": list(ports), "conflicts": [], "held": [], "doubts": [], "ephemeral": []}
    return {
        **known,
        "source": "netlink",
        "probed": True,
        "redirects_checked": True,
        "firewall": [],
        "firewall_checked": True,
        **rest,
    }


TAKEN = entry(met=False, state="listening")
TAKEN_RANGE = entry("80-89", met=False, state="listening", free=9, first_free=80)


def check(found, *asked):
    services = {"http": 70_000, "https": 70_001}
    return checked(found, parse(asked, lambda name, _protocol: services[name]))


@pytest.mark.parametrize(
    ("found", "asked"),
    [
        pytest.param(answer(), [], id="nothing"),
        pytest.param(answer(entry()), [80], id="a port"),
        pytest.param(answer(entry("80-89", free=10, first_free=80)), ["80-89"], id="a range"),
        pytest.param(answer(entry(8080)), ["http"], id="a service that only the target knows"),
        pytest.param(answer(TAKEN, conflicts=[conflict()]), [80], id="a conflict"),
        pytest.param(
            answer(TAKEN_RANGE, conflicts=[conflict("85-86", count=2), conflict(89)]), ["80-89"], id="runs of a range"
        ),
        pytest.param(answer(entry(state="listening"), held=[conflict()]), [80], id="held"),
        pytest.param(
            answer(
                TAKEN_RANGE, {**TAKEN, "port": 85}, conflicts=[conflict("85-86", count=2), conflict(85)]
            ),
            ["80-89", 85],
            id="two entries with one port",
        ),
        pytest.param(
            answer(entry(), doubts=[{**{key: entry()[key] for key in ("port", "protocol", "address", "name")},
                                     "kind": "nat", "reason": "x", "advice": None}]),
            [80],
            id="a doubt",
        ),
    ],
)  # fmt: skip
def test_checked(found, asked):
    assert len(check(found, *asked)["ports"]) == len(asked)


def test_checked_takes_the_documented_keys_only():
    found = answer({**entry(), "extra": 1}, ansible_facts={"port_preflight_enforce": False}, invocation={})
    assert set(check(found, 80)) == set(answer())
    assert "extra" not in check(found, 80)["ports"][0]


def test_checked_assigns_conflicts_to_their_entries():
    found = answer(TAKEN_RANGE, {**TAKEN, "port": 85}, conflicts=[conflict("85-86", count=2), conflict(85)])
    assert [each["entry"] for each in check(found, "80-89", 85)["conflicts"]] == [0, 1]


def test_checked_takes_conflicts_side_by_side():
    found = answer(
        TAKEN_RANGE, {**TAKEN, "port": 95}, conflicts=[conflict("85-86", count=2), conflict(87), conflict(95)]
    )
    assert [each["entry"] for each in check(found, "80-89", 95)["conflicts"]] == [0, 0, 1]


def test_checked_makes_every_text_printable():
    holder = {**HOLDER, "process": HOSTILE, "container": Container(HOSTILE, HOSTILE, "docker", HOSTILE)._asdict()}
    found = answer(TAKEN, conflicts=[conflict(reason=HOSTILE, advice=HOSTILE, holders=[holder])], msg=f"a\n{HOSTILE}")
    clean = check(found, 80)
    assert clean["conflicts"][0]["reason"] == clean["conflicts"][0]["holders"][0]["process"] == HARMLESS
    container = clean["conflicts"][0]["holders"][0]["container"]
    assert container["id"] == container["name"] == container["user"] == HARMLESS
    assert all(line.isprintable() for line in clean["msg"].split("\n"))


@pytest.mark.parametrize(
    ("found", "asked", "complaint"),
    [
        pytest.param(None, [80], "no dictionary", id="nothing"),
        pytest.param({}, [80], "no 'msg'", id="no keys"),
        pytest.param(answer(), [80], "0 entries for 1", id="no answer"),
        pytest.param(answer(entry(81)), [80], "not asked for", id="another port"),
        pytest.param(answer(entry(protocol="udp")), [80], "not asked for", id="another protocol"),
        pytest.param(answer(entry(name="x")), [80], "not asked for", id="another name"),
        pytest.param(answer(entry(address="::1")), [80], "not asked for", id="another address"),
        pytest.param(answer(entry("80-90", free=1, first_free=80)), ["80-89"], "not asked for", id="another range"),
        pytest.param(answer(entry(0)), [80], "does not exist", id="port 0"),
        pytest.param(answer(entry("1-999999999999")), [80], "does not exist", id="a huge range"),
        pytest.param(answer(entry("9" * 100_000)), [80], "does not exist", id="a huge number"),
        pytest.param(answer(entry(True)), [80], "is none", id="a boolean for a port"),
        pytest.param(answer(TAKEN), [80], "its conflicts", id="not met without a conflict"),
        pytest.param(answer(entry(), conflicts=[conflict()]), [80], "its conflicts", id="met with a conflict"),
        pytest.param(answer(TAKEN, conflicts=[conflict(81)]), [80], "no entry has", id="a conflict of no entry"),
        pytest.param(answer(TAKEN, conflicts=[conflict(count=2)]), [80], "count", id="a wrong count"),
        pytest.param(answer(TAKEN, conflicts=[conflict(count=10**9)]), [80], "number", id="a huge count"),
        pytest.param(
            answer(TAKEN, conflicts=[conflict(), conflict()]), [80], "no entry has", id="one conflict too many"
        ),
        pytest.param(answer(TAKEN, conflicts=[conflict(state="evil")]), [80], "word", id="an unknown state"),
        pytest.param(answer(TAKEN, conflicts=[conflict(holders=[{}])]), [80], "no 'addresses'", id="no holder"),
        pytest.param(answer(entry(), msg=5), [80], "no text", id="a number for a text"),
        pytest.param(answer(entry(), msg="x" * 200_000), [80], "too long", id="a long text"),
        pytest.param(answer(entry(), ephemeral=[1] * 300_000), [80], "too long", id="a long list"),
        pytest.param(answer(entry(), probed="yes"), [80], "true nor false", id="a text for a boolean"),
        pytest.param(answer(entry(met=1)), [80], "true nor false", id="a number for a boolean"),
    ],
)
def test_checked_refuses(found, asked, complaint):
    with pytest.raises(Malformed, match=complaint):
        check(found, *asked)


def test_checked_leaves_the_answer_alone():
    found = answer(TAKEN, conflicts=[conflict()])
    before = copy.deepcopy(found)
    check(found, 80)
    assert found == before


@pytest.mark.parametrize("free", [0, 65535])
def test_how_many_ports_of_a_range_may_be_free(free):
    found = answer(entry("1-65535", free=free, first_free=65535 if free else None))
    assert check(found, "1-65535")["ports"][0]["free"] == free


@pytest.mark.parametrize(
    "rest", [{"free": -1}, {"free": 65536}, {"first_free": 0}, {"first_free": 65536}, {"state": "no state"}]
)
def test_figures_that_cannot_be(rest):
    with pytest.raises(Malformed):
        check(answer(entry("1-65535", **{"free": 1, "first_free": 1, **rest})), "1-65535")


def test_a_message_may_have_lines():
    assert check(answer(msg="one\ntwo\x1b"))["msg"] == "one\ntwo\\x1b"
    assert len(check(answer(msg="x" * 100_000))["msg"]) == 100_000
    with pytest.raises(Malformed, match="too long"):
        check(answer(msg="x" * 100_001))
