# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the bytes of a rule of nf_tables tell without decoding: the destination ports that it asks for."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attribute, attributes
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.nft.kernel import named, number, text


def port_match(rule: bytes) -> tuple[int, t.Collection[int] | None]:
    """Where it asks for a port, and for which; None where it does not seem to."""
    at = rule.find(_PORT_IS)
    if at >= 0:
        return at, (number(rule[at + len(_PORT_IS) : at + len(_PORT_IS) + 2]),)
    for match in _PORT_MATCHES:
        at = rule.find(match)
        if at >= 0:
            from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import port_matches

            told = dict(itertools.islice(attributes(rule, at), 3))
            ports = port_matches.only(text(told.get(1)), number(told.get(2)), told.get(3, b""))
            if ports is not None:
                return at, ports
    return 0, None


def maps_to_chains(rule: bytes) -> bool:
    """Whether it looks a verdict up; perhaps, too, if it does not."""
    return _LOOKUP in rule and _TO_VERDICT in rule


def _numbers(*values: int) -> bytes:
    return b"".join(attribute(kind, value.to_bytes(4, "big")) for kind, value in enumerate(values, 1))


def _expression(name: str, parts: bytes) -> bytes:
    return attribute(1, named(1, name) + attribute(2, parts))


# As the kernel writes "load the bytes 2 and 3 of the transport header into register 1; register 1 equals".
_PORT_IS = (
    _expression("payload", _numbers(1, 2, 2, 2))
    + _expression("cmp", _numbers(1, 0) + attribute(3, attribute(1, bytes(2)) + bytes(2)))[:-4]
)
_PORT_MATCHES = [named(1, name) for name in ("tcp", "udp", "multiport")]
_LOOKUP, _TO_VERDICT = named(1, "lookup"), attribute(3, bytes(4))  # NFTA_LOOKUP_DREG: NFT_REG_VERDICT
