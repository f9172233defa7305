# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An assembler for what the kernel says of nf_tables, and a kernel that says it."""

from __future__ import annotations

import struct

from ansible_collections.preflight.ports.plugins.module_utils._netfilter import host
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft import kernel
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.flows import Arrival, Device, Flows
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.hosts import Host, HostAddress
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import NEW, Packets
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import PREROUTING as AT_FIRST

from support.netlink import attribute
from support.records import at

INET, IP, IP6 = 1, 2, 10
PREROUTING, OUTPUT = 0, 3
DROP, ACCEPT, QUEUE, CONTINUE, JUMP, GOTO, RETURN = 0, 1, 3, -1, -3, -4, -5
EQ, NEQ, LT, LTE, GT, GTE = range(6)
GENERATION = b"\0\7"

WAN, BRIDGE, LO = Device(2, "wan0"), Device(3, "br0"), Device(1, "lo")
HOST = [
    HostAddress(device, at(address).address)
    for device, address in (
        (LO, "127.0.0.1"), (LO, "::1"), (WAN, "192.0.2.1"), (WAN, "198.51.100.1"), (WAN, "2001:db8::1"),
        (WAN, "fe80::1"), (BRIDGE, "172.17.0.1"),
    )
]  # fmt: skip


def a_host(addresses=HOST):
    """Without routes, and without forwarding."""
    devices = tuple(dict.fromkeys(own.device for own in addresses))
    return Host(tuple(addresses), devices, lambda is_ipv6: None, lambda device, is_ipv6: False)


def packets(address="192.0.2.1", ports=(80,), protocol=6, hook=AT_FIRST, tracking=NEW, **arrival):
    """Those of all clients to some ports, by the first device."""
    arrival = {"comes": (WAN,), **arrival}
    return Packets(Flows(protocol, [Arrival(at(address).address, **arrival)], ports), hook, tracking)


def be32(number):
    return struct.pack(">i", number)


def text(value):
    return value.encode() + b"\0"


def parts(*values):
    """Attributes numbered from 1 on; None is left out."""
    return b"".join(attribute(kind, each) for kind, each in enumerate(values, 1) if each is not None)


def numbers(*values):
    return parts(*(None if value is None else be32(value) for value in values))


def expression(name, content=b""):
    return attribute(1, parts(text(name), content))


def meta(key, register=1):
    return expression("meta", numbers(register, key))


def payload(base, offset, size, register=1):
    return expression("payload", numbers(register, base, offset, size))


def compare(value, how=EQ, register=1):
    return expression("cmp", numbers(register, how) + attribute(3, attribute(1, value)))


def immediate(value, register=1):
    return expression("immediate", numbers(register) + attribute(2, attribute(1, value)))


def verdict(code, chain=None):
    return attribute(2, parts(be32(code), text(chain) if chain else None))


def end(code, chain=None):
    return expression("immediate", numbers(0) + attribute(2, verdict(code, chain)))


def lookup(name, source=1, destination=None, is_inverted=False):
    return expression("lookup", parts(text(name)) + attribute(2, be32(source))
                      + (b"" if destination is None else attribute(3, be32(destination)))
                      + attribute(5, be32(int(is_inverted))))  # fmt: skip


def dport(*ports):
    """Of TCP: ``tcp dport PORT``."""
    return meta(16) + compare(b"\6") + payload(2, 2, 2) + b"".join(compare(struct.pack(">H", port)) for port in ports)


def dnat(address, port=None, family=IP):
    """``dnat to ADDRESS:PORT``."""
    made = immediate(at(address).address, 1)
    made += immediate(struct.pack(">H", port), 9 + 4) if port else b""
    return made + expression("nat", numbers(1, family, 1, None, 13 if port else None))


def redirect(port=None):
    made = immediate(struct.pack(">H", port), 1) if port else b""
    return made + expression("redir", numbers(1 if port else None))


def head(family, generation=GENERATION):
    return bytes((family, 0)) + generation


def rule(chain, *expressions, table="test", family=IP, userdata=None, generation=GENERATION):
    return head(family, generation) + parts(
        text(table), text(chain), bytes(8), b"".join(expressions), None, bytes(8), userdata
    )


def base_chain(name="base", hook=PREROUTING, table="test", family=IP, priority=-100, kind="nat", policy=1):
    hooked = numbers(hook, priority)
    return head(family) + parts(text(table), bytes(8), text(name), hooked, be32(policy), be32(1), text(kind))


def a_set(name, key_bytes, flags=0, fields=(), table="test", family=IP):
    description = attribute(2, b"".join(attribute(1, numbers(size)) for size in fields))
    told = (text(table), text(name), be32(flags), be32(0), be32(key_bytes), None, None, None, description)
    return head(family) + parts(*told)


def element(key, data=None, flags=None, last=None, end=None):
    """One of a set's elements, with *data* or with an *end* that verdict() made."""
    value = end if data is None else attribute(1, data)
    told = (None if key is None else attribute(1, key), value, None if flags is None else be32(flags))
    return attribute(1, parts(*told) + (attribute(10, attribute(1, last)) if last else b""))


def elements(name, *made, table="test", family=IP):
    return head(family) + parts(text(table), text(name), b"".join(made))


class Kernel:
    """Answers to dumps: each message to the request for its kind, as old kernels do, whatever else was asked for."""

    def __init__(self, chains=(), rules=(), sets=(), set_elements=(), dormant=(), host=HOST):
        self.answers = {
            1: [head(family) + parts(text(name), be32(1)) for family, name in dormant],
            4: list(chains),
            7: list(rules),
            10: list(sets),
            13: list(set_elements),
        }
        self.host = host
        self.asked = []

    def dump(self, protocol, request, answer, body):
        assert (protocol, request >> 8, answer) == (12, 10, request - 1)
        self.asked.append((request & 0xFF, body))
        return [message for message in self.answers[request & 0xFF] if body[0] in (0, message[0])]

    def runs(self, monkeypatch):
        monkeypatch.setattr(kernel, "dump", self.dump)
        monkeypatch.setattr(host, "read", lambda: a_host(self.host))
        return self
