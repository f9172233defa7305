# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import nftables as nft
import pytest
from ansible_collections.preflight.ports.plugins.module_utils._nat.nftables import Table
from ansible_collections.preflight.ports.plugins.module_utils._nat.port_sets import PortSets

PORT, TO_REGISTER_9 = nft.payload(2, 2, 2), nft.payload(2, 2, 2, 9)
PROTOCOL, ADDRESS = nft.meta(16), nft.payload(1, 16, 4)
IN_SET, IN_MAP, TO_CHAIN = nft.lookup("s"), nft.lookup("s", 1, 1), nft.lookup("s", 1, 0)
DNAT = nft.dnat("10.88.0.5")
HTTP, OTHERS = b"\0\x50", (b"\0\x51", b"\x50\0", b"\1\xbb")
INTERVAL = 4


def element(key, **rest):
    return nft.element(key, end=nft.verdict(nft.GOTO, "a"), **rest)


def passed(sets, *expressions):
    """Of a rule."""
    return b"".join(sets.passed([nft.rule("base", *expressions)[4:]]))


def concatenated(*keys):
    return [element(b"\6\0\0\0" + key + b"\0\0") for key in keys]


@pytest.fixture
def make(monkeypatch):
    """Make the sets of a table: of one set, these elements, flags and bytes of keys."""

    def make(elements, flags=0, key_bytes=2, name="s"):
        chain = nft.base_chain()
        sets, contents = [nft.a_set(name, key_bytes, flags)], [nft.elements(name, each) for each in elements]
        made = nft.Kernel([chain], sets=sets, set_elements=contents).runs(monkeypatch)
        sets = PortSets(Table(nft.IP, "test", [chain]), {80})
        sets.asked = made.asked
        return sets

    return make


@pytest.mark.parametrize(
    ("expressions", "elements", "rest", "ends"),
    [
        pytest.param(PORT + IN_SET, map(element, OTHERS), {}, True, id="set"),
        pytest.param(PORT + IN_SET, [], {}, True, id="empty set"),
        pytest.param(PORT + IN_MAP, map(element, OTHERS), {}, True, id="map"),
        pytest.param(PORT + TO_CHAIN, map(element, OTHERS), {}, True, id="verdict map"),
        pytest.param(PROTOCOL + TO_REGISTER_9 + TO_CHAIN, concatenated(*OTHERS), {"key_bytes": 8}, True,
                     id="protocol and port"),
        pytest.param(PORT + IN_SET, map(element, (*OTHERS, HTTP)), {}, False, id="set with the port"),
        pytest.param(PROTOCOL + TO_REGISTER_9 + TO_CHAIN, concatenated(*OTHERS, HTTP), {"key_bytes": 8}, False,
                     id="protocol and the port"),
        pytest.param(PORT + IN_SET, map(element, OTHERS), {"flags": INTERVAL}, False, id="intervals"),
        pytest.param(PROTOCOL + TO_REGISTER_9 + TO_CHAIN,
                     [element(b"\6\0\0\0\0\x46\0\0", last=b"\6\0\0\0\0\x5a\0\0")],
                     {"key_bytes": 8, "flags": INTERVAL}, False, id="intervals of ports with a protocol"),
        pytest.param(PORT + TO_CHAIN, [*map(element, OTHERS), element(None, flags=2)], {}, False, id="catch-all"),
        pytest.param(PORT + nft.lookup("s", is_inverted=True), map(element, OTHERS), {}, False, id="not in a set"),
        pytest.param(PORT + PROTOCOL + IN_SET, map(element, OTHERS), {}, False, id="the protocol over the port"),
        pytest.param(PORT + nft.lookup("s", 2), map(element, OTHERS), {}, False, id="another register"),
        pytest.param(ADDRESS + IN_SET, map(element, OTHERS), {}, False, id="an address"),
        pytest.param(nft.payload(2, 0, 2) + IN_SET, map(element, OTHERS), {}, False, id="source port"),
        pytest.param(nft.payload(2, 0, 4) + IN_SET, map(element, OTHERS), {"key_bytes": 4}, False, id="both ports"),
        pytest.param(nft.payload(1, 2, 2) + IN_SET, map(element, OTHERS), {}, False, id="another header"),
        pytest.param(TO_REGISTER_9 + IN_SET, map(element, OTHERS), {"key_bytes": 4}, False, id="beyond the key"),
        pytest.param(PORT + IN_SET, map(element, OTHERS), {"name": "t"}, False, id="a set that is gone"),
        pytest.param(IN_SET, map(element, OTHERS), {}, False, id="nothing loaded"),
    ],
)  # fmt: skip
def test_passed(expressions, elements, rest, ends, make):
    found = passed(make(elements, **rest), expressions, DNAT)
    assert (b"lookup\0" in found, b"nat\0" in found) == (not ends, not ends)
    assert b"payload\0" in found or expressions == IN_SET


def test_what_stands_before_is_passed(make):
    found = passed(make([element(OTHERS[0])]), nft.lookup("t", 1, 0), PORT, IN_SET, DNAT)
    assert found.count(b"lookup\0") == 1


def test_a_second_lookup_ends_a_rule_as_well(make):
    found = passed(make([element(OTHERS[0])]), ADDRESS, nft.lookup("t"), PORT, TO_CHAIN)
    assert found.count(b"lookup\0") == 1


def test_each_set_is_read_once(make):
    sets = make(map(element, OTHERS))
    for _time in range(3):
        passed(sets, PORT, IN_SET, DNAT)
    assert [request for request, _body in sets.asked] == [7, 10, 13]


def test_the_table_decides_by_them(make, monkeypatch):
    """Of what the kernel of kube-proxy's rules has: a map of protocols and ports."""
    rules = [
        nft.rule("base", PROTOCOL, TO_REGISTER_9, TO_CHAIN),
        nft.rule("base", PORT, IN_MAP, nft.expression("nat", nft.numbers(1, nft.IP, 1))),
        nft.rule("a", DNAT),
    ]
    answers = {}
    for keys in (OTHERS, (*OTHERS, HTTP)):
        chain, elements = nft.base_chain(), [nft.elements("s", each) for each in concatenated(*keys)]
        nft.Kernel([chain], rules[::2], [nft.a_set("s", 8)], elements).runs(monkeypatch)
        answers[len(keys)] = Table(nft.IP, "test", [chain]).may_redirect({80})
    assert answers == {3: False, 4: True}


def test_one_rule_that_may_redirect_is_enough(monkeypatch):
    chain, held = nft.base_chain(), nft.elements("s", element(HTTP))
    rules = [nft.rule("base", PORT, IN_SET, DNAT), nft.rule("base", PORT, nft.lookup("t"), DNAT)]
    made = nft.Kernel([chain], rules, [nft.a_set("s", 2), nft.a_set("t", 2)], [held]).runs(monkeypatch)
    assert Table(nft.IP, "test", [chain]).may_redirect({80})
    assert [request for request, _body in made.asked] == [7, 10, 13]


def test_rules_for_other_ports_need_no_sets(monkeypatch):
    chain, other = nft.base_chain(), PORT + nft.compare(OTHERS[0])
    rules = [nft.rule("base", nft.lookup("s"), other, DNAT)]
    made = nft.Kernel([chain], rules).runs(monkeypatch)
    assert not Table(nft.IP, "test", [chain]).may_redirect({80})
    assert [request for request, _body in made.asked] == [7]
