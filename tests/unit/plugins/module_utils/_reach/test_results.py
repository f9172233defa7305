# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of flows, as port_connect returns it and says it."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._reach import results, wire
from ansible_collections.preflight.ports.plugins.module_utils._reach.attempt import Outcome
from ansible_collections.preflight.ports.plugins.module_utils._reach.destinations import Destination

TOKEN = "secret"  # noqa: S105  of nobody
CLIENT, ROUTER, SERVER = wire.End("10.0.0.1", 40000), wire.End("10.0.0.254", 40000), wire.End("10.0.0.9", 80)
DB = Destination("db1", 80, "tcp", "sql", responder="db1")
SEEN = wire.Answer(wire.responder_id(TOKEN, "db1"), CLIENT, SERVER)
OPEN = Outcome("open", "answered", 0.5, "10.0.0.9", CLIENT, SEEN)
LOST = Outcome("no_answer", "silence", 5.0, "10.0.0.9", CLIENT)


def found(*outcomes, flow=DB):
    (one,) = results.found([flow], [outcomes], TOKEN)
    return one


@pytest.mark.parametrize(
    ("outcomes", "expect", "expected"),
    [
        ([OPEN], "open", ("open", True)),
        ([LOST], "open", ("no_answer", False)),
        ([LOST, OPEN], "open", ("open", True)),
        ([OPEN, LOST], "closed", ("open", False)),
        ([LOST, LOST._replace(state="not_tested")], "closed", ("not_tested", False)),
        ([LOST, LOST._replace(state="refused")], "closed", ("refused", True)),
    ],
)
def test_the_outcome_that_counts(outcomes, expect, expected):
    one = found(*outcomes, flow=DB._replace(expect=expect))
    assert (one.outcome.state, one.met) == expected
    assert [one.outcome, *one.others] == sorted(outcomes, key=lambda each: each.state != expected[0])


def test_another_responder_is_a_wrong_peer():
    stranger = OPEN._replace(seen=SEEN._replace(responder=wire.responder_id(TOKEN, "db2")))
    assert found(stranger).outcome[:2] == ("wrong_peer", "the responder of another host answered")
    assert found(OPEN, flow=DB._replace(responder=None)).outcome.state == "wrong_peer"
    assert found(LOST).outcome == LOST


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (OPEN, False),
        (LOST, None),
        (OPEN._replace(address=None), None),
        (OPEN._replace(seen=SEEN._replace(source=ROUTER)), True),
        (OPEN._replace(seen=SEEN._replace(destination=ROUTER)), True),
        (OPEN._replace(address="10.0.0.8"), True),
        (OPEN._replace(address="::ffff:10.0.0.9"), False),
    ],
)
def test_translated(outcome, expected):
    assert results.translated(outcome, 80) is expected
    assert not outcome.seen or results.translated(outcome, 81) is not False


def test_a_row():
    other = LOST._replace(address="fd00::9")
    assert results.row(3, found(other, OPEN), brief=False) == {
        "id": 3,
        "to": "db1",
        "address": "10.0.0.9",
        "port": 80,
        "protocol": "tcp",
        "name": "sql",
        "expect": "open",
        "met": True,
        "state": "open",
        "reason": "answered",
        "seconds": 0.5,
        "source": {"address": "10.0.0.1", "port": 40000},
        "translated": False,
        "seen": {
            "responder": SEEN.responder.hex(),
            "source": {"address": "10.0.0.1", "port": 40000},
            "destination": {"address": "10.0.0.9", "port": 80},
        },
        "others": [{"address": "fd00::9", "state": "no_answer"}],
    }
    row = results.row(0, found(LOST._replace(source=None)), brief=True)
    assert (row["seen"], row["source"], row["translated"]) == (None, None, None)


@pytest.mark.parametrize(
    ("outcome", "expect", "is_brief"),
    [
        (OPEN, "open", True),
        (OPEN._replace(seen=SEEN._replace(source=ROUTER)), "open", False),
        (OPEN._replace(state="served", seen=None), "open", False),
        (OPEN, "closed", False),
        (LOST, "open", False),
    ],
)
def test_what_is_as_expected_is_brief(outcome, expect, is_brief):
    one = found(outcome, flow=DB._replace(expect=expect))
    assert (set(results.row(1, one, brief=True)) == {"id", "state", "seconds"}) is is_brief
    assert len(results.row(1, one, brief=False)) > 3


@pytest.mark.parametrize(
    ("flows", "expected"),
    [
        ([], "0 flows as expected"),
        ([found(OPEN)], "1 flow as expected"),
        ([found(OPEN)] * 2, "2 flows as expected"),
        ([found(LOST)], "1 of 1 flow is not as expected:\n  db1:80/tcp (10.0.0.9) sql: no_answer: silence"),
        (
            [found(OPEN), *[found(LOST._replace(address=None), flow=DB._replace(name=None))] * 2],
            "2 of 3 flows are not as expected:" + "\n  db1:80/tcp: no_answer: silence" * 2,
        ),
        (
            [found(OPEN, flow=DB._replace(host="10.0.0.9", expect="closed", name="a\nb"))],
            "1 of 1 flow is not as expected:\n  10.0.0.9:80/tcp a\\nb: open, should be closed: answered",
        ),
    ],
)
def test_message(flows, expected):
    assert results.message(flows) == expected


@pytest.mark.parametrize(("count", "last"), [(100, "  db1:80/tcp"), (101, "  and 1 more"), (150, "  and 50 more")])
def test_a_message_has_an_end(count, last):
    lines = results.message([found(LOST)] * count).splitlines()
    assert (len(lines), lines[-1].startswith(last)) == (min(count, 101) + 1, True)
