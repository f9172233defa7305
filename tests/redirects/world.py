# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with NAT rules, a client on its outer network, and behind a bridge a container and a neighbour of it.

Each is a network namespace of its own. This process is in the host's.
"""

from __future__ import annotations

import contextlib

from redirects.servers import ELSEWHERE, SERVER, Servers, ask
from support.networks import Networks, feed, write_setting

WAN, BRIDGE = "wan0", "docker0"
# The host's addresses, by who reaches them without a detour.
ADDRESSES = {
    "client": ("192.0.2.1", "198.51.100.2", "2001:db8:1::1", "fe80::1%eth0"),
    "neighbour": ("172.17.0.1", "fd00:17::1", "fe80::2%eth0"),
}
LOOPBACK = ("127.0.0.1", "::1")
VIRTUAL = ("203.0.113.1", "203.0.113.2")
"""By whose devices nobody comes: of a bridge without ports, and of the loopback device."""
OWN = {*LOOPBACK, *VIRTUAL, "192.0.2.1", "198.51.100.2", "2001:db8:1::1", "172.17.0.1", "fd00:17::1"}
"""What other servers can bind."""

OTHER_PORTS = (8080, 3128)
"""Of the host itself, where rules may redirect to."""
_CATCH_ALL = 7

_HOST = """
link set lo up
link add wan0 type veth peer name eth0 netns {client}
link add docker0 type bridge forward_delay 0
link add c0 type veth peer name eth0 netns {container}
link add n0 type veth peer name eth0 netns {neighbour}
link add vip0 type bridge
link set c0 master docker0
link set n0 master docker0
link set wan0 addrgenmode none
link set docker0 addrgenmode none
link set vip0 addrgenmode none
link set vip0 up
link set wan0 up
link set docker0 up
link set c0 up
link set n0 up
addr add 192.0.2.1/24 dev wan0
addr add 198.51.100.2/24 dev wan0
addr add 2001:db8:1::1/64 dev wan0 nodad
addr add fe80::1/64 dev wan0 nodad
addr add 172.17.0.1/16 dev docker0
addr add fd00:17::1/64 dev docker0 nodad
addr add fe80::2/64 dev docker0 nodad
addr add 203.0.113.1/32 dev vip0
addr add 203.0.113.2/32 dev lo
"""
_GUEST = """
link set lo up
link set eth0 up
{addresses}
route add default via {gateway}
route add default via {gateway6}
"""
_GUESTS = {
    "client": (("192.0.2.9/24", "198.51.100.9/24", "2001:db8:1::9/64"), "192.0.2.1", "2001:db8:1::1"),
    "container": (
        ("172.17.0.2/16", "172.17.0.3/16", "172.17.0.4/16", "fd00:17::2/64", "fd00:17::3/64"),
        "172.17.0.1",
        "fd00:17::1",
    ),
    "neighbour": (("172.17.0.9/16", "fd00:17::9/64"), "172.17.0.1", "fd00:17::1"),
}
# Whatever is sent to the container, something there answers.
_CONTAINER_RULES = f"""
table inet container {{
  chain prerouting {{
    type nat hook prerouting priority 0
    meta l4proto {{ tcp, udp }} redirect to :{_CATCH_ALL}
  }}
}}
"""
# The neighbour's answers come back by the host, as with every container engine.
_HOST_RULES = """
table inet world {
  chain postrouting {
    type nat hook postrouting priority 100
    ct status dnat masquerade
  }
}
"""


class World:
    """Made by entering it; the process returns to where it was at the end."""

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self._networks = stack.enter_context(Networks(*_GUESTS))
            self._furnish()
            self.servers = stack.enter_context(Servers())
            self.inside("container", lambda: self.servers.everywhere(_CATCH_ALL, ELSEWHERE))
            self._stack = stack.pop_all()
        return self

    def _furnish(self):
        self._networks.ip(_HOST)
        self.nft(_HOST_RULES)
        # The last is for connections from 127.0.0.1 to the container, as the portmap plugin and netavark have it.
        for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding", f"ipv4/conf/{BRIDGE}/route_localnet"):
            write_setting(name, "1")
        for name, (addresses, gateway, gateway6) in _GUESTS.items():
            lines = "\n".join(f"addr add {each} dev eth0{' nodad' if ':' in each else ''}" for each in addresses)
            self._networks.ip(_GUEST.format(addresses=lines, gateway=gateway, gateway6=gateway6), name)
        feed([*self._networks.entering("container"), "nft", "-f", "-"], _CONTAINER_RULES)

    def __exit__(self, *_exception):
        self._stack.close()

    def nft(self, text):
        feed(["nft", "-f", "-"], text)

    def iptables(self, command, text):
        feed([f"{command}-restore", "--noflush"], f"*nat\n{text.strip()}\nCOMMIT\n")

    def inside(self, guest, function):
        """What *function* returns in the namespace of a guest."""
        return self._networks.inside(guest, function)

    def truth(self, protocol, endpoints, port, patience=5.0):
        """Whether what is sent to the port gets to a server that binds *endpoints*: the set of those who answer."""
        with Servers() as servers:
            for endpoint in endpoints:
                servers.add(protocol, str(endpoint), port, SERVER, endpoint.v6only)
                for address in OWN - {str(endpoint)} if not endpoint.is_wildcard else ():
                    servers.add(protocol, address, port, ELSEWHERE)
            for other in set(OTHER_PORTS) - {port}:
                servers.everywhere(other, ELSEWHERE)
            return self.answers(protocol, endpoints, port, patience)

    def answers(self, protocol, endpoints, port, patience=5.0):
        """What all get who turn to an address of *endpoints*."""
        return {self.answer(guest, protocol, address, port, patience) for guest, address in _reached(endpoints)}

    def answer(self, guest, protocol, address, port, patience=5.0):
        """What a guest gets there; None is the host itself."""
        question = (protocol, address, port, patience)
        if guest is None:
            return ask(*question)
        return self.inside(guest, lambda: ask(*question))


def _reached(endpoints):
    """(who asks, address): all that a server on *endpoints* would serve, asked by all who have a way there."""
    for endpoint in endpoints:
        if not endpoint.is_wildcard:
            yield from _asked(str(endpoint))
            continue
        for address in (*LOOPBACK, *VIRTUAL, *(each for addresses in ADDRESSES.values() for each in addresses)):
            if (":" in address) == endpoint.is_ipv6 or (endpoint.is_ipv6 and not endpoint.v6only):
                yield from _asked(address)


def _asked(address):
    """(who asks, address), for all who have a way there: link-local addresses are those of one network."""
    if address == "::1" or address.startswith("127."):
        yield None, address
    elif "%" in address:
        yield from ((name, address) for name, addresses in ADDRESSES.items() if address in addresses)
    else:
        yield from ((name, address) for name in (None, *ADDRESSES))
