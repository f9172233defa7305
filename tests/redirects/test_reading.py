# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the rules are read: where, by whom, at what cost, and while they change."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ANY4, ANY6, Endpoint
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from redirects import large
from redirects.servers import ELSEWHERE, SERVER
from redirects.world import World

COLLECTIONS = Path(__file__).parents[2] / ".collections"
IPV4, IPV6 = Endpoint(ANY4), Endpoint(ANY6, v6only=True)
DNAT = """
table ip test {
  chain base {
    type nat hook prerouting priority -100
    tcp dport 80 dnat to 172.17.0.2:8080
  }
}
"""
PORT_80 = Question("tcp", IPV4, 80)
NOBODY = 65534
ASK = f"""
import json, os, sys
sys.path.insert(0, {str(COLLECTIONS)!r})
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ANY4, Endpoint
os.setuid(int(sys.argv[1]))
found = gate.find([Question("tcp", Endpoint(ANY4), int(sys.argv[2]))])
netfilter = [name.rpartition(".")[2] for name in sys.modules if "module_utils._netfilter." in name]
print(json.dumps([None if found is None else len(found), sorted({{*netfilter}} - {{'gate'}})]))
"""


@pytest.fixture
def world():
    with World() as made:
        yield made


def asked_by(uid, port=80):
    """(what another process of that user finds, the modules it took)."""
    done = subprocess.run([sys.executable, "-c", ASK, str(uid), str(port)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_without_rules_hardly_anything_is_loaded():
    with World() as world:
        world.nft("flush ruleset")
        assert asked_by(0) == [0, []]


def test_rules_that_change_no_destination_count_as_none(world):
    assert asked_by(0) == [0, []]


@pytest.mark.parametrize("shape", large.SHAPES, ids=lambda shape: shape.name)
def test_a_port_among_a_thousand_rules(world, shape):
    shape.load(world, 1000)
    assert asked_by(0, 81)[0] == 0
    assert asked_by(0, shape.first_port)[0] == 1


def test_who_may_not_look_is_not_told_that_there_are_none(world):
    world.nft(DNAT)
    assert asked_by(0)[0] == 1
    assert asked_by(NOBODY)[0] is None


def test_both_kinds_of_iptables_and_nft_together(world):
    world.nft(DNAT)
    world.iptables("iptables-nft", "-A PREROUTING -p tcp -m tcp --dport 81 -j DNAT --to-destination 172.17.0.2:8080")
    world.iptables("iptables-legacy", "-A PREROUTING -p tcp -m tcp --dport 82 -j DNAT --to-destination 172.17.0.2:8080")
    world.iptables(
        "ip6tables-legacy", "-A PREROUTING -p tcp -m tcp --dport 83 -j DNAT --to-destination [fd00:17::2]:80"
    )
    found = gate.find([Question("tcp", endpoint, port) for endpoint in (IPV4, IPV6) for port in (80, 81, 82, 83)])
    assert {(question[2], each.tool, each.chains, each.target) for question, each in found.items()} == {
        (80, "nft", ("ip test base",), "172.17.0.2:8080"),
        (81, "iptables", ("ip nat PREROUTING",), "172.17.0.2:8080"),
        (82, "iptables-legacy", ("ip nat PREROUTING",), "172.17.0.2:8080"),
        (83, "iptables-legacy", ("ip6 nat PREROUTING",), "[fd00:17::2]:80"),
    }


def test_rules_that_change_all_the_time(world):
    world.nft(DNAT)
    over = threading.Event()

    def change():
        # The port goes elsewhere before each change and after it.
        while not over.is_set():
            world.nft(f"flush table ip test\n{DNAT}table ip other {{\nchain x {{\n}}\n}}\ndelete table ip other\n")

    changing = threading.Thread(target=change)
    changing.start()
    try:
        answers = [gate.find([PORT_80]) for _time in range(300)]
    finally:
        over.set()
        changing.join()
    assert [answer for answer in answers if answer is not None and PORT_80 not in answer] == []
    assert sum(answer is None for answer in answers) < 30


ASK_ALL = f"""
import resource, sys
sys.path.insert(0, {str(COLLECTIONS)!r})
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate
from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ANY4, Endpoint
found = gate.find([Question("tcp", Endpoint(ANY4), port) for port in range(10000, 14000)])
print(len(found), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_as_many_ports_are_asked_about_as_are_published(world):
    """Memory that grew with the square of them would be a gigabyte here."""
    world.nft(large.published(4000))
    done = subprocess.run([sys.executable, "-c", ASK_ALL], capture_output=True, text=True, check=True, timeout=120)
    count, kibibytes = map(int, done.stdout.split())
    assert count == 4000
    assert kibibytes < 200_000


@pytest.mark.parametrize("shape", large.SHAPES, ids=lambda shape: shape.name)
def test_five_thousand_rules(world, shape):
    ports = shape.load(world, 5000)
    (wildcard,) = parse(["80"])
    for port, expected in ((ports[0], ELSEWHERE), (ports[-1], ELSEWHERE), (ports[-1] + 1, SERVER), (80, SERVER)):
        found = gate.find([Question("tcp", endpoint, port) for endpoint in wildcard.endpoints])
        assert bool(found) == (expected == ELSEWHERE)
        assert not any(each.depends_on for each in found.values())
        assert {each.tool for each in found.values()} <= {shape.tool.replace("-nft", "")}
        assert expected in world.truth("tcp", wildcard.endpoints, port)
