# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each state of a flow, by a real fault on the client, the router or the target."""

from __future__ import annotations

import pytest
from reach.network import CLIENT4, OTHER4, TARGET4, TARGET6, Network

ADDRESSES = (TARGET4, TARGET6)
PORTS = (5432, "5432/udp")
every_kind = pytest.mark.parametrize("port", PORTS)
each_family = pytest.mark.parametrize("to", ADDRESSES)

SERVICE = """
import socket
server = socket.create_server(("::", 5432), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    server.accept()[0].sendall(b"220 somebody else\\r\\n")
"""
FULL_SERVICE = """
import socket, time
server = socket.socket()
server.bind(("", 5432))
server.listen(0)
kept = [socket.socket() for _unused in range(3)]
for each in kept:
    each.setblocking(False)
    each.connect_ex(("127.0.0.1", 5432))
print("ready", flush=True)
time.sleep(60)
"""
UDP_SERVICE = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 5432))
print("ready", flush=True)
while True:
    server.recvfrom(100)
"""


def chain(hook: str, rule: str, priority: int = 0, policy: str = "accept", family: str = "inet") -> str:
    return f"table {family} t {{ chain c {{ type filter hook {hook} priority {priority}; policy {policy}; {rule}; }} }}"


@every_kind
@each_family
def test_open(network: Network, port: object, to: str):
    assert network.flow(port, to).state == "open"


@every_kind
def test_open_on_another_address_of_the_target(network: Network, port: object):
    assert network.flow(port, OTHER4).state == "open"


@every_kind
@each_family
@pytest.mark.parametrize(
    ("hook", "priority"), [("input", 0), ("prerouting", -300)], ids=["the usual chain", "before conntrack"]
)
def test_dropped_by_host(network: Network, port: object, to: str, hook: str, priority: int):
    network.rules(network.target, chain(hook, "meta l4proto { tcp, udp } th dport 5432 drop", priority))
    found = network.flow(port, to)
    assert (found.state, found.at_target) == ("dropped_by_host", True)


@every_kind
def test_dropped_by_host_at_the_device(network: Network, port: object):
    device = "type filter hook ingress device t0 priority 0; meta l4proto { tcp, udp } th dport 5432 drop"
    network.rules(network.target, f"table netdev t {{ chain c {{ {device}; }} }}")
    assert network.flow(port).state == "dropped_by_host"


@pytest.mark.parametrize("tool", ["iptables-nft", "iptables-legacy"])
def test_dropped_by_host_in_iptables(network: Network, tool: str):
    network.on(network.target, f"{tool} -A INPUT -p tcp --dport 5432 -j DROP")
    assert network.flow().state == "dropped_by_host"


RULES_FOR_SOME = """
table inet t {
    chain c {
        type filter hook input priority 0
        ip saddr 10.77.9.0/24 meta l4proto { tcp, udp } th dport 5432 drop
        meta nfproto ipv4 meta l4proto { tcp, udp } th dport 5432 drop
        meta nfproto ipv6 tcp dport 5432 reject with tcp reset
        meta nfproto ipv6 udp dport 5432 reject
    }
}
"""


@every_kind
@pytest.mark.parametrize(
    ("to", "state", "rule"),
    [
        (TARGET4, "dropped_by_host", "meta nfproto ipv4 meta l4proto { tcp, udp } th dport 5432 drop"),
        (TARGET6, "refused", "{} dport 5432 reject"),
    ],
)
def test_the_rule_is_the_one_that_decides(network: Network, port: object, to: str, state: str, rule: str):
    network.rules(network.target, RULES_FOR_SOME)
    found = network.flow(port, to)
    protocol = "udp" if port == "5432/udp" else "tcp"
    assert (found.state, found.at_target, found.by) == (state, True, "nftables")
    assert str(found.rule).startswith(rule.replace("{}", protocol))


@every_kind
def test_nat_of_the_target_is_no_firewall(network: Network, port: object):
    rule = "type nat hook prerouting priority dstnat; meta l4proto { tcp, udp } th dport 5432 redirect to 9999"
    network.rules(network.target, f"table ip t {{ chain c {{ {rule}; }} }}")
    found = network.flow(port)
    assert (found.state, found.at_target) == ("refused", False)
    assert "NAT rules of the target send it to port 9999 of this host" in found.reason


def test_dropped_by_host_behind_its_nat(network: Network):
    network.on(network.target, "sysctl -qw net.ipv4.ip_forward=1")
    network.rules(network.target, f"""
table ip n {{ chain c {{ type nat hook prerouting priority dstnat; tcp dport 5432 dnat to {CLIENT4}:80; }} }}
table ip f {{ chain c {{ type filter hook forward priority 0; policy drop; }} }}
""")  # fmt: skip
    found = network.flow()
    assert (found.state, found.at_target, found.rule) == ("dropped_by_host", True, "policy drop")
    assert f"ip daddr {CLIENT4} tcp dport 80 accept" in str(found.advice)


def test_dropped_by_host_for_its_source(network: Network):
    """rp_filter: the answer would leave by another device."""
    network.on(
        network.target,
        """
        ip link add other type veth peer name nowhere; ip link set other up; ip link set nowhere up
        ip route add 10.77.1.0/24 dev other
        sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.t0.rp_filter=1
    """,
    )
    assert network.flow().state == "dropped_by_host"


@every_kind
@each_family
def test_lost(network: Network, port: object, to: str):
    network.rules(network.router, chain("forward", "meta l4proto { tcp, udp } th dport 5432 drop"))
    found = network.flow(port, to)
    assert (found.state, found.at_target) == ("lost", False)


@every_kind
def test_no_answer_without_a_witness(network: Network, port: object):
    network.rules(network.router, chain("forward", "meta l4proto { tcp, udp } th dport 5432 drop"))
    assert network.flow(port, witness=False).state == "no_answer"


@every_kind
@each_family
@pytest.mark.parametrize("where", ["router", "client", "target"])
def test_reply_lost(network: Network, port: object, to: str, where: str):
    hook = {"router": "forward", "client": "input", "target": "output"}[where]
    network.rules(getattr(network, where), chain(hook, "meta l4proto { tcp, udp } th sport 5432 drop"))
    assert network.flow(port, to).state == "reply_lost"


@every_kind
@each_family
@pytest.mark.parametrize("kind", ["port-unreachable", "admin-prohibited", "host-unreachable", "no-route"])
def test_rejected_by_the_target(network: Network, port: object, to: str, kind: str):
    rule = f"meta l4proto {{ tcp, udp }} th dport 5432 reject with icmpx {kind}"
    network.rules(network.target, chain("input", rule))
    found = network.flow(port, to)
    # Over UDP, port unreachable is also what a host says on which nobody listens.
    expected = "refused" if (kind, port) == ("port-unreachable", "5432/udp") else "rejected"
    assert (found.state, found.at_target) == (expected, True)


@every_kind
@each_family
@pytest.mark.parametrize("kind", ["port-unreachable", "admin-prohibited"])
def test_rejected_on_the_way(network: Network, port: object, to: str, kind: str):
    rule = f"meta l4proto {{ tcp, udp }} th dport 5432 reject with icmpx {kind}"
    network.rules(network.router, chain("forward", rule))
    found = network.flow(port, to)
    assert (found.state, found.at_target) == ("rejected", False)


@each_family
@pytest.mark.parametrize(("where", "at_target"), [("target", True), ("router", False)])
def test_refused_by_a_reset(network: Network, to: str, where: str, at_target: bool):
    hook = {"target": "input", "router": "forward"}[where]
    network.rules(getattr(network, where), chain(hook, "tcp dport 5432 reject with tcp reset"))
    found = network.flow(5432, to)
    assert (found.state, found.at_target) == ("refused", at_target)


@each_family
def test_a_reset_of_a_firewall_is_not_answered(network: Network, to: str):
    network.rules(network.router, chain("forward", "tcp dport 5432 reject with tcp reset"))
    assert network.flow(5432, to, responder=False).state == "refused"


@every_kind
@each_family
def test_answered(network: Network, port: object, to: str):
    assert network.flow(port, to, responder=False).state == "answered"


@each_family
def test_served(network: Network, to: str):
    network.python(network.target, SERVICE)
    found = network.flow(5432, to)
    assert (found.state, "python" in found.reason) == ("served", True)


def test_a_service_over_udp_that_does_not_answer_is_not_tested(network: Network):
    network.python(network.target, UDP_SERVICE)
    assert network.flow("5432/udp").state == "not_tested"


def test_wrong_peer(network: Network):
    """The router sends the connection to a service of its own."""
    network.python(network.router, SERVICE)
    nat = "type nat hook prerouting priority dstnat; tcp dport 5432 redirect"
    network.rules(network.router, f"table ip t {{ chain c {{ {nat}; }} }}")
    assert network.flow().state == "wrong_peer"


def test_wrong_peer_where_the_port_is_taken(network: Network):
    network.python(network.router, SERVICE)
    network.python(network.target, SERVICE)
    nat = "type nat hook prerouting priority dstnat; tcp dport 5432 redirect"
    network.rules(network.router, f"table ip t {{ chain c {{ {nat}; }} }}")
    assert network.flow().state == "wrong_peer"


@every_kind
@each_family
@pytest.mark.parametrize("way", ["dport", "sport"], ids=["there", "back"])
def test_stalled(network: Network, port: object, to: str, way: str):
    """An MTU hole: long packets vanish, and nobody is told."""
    rule = f"meta l4proto {{ tcp, udp }} th {way} 5432 meta length > 1300 drop"
    network.rules(network.router, chain("forward", rule))
    assert network.flow(port, to).state == "stalled"


@each_family
def test_stalled_where_the_narrow_link_does_not_tell(network: Network, to: str):
    network.on(network.router, "ip link set t0 mtu 1300")
    rule = "icmp type destination-unreachable drop; icmpv6 type packet-too-big drop"
    network.rules(network.router, chain("output", rule))
    assert network.flow("5432/udp", to).state == "stalled"


@every_kind
@each_family
def test_a_narrow_link_that_tells_so_is_open(network: Network, port: object, to: str):
    network.on(network.router, "ip link set t0 mtu 1300")
    network.on(network.target, "ip link set t0 mtu 1300")
    assert network.flow(port, to, timeout=3).state == "open"


@pytest.mark.parametrize("address", ["10.77.1.99", "10.77.2.99", "fd77:1::99"])
@every_kind
def test_no_host(network: Network, port: object, address: str):
    assert network.flow(port, address, timeout=5).state == "no_host"


@every_kind
@each_family
def test_no_route_on_the_client(network: Network, port: object, to: str):
    network.on(network.client, "ip route del default; ip -6 route del default")
    assert network.flow(port, to).state == "no_route"


@every_kind
@pytest.mark.parametrize("to", ["10.99.0.1", "fd99::1"])
def test_no_route_on_the_router(network: Network, port: object, to: str):
    assert network.flow(port, to).state == "no_route"


@every_kind
def test_no_route_without_ipv6(network: Network, port: object):
    network.on(network.client, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1")
    assert network.flow(port, TARGET6).state == "no_route"


def test_unresolved(network: Network):
    assert network.flow(5432, "nobody.invalid").state == "unresolved"


@every_kind
@pytest.mark.parametrize("nat", ["source", "destination"])
def test_translated(network: Network, port: object, nat: str):
    network.start([port])
    if nat == "source":
        rule, to = "type nat hook postrouting priority srcnat; oifname t0 masquerade", TARGET4
    else:
        rule, to = f"type nat hook prerouting priority dstnat; ip daddr 10.77.9.9 dnat to {TARGET4}", "10.77.9.9"
    network.rules(network.router, f"table ip t {{ chain c {{ {rule}; }} }}")
    protocol = "udp" if port == "5432/udp" else "tcp"
    found = network.connect([{"host": to, "port": 5432, "protocol": protocol, "responder": "target"}])["flows"][0]
    assert (found["state"], found["translated"]) == ("open", True)
    visit = network.stop()["visits"][0]
    assert (visit["source"] == CLIENT4) == (nat == "destination")


def test_translated_and_dropped_is_not_lost(network: Network):
    """The target sees another source than the client's, but the packet came."""
    network.rules(
        network.router,
        "table ip t { chain c { type nat hook postrouting priority srcnat; oifname t0 masquerade random; } }",
    )
    network.rules(network.target, chain("input", "tcp dport 5432 drop"))
    assert network.flow().state in ("dropped_by_host", "no_answer")


def test_dropped_by_the_client_itself(network: Network):
    network.rules(network.client, chain("output", "meta l4proto { tcp, udp } th dport 5432 drop"))
    assert network.flow(5432).state == "lost"
    assert network.flow("5432/udp").state == "rejected"


@every_kind
@each_family
@pytest.mark.parametrize("kind", ["port-unreachable", "no-route", "admin-prohibited"])
def test_rejected_by_the_client_itself(network: Network, port: object, to: str, kind: str):
    rule = f"meta l4proto {{ tcp, udp }} th dport 5432 reject with icmpx {kind}"
    network.rules(network.client, chain("output", rule))
    found = network.flow(port, to)
    assert found.state == "rejected"
    assert "the firewall of this client itself" in found.reason


@every_kind
@pytest.mark.parametrize(
    ("kind", "state"), [("unreachable", "no_route"), ("blackhole", "no_route"), ("prohibit", "rejected")]
)
def test_routes_of_the_client_that_refuse(network: Network, port: object, kind: str, state: str):
    network.on(network.client, f"ip route add {kind} {TARGET4}")
    found = network.flow(port)
    assert (found.state, "route" in found.reason) == (state, True)


def test_a_service_that_accepts_nobody(network: Network):
    """Its queue is full, so the kernel drops what comes."""
    network.python(network.target, FULL_SERVICE)
    found = network.flow(5432)
    assert (found.state, "does not accept it" in found.reason) == ("reply_lost", True)


@every_kind
def test_as_an_ordinary_user(network: Network, port: object):
    assert network.flow(port, user="nobody").state == "open"


def test_as_an_ordinary_user_there_is_no_witness(network: Network):
    network.rules(network.target, chain("input", "tcp dport 5432 drop"))
    assert network.flow(5432, user="nobody").state == "no_answer"


def test_a_port_that_an_ordinary_user_may_not_bind(network: Network):
    network.on(network.target, "sysctl -qw net.ipv4.ip_unprivileged_port_start=1024")
    assert network.flow(443, user="nobody").state == "answered"
