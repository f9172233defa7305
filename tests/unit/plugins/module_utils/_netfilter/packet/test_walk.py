# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import (
    ACCEPT,
    CONTINUE,
    DROP,
    GOTO,
    JUMP,
    NAT,
    OUTPUT,
    PREROUTING,
    RETURN,
    Base,
    Chain,
    NeedsPortError,
    Packet,
    Target,
    Verdict,
    every,
    inverted,
)
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.walk import walk
from support.nftables import WAN

PACKET = Packet(6, PREROUTING, WAN, b"\xc0\0\2\1", 80)
HERE, THERE = Target(is_redirect=True), Target(ports=(81, 81))


class Server:
    """Gets what is sent HERE, not what is sent THERE."""

    def gets(self, packet, target):
        return {HERE: True, THERE: False}.get(target, "the target")


def does(kind, chain="", target=None, *doubts):
    """A rule with one outcome."""
    return lambda packet: [(Verdict(kind, chain, target), doubts, None)]


def either(*outcomes):
    return lambda packet: [(Verdict(kind, chain, target), doubts, None) for kind, chain, target, *doubts in outcomes]


def never(packet):
    return []


JUMP_A, GOTO_A, MAY_JUMP_A = does(JUMP, "a"), does(GOTO, "a"), does(JUMP, "a", None, "a mark")
AWAY, STAY, MAY_AWAY = does(NAT, "", THERE), does(NAT, "", HERE), does(NAT, "", THERE, "a mark")


def base(rules, a=(), b=(), priority=0, **rest):
    chains = {"base": rules, "a": a, "b": b}

    def chain(name):
        return Chain((None, rule) for rule in chains[name])

    return Base(**{
        "tool": "nft", "table": "ip t", "name": "base", "hook": PREROUTING, "priority": priority,
        "address_bytes": (4,), "chain": chain, **rest,
    })  # fmt: skip


ARRIVES, AWAY_IT_GOES, IN_DOUBT = (True, 0), (False, 1), (True, 1)


@pytest.mark.parametrize(
    ("bases", "expected"),
    [
        pytest.param([], ARRIVES, id="nothing"),
        pytest.param([base([])], ARRIVES, id="no rules"),
        pytest.param([base([never])], ARRIVES, id="no match"),
        pytest.param([base([AWAY])], AWAY_IT_GOES, id="elsewhere"),
        pytest.param([base([STAY, AWAY])], ARRIVES, id="here, before elsewhere"),
        pytest.param([base([MAY_AWAY])], IN_DOUBT, id="perhaps"),
        pytest.param([base([MAY_AWAY, AWAY])], (False, 2), id="perhaps there, otherwise elsewhere"),
        pytest.param([base([does(NAT)])], IN_DOUBT, id="who knows where"),
        pytest.param([base([does(ACCEPT), AWAY])], ARRIVES, id="accepted"),
        pytest.param([base([does(ACCEPT, "", None, "a mark"), AWAY])], IN_DOUBT, id="perhaps accepted"),
        pytest.param([base([does(DROP), AWAY])], ARRIVES, id="dropped"),
        pytest.param([base([does(CONTINUE), AWAY])], AWAY_IT_GOES, id="goes on"),
        pytest.param([base([does(RETURN), AWAY])], ARRIVES, id="leaves the base chain"),
        pytest.param([base([JUMP_A], [AWAY])], AWAY_IT_GOES, id="jumps"),
        pytest.param([base([JUMP_A, AWAY], [does(RETURN), STAY])], AWAY_IT_GOES, id="comes back"),
        pytest.param([base([JUMP_A, AWAY], [does(RETURN, "", None, "a mark"), STAY])], IN_DOUBT, id="may come back"),
        pytest.param([base([GOTO_A, AWAY], [])], ARRIVES, id="does not come back"),
        pytest.param([base([MAY_JUMP_A, AWAY], [STAY])], IN_DOUBT, id="may jump"),
        pytest.param([base([MAY_JUMP_A], [never])], ARRIVES, id="may jump to nothing"),
        pytest.param([base([JUMP_A], [does(JUMP, "b")], [AWAY])], AWAY_IT_GOES, id="jumps twice"),
        pytest.param([base([JUMP_A, JUMP_A, AWAY], [never])], AWAY_IT_GOES, id="one chain twice"),
        pytest.param(
            [base([either((GOTO, "a", None, "chance"), (GOTO, "b", None))], [AWAY], [AWAY])],
            (False, 2),
            id="one of two",
        ),
        pytest.param(
            [base([either((JUMP, "a", None, "chance"), (GOTO, "b", None)), AWAY], [never], [STAY])],
            IN_DOUBT,
            id="one of two, which comes back",
        ),
        pytest.param([base([AWAY], hook=OUTPUT)], ARRIVES, id="another hook"),
        pytest.param([base([AWAY], address_bytes=(16,))], ARRIVES, id="another family"),
        pytest.param([base([does(ACCEPT)]), base([AWAY])], AWAY_IT_GOES, id="the second chain"),
        pytest.param([base([AWAY], priority=5), base([STAY], priority=-5)], ARRIVES, id="the first chain, by priority"),
        pytest.param([base([MAY_AWAY], priority=-1), base([AWAY])], (False, 2), id="either chain"),
        pytest.param([base([STAY]), base([AWAY])], IN_DOUBT, id="chains in no order"),
        pytest.param([base([AWAY]), base([AWAY])], (False, 2), id="chains in no order, of one mind"),
        pytest.param([base([does(ACCEPT)]), base([STAY])], ARRIVES, id="chains in no order, one without a say"),
    ],
)
def test_walk(bases, expected):
    ends = walk(bases, PACKET, Server())
    assert (ends.arrives, len(ends.ways)) == expected


def test_walk_tells_the_way():
    words = [lambda: "one", lambda: "two"]
    chains = {
        "base": [lambda packet: [(Verdict(JUMP, "a"), (), words[0])]],
        "a": [lambda packet: [(Verdict(NAT, "", THERE), ("a mark",), words[1])]],
    }
    made = base([], chain=lambda name: Chain((None, rule) for rule in chains[name]))
    ends = walk([made], PACKET, Server())
    assert ends.ways == [(made, ("base", "a"), tuple(words), THERE)]
    assert ends.doubts == ["a mark"]


def test_walk_does_not_run_in_circles():
    with pytest.raises(SourceError, match="base > a > b > a"):
        walk([base([JUMP_A], [does(JUMP, "b")], [JUMP_A])], PACKET, Server())


def test_a_packet_sees_the_rules_about_its_port_in_their_order():
    rules = [does(ACCEPT), AWAY, STAY, never]
    chain = Chain(zip([None, (80,), (81,), None], rules))
    assert list(chain.concerning(80)) == [rules[0], rules[1], rules[3]]
    assert list(chain.concerning(82)) == list(chain.concerning(None)) == [rules[0], rules[3]]
    assert walk([base([], chain=lambda name: chain)], PACKET, Server()).named_ports == {80, 81}


def test_a_packet_without_a_port():
    assert PACKET.known_port() == 80
    with pytest.raises(NeedsPortError):
        PACKET._replace(port=None).known_port()


@pytest.mark.parametrize(
    ("answers", "expected"),
    [([], True), ([True, True], True), ([True, "a mark"], "a mark"), (["a mark", False], False)],
)
def test_every(answers, expected):
    assert every(answers) == expected


def test_inverted():
    assert [inverted(answer) for answer in (True, False, "a mark")] == [False, True, "a mark"]
    assert inverted(True, 0) is True
