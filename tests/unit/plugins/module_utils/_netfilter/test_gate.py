# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container, Destination, Redirect
from ansible_collections.preflight.ports.plugins.module_utils._model.passage import (
    BLOCKED,
    LIMITED,
    UNKNOWN,
    Access,
    Network,
    Passage,
)
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ChangedError, SourceError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate, tables
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft import kernel
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet import walk
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import entries
from support import nftables as nft
from support import xt_entries as rows
from support.records import at

IPV4, IPV6, BOTH = at("0.0.0.0"), at("::", v6only=True), at("::", v6only=False)
PORT_80 = Question("tcp", IPV4, 80)
BACKEND = Destination(at("10.88.0.5").address, 8080)


@pytest.fixture(autouse=True)
def on_linux(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")


@pytest.fixture
def run(monkeypatch):
    """Make a kernel whose rules are these, in one base chain if they are not messages."""

    def run(*rules, **rest):
        made = nft.Kernel([nft.base_chain()], [nft.rule("base", each) for each in rules], **rest).runs(monkeypatch)
        monkeypatch.setattr(gate, "where", lambda **_asked: gate.Hooked(tuple(made.answers[4])))
        return made

    return run


def test_find(run):
    run(nft.dport(80) + nft.dnat("10.88.0.5", 8080))
    expected = Redirect("10.88.0.5:8080", "nft", ("ip test base",), destinations=(BACKEND,))
    assert gate.find([PORT_80, Question("tcp", IPV4, 81), Question("udp", IPV4, 80), Question("tcp", IPV6, 80)]) == {
        PORT_80: expected
    }


def test_find_where_there_are_no_tables(monkeypatch):
    monkeypatch.setattr(gate, "where", lambda **_asked: gate.Hooked())
    assert gate.find([PORT_80]) == {}


def test_find_elsewhere(monkeypatch):
    monkeypatch.setattr(sys, "platform", "freebsd14")
    assert gate.find([PORT_80]) is None


@pytest.mark.parametrize(
    "failure", [SourceError("no"), OSError("no"), KeyError("no"), ValueError("no"), OverflowError("no")]
)
def test_find_says_when_it_cannot_tell(failure, run, monkeypatch):
    run(nft.dport(80) + nft.dnat("10.88.0.5", 8080))

    def fail(*_arguments):
        raise failure

    monkeypatch.setattr(tables, "redirects", fail)
    assert gate.find([PORT_80]) is None


def test_find_gives_up_when_it_takes_too_long(run, monkeypatch):
    """As with many addresses, many ports, and many rules that nobody understands."""
    run(nft.dport(80) + nft.dnat("10.88.0.5", 8080))
    monkeypatch.setattr(walk, "_MOST_SECONDS", -1.0)
    assert gate.find([PORT_80]) is None


@pytest.mark.parametrize("ask", [gate.find, gate.passages])
def test_all_walks_have_their_time_together(ask, run, monkeypatch):
    """Or each protocol and each version of IP would have as much again."""
    rule = nft.dport(80) + nft.dnat("10.88.0.5", 8080)
    if ask is gate.find:
        run(rule)
    else:
        firewall(monkeypatch, rule)
    ends = []
    monkeypatch.setattr(walk.Walk, "spend", lambda self, _steps: ends.append(self._end))
    endpoints = [(protocol, each) for protocol in ("tcp", "udp") for each in (IPV4, IPV6)]
    if ask is gate.find:
        ask([Question(protocol, endpoint, 80) for protocol, endpoint in endpoints])
    else:
        ask([Access(protocol, (endpoint,), 80, 80, ()) for protocol, endpoint in endpoints])
    assert len(ends) > 1
    assert len(set(ends)) == 1


@pytest.mark.parametrize(("changes", "expected"), [(2, {}), (3, None)])
def test_find_asks_again_when_rules_change(changes, expected, run, monkeypatch):
    run()
    answers = [ChangedError()] * changes

    def read(_chains):
        if answers:
            raise answers.pop()
        return []

    monkeypatch.setattr(kernel, "read", read)
    assert gate.find([PORT_80]) == expected


PROBE = Access("tcp", (IPV4,), 79, 81)


def test_passages_where_there_are_no_rules(monkeypatch):
    monkeypatch.setattr(gate, "where", lambda **_asked: gate.Hooked())
    monkeypatch.setattr(gate, "dump", lambda *_request: [])
    assert gate.passages([PROBE]) == [[]]


def firewall(monkeypatch, *rules, policy=0):
    chain = nft.base_chain("input", hook=1, kind="filter", priority=0, policy=policy)
    made = nft.Kernel([chain], [nft.rule("input", each) for each in rules]).runs(monkeypatch)
    monkeypatch.setattr(gate, "where", lambda **_asked: gate.Hooked(tuple(made.answers[4])))


def test_passages(monkeypatch):
    firewall(monkeypatch, nft.dport(80) + nft.end(nft.ACCEPT))
    told = {"by": "nftables", "chain": "ip test input", "rule": "policy drop"}
    assert gate.passages([PROBE, PROBE._replace(endpoints=(at("127.0.0.1"),)), PROBE._replace(first=80, last=80)]) == [
        [
            Passage(port, port, BLOCKED, **told, advice=f"Run: nft add rule ip test input tcp dport {port} accept")
            for port in (79, 81)
        ],
        [],
        [],
    ]


@pytest.mark.parametrize(
    ("rules", "clients", "verdict", "depends_on"),
    [
        pytest.param([nft.end(nft.ACCEPT)], (), None, None, id="open"),
        pytest.param([], (), BLOCKED, (), id="blocked"),
        pytest.param([nft.expression("limit") + nft.end(nft.ACCEPT)], (), LIMITED, ("a rate limit",), id="a limit"),
        pytest.param(
            [nft.expression("socket") + nft.end(nft.ACCEPT)], (), UNKNOWN, ("the expression 'socket'",), id="not known"
        ),
        pytest.param(
            [nft.payload(1, 12, 1) + nft.compare(b"\x0a") + nft.end(nft.ACCEPT)], (), LIMITED,
            ("the source address: only from 10.0.0.0/8",), id="some",
        ),
        pytest.param(
            [nft.payload(1, 12, 1) + nft.compare(b"\x0a") + nft.end(nft.ACCEPT)],
            (Network(b"\x0a\0\0\0", 8),), None, None, id="those who matter",
        ),
        pytest.param(
            [nft.payload(1, 12, 1) + nft.compare(b"\x0a") + nft.end(nft.ACCEPT)],
            (Network(b"\x0b\0\0\0", 8),), BLOCKED, (), id="others",
        ),
    ],
)  # fmt: skip
def test_verdicts_on_the_firewall(rules, clients, verdict, depends_on, monkeypatch):
    firewall(monkeypatch, *rules)
    (found,) = gate.passages([Access("tcp", (IPV4,), 80, 80, clients)])
    assert [(each.verdict, each.depends_on) for each in found] == ([(verdict, depends_on)] if verdict else [])


def test_find_where_the_user_may_no_longer_know(run, monkeypatch):
    run()
    monkeypatch.setattr(kernel, "read", lambda _chains: monkeypatch.setattr(gate, "where", fail) or changed())

    def changed():
        raise ChangedError

    def fail(**_asked):
        raise SourceError("no")

    assert gate.find([PORT_80]) is None
    assert gate.find([PORT_80]) is None


DNAT = nft.dport(80) + nft.dnat("10.88.0.5", 8080)
ON_BRIDGE = nft.meta(6) + nft.compare(b"br0\0")
CHANCE = "the processor that takes it"
BY_CHANCE = nft.meta(20) + nft.compare(b"\1\0\0\0")


@pytest.mark.parametrize(
    ("endpoint", "rules", "expected"),
    [
        pytest.param(IPV4, [DNAT], "10.88.0.5:8080", id="wildcard"),
        pytest.param(IPV6, [DNAT], None, id="wildcard of the other family"),
        pytest.param(BOTH, [DNAT], "10.88.0.5:8080", id="wildcard of both"),
        pytest.param(at("::ffff:0.0.0.0", v6only=False), [DNAT], "10.88.0.5:8080", id="mapped wildcard"),
        pytest.param(at("192.0.2.1"), [DNAT], "10.88.0.5:8080", id="address"),
        pytest.param(at("::ffff:192.0.2.1", v6only=False), [DNAT], "10.88.0.5:8080", id="mapped address"),
        pytest.param(at("203.0.113.1"), [DNAT], "10.88.0.5:8080", id="address that is not here"),
        pytest.param(at("fe80::1", True, "wan0"), [DNAT], None, id="address of a device"),
        pytest.param(at("172.17.0.1"), [ON_BRIDGE + DNAT], "10.88.0.5:8080", id="by its device"),
        pytest.param(at("203.0.113.1"), [ON_BRIDGE + DNAT], "10.88.0.5:8080", id="by any device"),
    ],
)
def test_find_for_an_endpoint(endpoint, rules, expected, run):
    run(*rules)
    (found,) = (gate.find([Question("tcp", endpoint, 80)]) or {None: None}).values()
    assert (found and found.target) == expected


def test_find_for_loopback(monkeypatch):
    chains = [nft.base_chain(), nft.base_chain("out", nft.OUTPUT)]
    rules = [
        nft.rule("base", nft.dport(80, 80), nft.dnat("10.88.0.5")),
        nft.rule("out", nft.dport(81), nft.redirect(82)),
    ]
    made = nft.Kernel(chains, rules).runs(monkeypatch)
    monkeypatch.setattr(gate, "where", lambda **_asked: gate.Hooked(tuple(made.answers[4])))
    found = gate.find(
        [Question("tcp", at(address), port) for address in ("127.0.0.1", "127.0.0.2") for port in (80, 81)]
    )
    assert {str(endpoint) for _protocol, endpoint, *_rest in found} == {"127.0.0.1", "127.0.0.2"}
    assert {each.target for each in found.values()} == {"port 82 of this host"}


@pytest.mark.parametrize(
    ("device", "expected"), [(b"br0\0", ["10.88.0.5:8080"]), (b"wan0\0", ["10.88.0.5:8080"]), (b"lo\0", [])]
)
def test_find_on_an_address_of_the_loopback_device(device, expected, run):
    virtual = at("203.0.113.1")
    run(nft.meta(6) + nft.compare(device) + DNAT, host=[*nft.HOST, nft.HostAddress(nft.LO, virtual.address)])
    assert [each.target for each in gate.find([Question("tcp", virtual, 80)]).values()] == expected


def test_find_on_a_host_without_other_devices(run):
    host = [nft.HostAddress(nft.LO, at(address).address) for address in ("127.0.0.1", "203.0.113.1")]
    run(DNAT, host=host)
    assert gate.find([PORT_80, Question("tcp", at("203.0.113.1"), 80)]) == {}


BY_DEVICE, FROM_HERE = "the device that it comes in by", "whether it comes from this host itself"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param([ON_BRIDGE + DNAT], (BY_DEVICE,), id="another device"),
        pytest.param([nft.meta(4) + nft.compare(b"\3\0\0\0") + DNAT], (BY_DEVICE,), id="its number"),
        pytest.param([BY_CHANCE + ON_BRIDGE + DNAT], (BY_DEVICE, CHANCE), id="and what is not known"),
        pytest.param([BY_CHANCE + DNAT, ON_BRIDGE + DNAT], (CHANCE,), id="its own, in doubt"),
        pytest.param([nft.meta(6) + nft.compare(b"lo\0") + DNAT], None, id="the loopback device"),
        pytest.param([nft.meta(6) + nft.compare(b"ppp0\0") + DNAT], None, id="a device that is not here"),
        pytest.param([ON_BRIDGE + nft.end(nft.ACCEPT), ON_BRIDGE + DNAT], None, id="what no packet comes to"),
    ],
)  # fmt: skip
def test_find_by_other_devices(rules, expected, run):
    run(*rules)
    found = gate.find([Question("tcp", at("192.0.2.1"), 80)]).values()
    assert [each.depends_on for each in found] == ([expected] if expected else [])


def test_find_by_other_devices_on_no_link_local_address(run):
    made = run()
    made.answers[4] = [nft.base_chain(family=nft.IP6)]
    made.answers[7] = [nft.rule("base", ON_BRIDGE, nft.dport(80), nft.dnat("fd00::5", 8080, nft.IP6), family=nft.IP6)]
    assert gate.find([Question("tcp", at("fe80::1"), 80)]) == {}
    assert len(gate.find([Question("tcp", at("2001:db8::1"), 80)])) == 1


FROM = nft.payload(1, 12, 4)


@pytest.mark.parametrize(
    ("endpoint", "rules", "expected"),
    [
        pytest.param(IPV4, [DNAT], (FROM_HERE,), id="wildcard"),
        pytest.param(IPV6, [DNAT], None, id="wildcard of the other family"),
        pytest.param(at("192.0.2.1"), [DNAT], (FROM_HERE,), id="own address"),
        pytest.param(at("203.0.113.1"), [DNAT], None, id="address that is not here"),
        pytest.param(at("127.0.0.1"), [DNAT], (), id="loopback"),
        pytest.param(at("127.0.0.1"), [FROM + nft.compare(b"\x7f\0\0\1") + DNAT], (), id="from loopback to itself"),
        pytest.param(at("127.0.0.2"), [FROM + nft.compare(b"\x7f\0\0\1") + DNAT], (), id="to all of its network"),
        pytest.param(at("192.0.2.1"), [FROM + nft.compare(b"\x7f\0\0\1") + DNAT], None, id="from loopback"),
        pytest.param(at("192.0.2.1"), [FROM + nft.compare(b"\xc0\0\2\1") + DNAT], (FROM_HERE,), id="from itself"),
        pytest.param(IPV4, [BY_CHANCE + DNAT], (FROM_HERE, CHANCE), id="and what is not known"),
        pytest.param(IPV4, [BY_CHANCE + DNAT, DNAT], (FROM_HERE,), id="not known, but elsewhere either way"),
        pytest.param(IPV4, [nft.meta(7) + nft.compare(b"wan0\0") + DNAT], None, id="over another device"),
    ],
)
def test_find_from_this_host(endpoint, rules, expected, monkeypatch):
    chains, made = [nft.base_chain(hook=nft.OUTPUT)], [nft.rule("base", each) for each in rules]
    kernel = nft.Kernel(chains, made).runs(monkeypatch)
    monkeypatch.setattr(gate, "where", lambda **_asked: gate.Hooked(tuple(kernel.answers[4])))
    found = gate.find([Question("tcp", endpoint, 80), Question("tcp", endpoint, 81)])
    assert [(question[2], each.depends_on) for question, each in found.items()] == (
        [] if expected is None else [(80, expected)]
    )


def test_find_prefers_what_is_sure_of_others(monkeypatch):
    chains = [nft.base_chain(), nft.base_chain("out", nft.OUTPUT)]
    rules = [nft.rule("base", ON_BRIDGE, DNAT), nft.rule("out", DNAT)]
    kernel = nft.Kernel(chains, rules).runs(monkeypatch)
    monkeypatch.setattr(gate, "where", lambda **_asked: gate.Hooked(tuple(kernel.answers[4])))
    assert [each.depends_on for each in gate.find([PORT_80]).values()] == [()]


OTHER = nft.dport(80) + nft.dnat("10.88.0.6", 8080)
ONLY_PORT = nft.dport(80) + nft.redirect(8080)


@pytest.mark.parametrize(
    ("from_others", "from_here", "expected"),
    [
        pytest.param(DNAT, DNAT, True, id="all"),
        pytest.param(DNAT, b"", False, id="not what comes from here"),
        pytest.param(DNAT, OTHER, False, id="what comes from here somewhere else"),
        pytest.param(ONLY_PORT, ONLY_PORT, True, id="to another port of this host"),
        pytest.param(nft.payload(1, 16, 4) + nft.compare(b"\xc0\0\2\1") + DNAT, DNAT, False, id="to one address"),
        pytest.param(DNAT, BY_CHANCE + DNAT, False, id="some of it, maybe"),
    ],
)
def test_whether_all_goes_the_same_way(from_others, from_here, expected, monkeypatch):
    chains = [nft.base_chain(), nft.base_chain("out", nft.OUTPUT)]
    rules = [nft.rule(name, each) for name, each in (("base", from_others), ("out", from_here)) if each]
    kernel = nft.Kernel(chains, rules).runs(monkeypatch)
    monkeypatch.setattr(gate, "where", lambda **_asked: gate.Hooked(tuple(kernel.answers[4])))
    assert [each.is_total for each in gate.find([PORT_80]).values()] == [expected]


def test_find_tells_which_addresses_a_rule_leaves_alone(run):
    to_one = nft.payload(1, 16, 4) + nft.compare(b"\xc0\0\2\1") + DNAT
    host = [nft.HostAddress(nft.WAN, at(address).address) for address in ("192.0.2.1", "198.51.100.2")]
    run(to_one, host=host)
    (found,) = gate.find([PORT_80]).values()
    assert (found.spared, found.address) == ((at("198.51.100.2").address,), "192.0.2.1")
    run(DNAT, host=host)
    (found,) = gate.find([PORT_80]).values()
    assert (found.spared, found.address) == ((), None)


def test_find_leaves_the_ports_of_a_bridge_out(run):
    port = nft.Device(9, "veth9")
    run(nft.meta(6) + nft.compare(b"veth9\0") + DNAT, host=[*nft.HOST, nft.HostAddress(port, at("fe80::9").address)])
    assert gate.find([Question("tcp", BOTH, 80)]) == {}


def test_find_on_a_host_with_link_local_addresses_alone(run):
    made = run(host=[nft.HostAddress(nft.WAN, at("fe80::1").address)])
    made.answers[4] = [nft.base_chain(family=nft.IP6)]
    made.answers[7] = [nft.rule("base", nft.dport(80), nft.dnat("fd00::5", 8080, nft.IP6), family=nft.IP6)]
    assert [each.target for each in gate.find([Question("tcp", IPV6, 80)]).values()] == ["[fd00::5]:8080"]


def test_find_in_a_range_of_ports(run):
    run(
        nft.dport(80) + nft.dnat("10.88.0.5"),
        nft.meta(16) + nft.compare(b"\6") + nft.payload(2, 2, 2) + nft.compare(b"\x23\x28", nft.GTE) + nft.redirect(22),
    )
    found = gate.find([Question("tcp", IPV4, port) for port in range(1, 10001)])
    assert [port for _protocol, _endpoint, port, *_rest in found] == [80, *range(9000, 10001)]


def test_find_of_every_port(run):
    run(nft.meta(16) + nft.compare(b"\6") + nft.dnat("10.88.0.5"))
    found = gate.find([Question("tcp", IPV4, port) for port in (1, 80)] + [Question("udp", IPV4, 53)])
    assert [each.target for each in found.values()] == ["10.88.0.5:1", "10.88.0.5:80"]


def test_find_in_doubt(run):
    run(BY_CHANCE + DNAT)
    assert gate.find([PORT_80]) == {
        PORT_80: Redirect("10.88.0.5:8080", "nft", ("ip test base",), depends_on=(CHANCE,), destinations=(BACKEND,))
    }


def test_find_prefers_what_is_sure_on_one_address(run):
    run(nft.meta(6) + nft.compare(b"br0\0", nft.NEQ) + BY_CHANCE + DNAT, nft.meta(6) + nft.compare(b"br0\0") + DNAT)
    assert [each.depends_on for each in gate.find([PORT_80]).values()] == [()]


def test_find_with_the_words_of_the_rules(monkeypatch):
    identity = "0123456789abcdef" * 4
    said = b"\0" + bytes((len(identity) + 26,)) + f'dnat name: "podman" id: "{identity}"\0'.encode()
    rules = [
        nft.rule("PREROUTING", nft.end(nft.JUMP, "CNI"), table="nat"),
        nft.rule("CNI", nft.dport(80), nft.end(nft.JUMP, "DN\x1b"), table="nat", userdata=said),
        nft.rule("DN\x1b", nft.dport(80), nft.dnat("10.88.0.5", 8080), table="nat"),
    ]
    made = nft.Kernel([nft.base_chain("PREROUTING", table="nat")], rules).runs(monkeypatch)
    monkeypatch.setattr(gate, "where", lambda **_asked: gate.Hooked(tuple(made.answers[4])))
    chains = ("ip nat PREROUTING", "CNI", "DN\\x1b")
    assert gate.find([PORT_80]) == {
        PORT_80: Redirect(
            "10.88.0.5:8080",
            "iptables",
            chains,
            container=Container(identity, None, "unknown"),
            destinations=(BACKEND,),
        )
    }


def test_find_with_several_targets(run):
    run(BY_CHANCE + DNAT, nft.dport(80) + nft.redirect(81))
    (found,) = gate.find([PORT_80]).values()
    assert (found.target, found.targets) == ("10.88.0.5:8080 and 1 more", ("10.88.0.5:8080", "port 81 of this host"))
    assert (found.chains, found.container) == (("ip test base",), None)


@pytest.mark.parametrize("families", [(True, False), (False, True), (True, True)])
def test_find_in_the_older_tables(families, monkeypatch):
    nft.Kernel().runs(monkeypatch)
    monkeypatch.setattr(gate, "where", lambda **_asked: gate.Hooked((), *(("nat",) * each for each in families)))
    asked = []

    def read(layout, _name):
        asked.append(layout)
        return rows.table(rows.entry(layout=layout), layout=layout)

    monkeypatch.setattr(entries, "read", read)
    assert gate.find([PORT_80]) == {}
    wanted = zip(families, (entries.IPV4, entries.IPV6))
    assert asked == [layout for is_there, layout in wanted if is_there]


def test_find_what_an_older_table_does(monkeypatch):
    nft.Kernel().runs(monkeypatch)
    monkeypatch.setattr(gate, "where", lambda **_asked: gate.Hooked((), ("nat",)))
    made = rows.table(rows.entry(rows.tcp(81), protocol=6, target=rows.TO_80), rows.entry())
    monkeypatch.setattr(entries, "read", lambda _layout, _name: made)
    port_81 = Question("tcp", IPV4, 81)
    expected = Redirect(
        "port 80 of this host", "iptables-legacy", ("ip nat PREROUTING",), destinations=(Destination(None, 80),)
    )
    assert gate.find([PORT_80, port_81, Question("udp", IPV4, 81), Question("tcp", IPV6, 81)]) == {port_81: expected}


@pytest.mark.linux
def test_the_kernel_is_asked():
    """Whatever the rules of this host are, and whoever asks."""
    found = gate.find([Question("tcp", at("192.0.2.77"), 9)])
    assert found is None or set(found) <= {Question("tcp", at("192.0.2.77"), 9)}
