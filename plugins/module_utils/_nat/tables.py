# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where this network namespace can have NAT rules, found for next to nothing: most have none."""

from __future__ import annotations

import errno
import os
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._netlink_dump import attribute, dump
from ansible_collections.preflight.ports.plugins.module_utils._sockets import SourceError

_NETLINK_NETFILTER = 12
_NFT_NEWCHAIN, _NFT_GETCHAIN = 0xA03, 0xA04
_NFGENMSG_BYTES = 4
_TYPE_IS_NAT = attribute(7, b"nat\0")  # NFTA_CHAIN_TYPE, which no chain but a base chain has
_NO_NF_TABLES = (errno.EINVAL, errno.EPROTONOSUPPORT)


class ChangedError(SourceError):
    """The rules changed while they were read."""


class Found(t.NamedTuple):
    """All false where there are no NAT rules."""

    nft_chains: t.Sequence[bytes]
    """The base chains of nf_tables, as NEWCHAIN messages."""
    legacy_ipv4: bool
    """Whether the older iptables has its table."""
    legacy_ipv6: bool


def find(proc: str = "/proc") -> Found:
    """Raises SourceError where the user may not know."""
    tracks_connections = os.path.exists(f"{proc}/sys/net/netfilter/nf_conntrack_count")
    nft, legacy_ipv4, legacy_ipv6 = possible(_lines(f"{proc}/modules"), tracks_connections)
    return Found(
        _nft_chains() if nft else (),
        legacy_ipv4 and "nat" in _lines(f"{proc}/net/ip_tables_names"),
        legacy_ipv6 and "nat" in _lines(f"{proc}/net/ip6_tables_names"),
    )


def possible(modules: t.Iterable[str], tracks_connections: bool) -> tuple[bool, bool, bool]:
    """Which of nf_tables, iptables and ip6tables the lines of /proc/modules allow.

    To ask the kernel outright could make it load what is not there yet.

    No module can do without those that it builds on. So where these are modules, NAT for nf_tables and for the older
    iptables are as well; where they are built in, nothing is known of the rest.
    """
    loaded = {line.partition(" ")[0] for line in modules}
    if "nf_nat" in loaded:
        nft = any(name.startswith("nft_chain_nat") for name in loaded)  # with _ipv4 and _ipv6 before Linux 5.1
        return nft, "iptable_nat" in loaded, "ip6table_nat" in loaded
    can = "nf_conntrack" not in loaded and tracks_connections
    return can, can, can


def _nft_chains() -> list[bytes]:
    try:
        chains = dump(_NETLINK_NETFILTER, _NFT_GETCHAIN, _NFT_NEWCHAIN, bytes(_NFGENMSG_BYTES))
    except SourceError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _NO_NF_TABLES:
            return []
        raise
    return [payload for payload in chains if _TYPE_IS_NAT in payload]


def _lines(path: str) -> list[str]:
    """Nothing where there is no such file."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SourceError(error.strerror or str(error)) from error
