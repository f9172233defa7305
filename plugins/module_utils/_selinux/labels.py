# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contexts that the policy gives to ports and addresses. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import LAST_PORT

# The types of ports that the reference policy names for no service: corenetwork.te.
_GENERIC = frozenset(("port_t", "reserved_port_t", "hi_reserved_port_t", "unreserved_port_t", "ephemeral_port_t"))


class PortContext(t.NamedTuple):
    """``portcon`` of the policy, local changes of semanage(8) included."""

    protocol: str
    first: int
    last: int
    context: str


class NodeContext(t.NamedTuple):
    """``nodecon`` of the policy."""

    address: bytes
    mask: bytes
    context: str


class Labels(t.NamedTuple):
    """Of several that fit, the kernel takes the first: security_port_sid(), security_node_sid() of its services.c."""

    ports: tuple[PortContext, ...]
    nodes: tuple[NodeContext, ...]
    other_port: str
    """The context of what the policy does not name."""
    other_node: str

    def of_ports(self, protocol: str) -> list[str]:
        """The context of each port, by its number."""
        contexts = [self.other_port] * (LAST_PORT + 1)
        for each in reversed(self.ports):
            if each.protocol == protocol:
                contexts[each.first : each.last + 1] = [each.context] * (each.last + 1 - each.first)
        return contexts

    def of_address(self, address: bytes) -> str:
        """*address*: packed, 4 or 16 bytes."""
        return next((each.context for each in self.nodes if _fits(address, each)), self.other_node)

    def of_services(self, protocol: str) -> tuple[str, ...]:
        """The contexts of ports that some service has."""
        contexts = dict.fromkeys(each.context for each in self.ports if each.protocol == protocol)
        return tuple(each for each in contexts if type_of(each) not in _GENERIC)

    def defines(self, protocol: str, first: int, last: int) -> bool:
        """Whether exactly these ports have a context of their own."""
        return any((each.protocol, each.first, each.last) == (protocol, first, last) for each in self.ports)


def type_of(context: str) -> str:
    """``system_u:object_r:http_port_t:s0`` -> ``http_port_t``."""
    return context.split(":")[2]


def _fits(address: bytes, node: NodeContext) -> bool:
    return len(address) == len(node.address) and all(
        mine & mask == its for mine, mask, its in zip(address, node.mask, node.address)
    )
