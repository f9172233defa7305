# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether this host has rules that packets for a server must pass, and what they do to these packets.

Many hosts have none, which is found out here for next to nothing. What reads rules is imported where there are some: on
a target, importing costs time in every task.
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
    from ansible_collections.preflight.ports.plugins.module_utils._model.passage import Access, Passage
    from ansible_collections.preflight.ports.plugins.module_utils._model.question import Question

_ATTEMPTS = 3
_NETLINK_NETFILTER = 12
_NFT_NEWCHAIN, _NFT_GETCHAIN = 0xA03, 0xA04
_NFGENMSG_BYTES = 4
_TYPE_IS_NAT = attribute(7, b"nat\0")  # NFTA_CHAIN_TYPE, which no chain but a base chain has
# NFTA_CHAIN_HOOK, with a number and a priority: NF_INET_LOCAL_IN, NF_INET_POST_ROUTING. They leave destinations alone.
_TOO_LATE = [attribute(4, attribute(1, bytes((0, 0, 0, hook))) + bytes(8))[:-8] for hook in (1, 4)]
_BASE_TYPES = [attribute(7, kind)[2:] for kind in (b"filter\0", b"nat\0", b"route\0")]
_NO_NF_TABLES = (errno.EINVAL, errno.EPROTONOSUPPORT)
_NETLINK_ROUTE, _RTM_NEWLINK, _RTM_GETLINK, _RTM_NEWQDISC, _RTM_GETQDISC = 0, 16, 18, 36, 38
_IFINFOMSG_BYTES, _TCMSG_BYTES = 16, 20
# IFLA_XDP has IFLA_XDP_ATTACHED in it, which is XDP_ATTACHED_NONE for most.
_WITHOUT_XDP = attribute(43, attribute(2, b"\0") + bytes(3))  # attributes begin at multiples of 4 bytes
_IFLA_XDP = _WITHOUT_XDP[2:4]
_LOOKING_QDISCS = [attribute(1, kind) for kind in (b"clsact\0", b"ingress\0")]
_HANDLED = (1, 2, 5, 7, 10)  # NFPROTO_INET, NFPROTO_IPV4, NFPROTO_NETDEV, NFPROTO_BRIDGE, NFPROTO_IPV6
_FAILURES = (SourceError, OSError, LookupError, ValueError, ArithmeticError, struct.error, RecursionError)


class Hooked(t.NamedTuple):
    """What the kernel calls."""

    chains: tuple[bytes, ...] = ()
    """The base chains of nf_tables, as NEWCHAIN messages."""
    ipv4: tuple[str, ...] = ()
    """The tables of the older iptables,"""
    ipv6: tuple[str, ...] = ()
    """and of the older ip6tables."""

    def sends_elsewhere(self) -> bool:
        """Whether NAT rules may change destinations."""
        nat = [each for each in self.chains if _TYPE_IS_NAT in each and not any(hook in each for hook in _TOO_LATE)]
        return bool(nat) or "nat" in self.ipv4 or "nat" in self.ipv6


def find(questions: t.Collection[Question]) -> dict[Question, Redirect] | None:
    """What NAT does to some of the ports. None if the user may not know, or the rules cannot be read."""

    def ask() -> dict[Question, Redirect]:
        found = where(is_firewall_asked=False)
        if not found.sends_elsewhere():
            return {}
        from ansible_collections.preflight.ports.plugins.module_utils._netfilter import tables

        return tables.redirects(questions, tables.read(*found))

    return _answer(ask)


def passages(accesses: t.Sequence[Access]) -> list[list[Passage]] | None:
    """Of each access the ports that are not open to all of its clients. None as with find()."""

    def ask() -> list[list[Passage]]:
        found = where(is_firewall_asked=True)
        if not any(found) and not _has_programs():
            return [[] for _access in accesses]
        from ansible_collections.preflight.ports.plugins.module_utils._netfilter import tables

        return tables.passages(accesses, tables.read(*found))

    return _answer(ask)


_Found = t.TypeVar("_Found")


def _answer(ask: t.Callable[[], _Found]) -> _Found | None:
    if sys.platform.startswith("linux"):
        for _attempt in range(_ATTEMPTS):
            try:
                return ask()
            except ChangedError:
                continue
            except _FAILURES:
                break
    return None


def where(is_firewall_asked: bool, proc: str = "/proc") -> Hooked:
    """Raises SourceError where the user may not know."""
    # Where /proc is missing or shows processes alone (its option subset=pid), no file says that there is no NAT.
    if not os.path.exists(f"{proc}/sys/net"):
        raise SourceError(f"{proc}/sys/net does not exist")
    modules = _lines(f"{proc}/modules")
    tracks_connections = os.path.exists(f"{proc}/sys/net/netfilter/nf_conntrack_count")
    nft, ipv4, ipv6 = possible(modules, tracks_connections)
    if is_firewall_asked:
        nft, ipv4, ipv6 = may_have_nf_tables(modules), True, True
    return Hooked(
        tuple(_nft_chains() if nft else ()),
        tuple(_lines(f"{proc}/net/ip_tables_names") if ipv4 else ()),
        tuple(_lines(f"{proc}/net/ip6_tables_names") if ipv6 else ()),
    )


def may_have_nf_tables(modules: t.Sequence[str]) -> bool:
    """Not if it is a module that is not loaded: to ask the kernel would load it."""
    if not modules or any(line.startswith("nf_tables ") for line in modules):
        return True
    built_in = _lines(f"/lib/modules/{os.uname().release}/modules.builtin")
    return not built_in or any(line.endswith("/nf_tables.ko") for line in built_in)


def _has_programs() -> bool:
    """Whether some device has an XDP program, or filters of traffic control, which see packets first."""
    links = dump(_NETLINK_ROUTE, _RTM_GETLINK, _RTM_NEWLINK, bytes(_IFINFOMSG_BYTES))
    if any(_IFLA_XDP in link and _WITHOUT_XDP not in link for link in links):
        return True
    qdiscs = dump(_NETLINK_ROUTE, _RTM_GETQDISC, _RTM_NEWQDISC, bytes(_TCMSG_BYTES))
    return any(kind in qdisc for qdisc in qdiscs for kind in _LOOKING_QDISCS)


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
    return [each for each in chains if each[0] in _HANDLED and any(kind in each for kind in _BASE_TYPES)]


def _lines(path: str) -> list[str]:
    """Nothing where there is no such file."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SourceError(error.strerror or str(error)) from error
