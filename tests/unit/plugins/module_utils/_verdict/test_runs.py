# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.finding import REDIRECTED, UNKNOWN
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Holder
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import CLOSING, CONNECTED, LISTENING
from ansible_collections.preflight.ports.plugins.module_utils._verdict.runs import runs
from ansible_collections.preflight.ports.plugins.module_utils._verdict.verdict import Verdict
from support.records import APACHE, CURL, DOCKER_RULE, want

APACHES = Holder(("0.0.0.0",), "tcp", LISTENING, APACHE, (APACHE,), 0, "root")
CURLS = Holder(("10.0.0.5",), "tcp", CONNECTED, CURL, (CURL,), 1000, "app", peer="10.0.0.9:443")
WANTED = want("80-90")


def verdicts(**holders):
    """Of the ports in the names: ``p80=APACHES``."""
    return {
        (0, int(name[1:])): Verdict(WANTED, int(name[1:]), holder.state, False, (holder,))
        for name, holder in holders.items()
    }


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param({}, [], id="none"),
        pytest.param(verdicts(p80=APACHES), [(80, 80)], id="one"),
        pytest.param(verdicts(p80=APACHES, p81=APACHES, p82=APACHES), [(80, 82)], id="neighbours"),
        pytest.param(verdicts(p80=APACHES, p82=APACHES), [(80, 80), (82, 82)], id="a gap"),
        pytest.param(verdicts(p80=APACHES, p82=APACHES, p83=APACHES), [(80, 80), (82, 83)], id="behind a gap"),
        pytest.param(verdicts(p80=APACHES, p81=CURLS), [(80, 80), (81, 81)], id="another holder"),
        pytest.param(
            verdicts(p80=CURLS, p81=CURLS._replace(peer="10.0.0.7:80")), [(80, 81)], id="connections to several peers"
        ),
        pytest.param(verdicts(p81=APACHES, p80=APACHES), [(80, 81)], id="in the order of ports"),
    ],
)
def test_runs(found, expected):
    assert [(run.first, run.last) for run in runs(found)] == expected


def test_runs_of_several_requirements():
    (_key, verdict), *_rest = verdicts(p80=APACHES).items()
    assert [(run.entry, run.first) for run in runs({(1, 81): verdict, (0, 80): verdict})] == [(0, 80), (1, 81)]


def test_a_run_has_what_all_its_ports_share():
    (run,) = runs(verdicts(p80=CURLS, p81=CURLS._replace(peer="10.0.0.7:80")))
    assert [holder.peer for holder in run.verdict.holders] == [None]
    dying = Holder(("10.0.0.5",), "tcp", CLOSING, kernel=True, seconds_left=7)
    (run,) = runs(verdicts(p80=dying, p81=dying._replace(seconds_left=42)))
    assert [holder.seconds_left for holder in run.verdict.holders] == [42]


def sent_to(port):
    return Holder(("10.0.0.5",), "tcp", REDIRECTED, redirect=DOCKER_RULE._replace(target=f"172.17.0.2:{port}"))


def test_a_rule_that_keeps_each_port_is_one_run():
    (run,) = runs(verdicts(p80=sent_to(80), p81=sent_to(81), p82=sent_to(82)))
    assert [holder.redirect.target for holder in run.verdict.holders] == ["172.17.0.2:80-82"]


def test_rules_that_send_each_port_to_another_one_are_several_runs():
    assert [run.first for run in runs(verdicts(p80=sent_to(8080), p81=sent_to(8081)))] == [80, 81]


def test_ten_thousand_ports_of_one_holder_are_one_run():
    wanted = want("1-10000")
    (run,) = runs({(0, port): Verdict(wanted, port, UNKNOWN, False, (APACHES,)) for port in wanted.ports})
    assert (run.first, run.last) == (1, 10000)
