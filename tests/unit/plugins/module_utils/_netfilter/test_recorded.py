# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rule sets as a kernel told them, and the answers that packets confirmed: tests/firewall/record.py made them."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import sys
from pathlib import Path

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.passage import OPEN, Access, Network, Passage
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate, host, tables
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft import kernel
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Device
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.hosts import Host, HostAddress
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.routing import Route, Routes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import entries, ipsets
from support.records import at

COLUMNS = json.loads(gzip.decompress(Path(__file__).with_name("recorded.json.gz").read_bytes()))
RECORDED = [dict(zip(COLUMNS, row)) for row in zip(*COLUMNS.values())]

LO, WAN, LAN = Device(1, "lo", kind=772), Device(2, "wan0"), Device(3, "lan0", group=7)
BRIDGE, PORT = Device(4, "docker0", is_bridge=True), Device(5, "c0", master=4)
NETWORKS = {
    LO: ["127.0.0.1/8", "::1/128"],
    WAN: ["192.0.2.1/24", "192.0.2.2/24", "2001:db8:1::1/64"],
    LAN: ["10.0.0.1/24", "fd00:10::1/64"],
    BRIDGE: ["172.17.0.1/16", "fd00:17::1/64", "fe80::2/64"],
    PORT: ["fe80::3/64"],
}
OWN = [
    HostAddress(device, at(network.partition("/")[0]).address)
    for device, networks in NETWORKS.items()
    for network in networks
]


def routes(is_ipv6):
    bits = 128 if is_ipv6 else 32
    found = [Route(2, 0, 0, 0, frozenset({WAN.number}))]
    for device, networks in NETWORKS.items():
        for address, length in (each.split("/") for each in networks):
            number, host_bits = int.from_bytes(at(address).address, "big"), bits - int(length)
            if is_ipv6 is (":" in address):
                found.append(Route(0, number, bits, 0, frozenset()))
                found.append(Route(1, number >> host_bits << host_bits, int(length), 0, frozenset({device.number})))
    return Routes(found, bits)


@pytest.fixture
def told(monkeypatch):
    """Make a kernel that tells what was recorded."""

    def told(recorded):
        def dump(_protocol, request, _answer, body):
            return [bytes.fromhex(each) for each in recorded["dumps"][f"{request} {body.hex()}"]]

        def ask(_channel, level, option, question, _size):
            return bytes.fromhex(recorded["options"][f"{level} {option} {question.hex()}"])

        chains, ipv4, ipv6 = recorded["where"]
        where = gate.Hooked(tuple(map(bytes.fromhex, chains)), tuple(ipv4), tuple(ipv6))
        monkeypatch.setattr(kernel, "dump", dump)
        monkeypatch.setattr(ipsets, "dump", dump)
        monkeypatch.setattr(entries, "_ask", ask)
        monkeypatch.setattr(host, "read", lambda: Host(tuple(OWN), tuple(NETWORKS), routes, lambda *_each: True))
        return where

    return told


def access(protocol, address, port, clients):
    networks = [at(client).address for client in clients]
    endpoint = at(address, True if ":" in address else None)
    return Access(protocol, (endpoint,), port, port, tuple(Network(each, 8 * len(each)) for each in networks))


def text(bases, where):
    """Of the rule at a place such as ``nft inet mine input 2``."""
    *table, chain, place = where.split()
    base = next(base for base in bases if f"{base.tool} {base.table}" == " ".join(table) and has(base, chain))
    return base.chain(chain)[int(place)].text(base.tool != "nft")


def has(base, chain):
    with contextlib.suppress(LookupError):
        return bool(base.chain(chain))


@pytest.mark.linux
@pytest.mark.skipif(sys.byteorder == "big", reason="recorded on a little-endian machine")
@pytest.mark.parametrize("recorded", RECORDED, ids=range(len(RECORDED)))
def test_recorded(recorded, told, monkeypatch):
    monkeypatch.setattr(socket, "if_indextoname", {each.number: each.name for each in NETWORKS}.get)
    asked = [access(*answer[:4]) for answer in recorded["answers"]]
    bases = tables.read(*told(recorded))
    found = tables.passages(asked, bases)
    for each, passages, (*_question, expected) in zip(asked, found, recorded["answers"]):
        passage = passages[0] if passages else Passage(each.first, each.last, OPEN)
        told_of = json.loads(json.dumps(passage._asdict()))
        assert {key: told_of[key] for key in expected} == expected, "\n".join(recorded["rules"])
    assert {where: text(bases, where) for where in recorded["texts"]} == recorded["texts"]
