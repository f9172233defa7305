# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports whose incoming traffic NAT rules of this host send elsewhere, so that a server there is never reached.

Most hosts have no such rules, which is found out here for next to nothing. What reads rules is imported where there
are some: on a target, importing costs time in every task.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._kernel.netlink import attribute, dump
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import ChangedError, SourceError

if t.TYPE_CHECKING:
    from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Redirect
    from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question

_ATTEMPTS = 3
_NETLINK_NETFILTER = 12
_NFT_NEWCHAIN, _NFT_GETCHAIN = 0xA03, 0xA04
_NFGENMSG_BYTES = 4
_TYPE_IS_NAT = attribute(7, b"nat\0")  # NFTA_CHAIN_TYPE, which no chain but a base chain has
# NFTA_CHAIN_HOOK, with a number and a priority: NF_INET_LOCAL_IN, NF_INET_POST_ROUTING. They leave destinations alone.
_TOO_LATE = [attribute(4, attribute(1, bytes((0, 0, 0, hook))) + bytes(8))[:-8] for hook in (1, 4)]
_NO_NF_TABLES = (errno.EINVAL, errno.EPROTONOSUPPORT)


def find(questions: t.Collection[Question]) -> dict[Question, Redirect] | None:
    """What the rules do to some of the ports. None if the user may not know, or they cannot be read."""
    if not sys.platform.startswith("linux"):
        return None
    for _attempt in range(_ATTEMPTS):
        try:
            found = where()
            if not any(found):
                return {}
            from ansible_collections.preflight.ports.plugins.module_utils._netfilter import tables

            return tables.find(questions, *found)
        except ChangedError:
            continue
        except (SourceError, OSError, LookupError, ValueError, ArithmeticError, struct.error, RecursionError):
            break
    return None


def where(proc: str = "/proc") -> tuple[list[bytes], bool, bool]:
    """The base chains of nf_tables, as NEWCHAIN messages; whether the older iptables and ip6tables have their tables.

    Raises SourceError where the user may not know.
    """
    # Where /proc is missing or shows processes alone (its option subset=pid), no file says that there is no NAT.
    if not os.path.exists(f"{proc}/sys/net"):
        raise SourceError(f"{proc}/sys/net does not exist")
    tracks_connections = os.path.exists(f"{proc}/sys/net/netfilter/nf_conntrack_count")
    nft, ipv4, ipv6 = possible(_lines(f"{proc}/modules"), tracks_connections)
    return (
        _nft_chains() if nft else [],
        ipv4 and "nat" in _lines(f"{proc}/net/ip_tables_names"),
        ipv6 and "nat" in _lines(f"{proc}/net/ip6_tables_names"),
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
    return [each for each in chains if _TYPE_IS_NAT in each and not any(hook in each for hook in _TOO_LATE)]


def _lines(path: str) -> list[str]:
    """Nothing where there is no such file."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SourceError(error.strerror or str(error)) from error
