# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose rule stops packets, and the command of its owner that would let them in. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.text import printable
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import openings
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.openings import Opening
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import FORWARD
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Base
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.walk import Way

# firewalld's chains of a zone, with nf_tables and with iptables, and those of a policy between zones
_ZONE = re.compile(r"(?:filter_)?IN_(policy_)?(.+?)(?:_(pre|log|deny|allow|post))?")
_JUMP = re.compile(r"(?:\bjump|\bgoto|-j|-g) (\S+)")
_FIREWALLD = re.compile(
    r"(?:filter|nat|mangle|raw)_(?:INPUT|FORWARD|PREROUTING)(?:_.*)?|(?:INPUT|FORWARD)_(?:ZONES|POLICIES).*"
)
_PANIC = "firewalld_policy_drop"
_UFW = re.compile(r"ufw6?-.*")
_OF_UFW, _OF_DOCKER = ("ufw-before-input", "ufw6-before-input"), ("DOCKER", "DOCKER-USER")
_FAIL2BAN = re.compile(r"f2b-(.*)")
_BAN_SET = re.compile(r"@addr6?-set-(\S+)")
_DOCKER = re.compile(r"DOCKER(?:-.*)?")
_DOCKER_OF_NFT = "docker-bridges"  # a table of its own, with firewall-backend nftables


class Owner(t.NamedTuple):
    """Whoever made a rule. All text is printable."""

    by: str
    """In people's words: ``firewalld (zone public)``."""
    advice: str


def owner(way: Way, rule: str, opening: Opening) -> Owner:
    """Of the rule or policy that a way ends at; *rule*: its text; *opening*: what is to be let in there."""
    chains, table = way.chains, way.base.table.partition(" ")[2]
    if table.startswith("firewalld") or any(map(_is_zone, chains)):
        return _firewalld(way, table, opening)
    if any(map(_UFW.fullmatch, chains)) or (not way.passed and _has(way.base, _OF_UFW)):
        return _ufw(chains, opening)
    jail = next((found[1] for found in map(_FAIL2BAN.fullmatch, reversed(chains)) if found), None)
    if jail or table.startswith("f2b-"):
        return _fail2ban(jail, rule)
    if table == _DOCKER_OF_NFT:
        return Owner("Docker", "Publish the port with Docker.")
    if any(map(_DOCKER.fullmatch, chains)) or (way.base.hook == FORWARD and _has(way.base, _OF_DOCKER)):
        place = "DOCKER-USER" if _has(way.base, ("DOCKER-USER",)) else way.base.name
        return Owner("Docker", f"Let the traffic through in the chain {place}, or publish the port with Docker.")
    if way.base.tool == "nft":
        return Owner("nftables", _for_nft(way, opening))
    return Owner("iptables", _for_iptables(way, opening))


def _is_zone(chain: str) -> bool:
    return bool(_FIREWALLD.fullmatch(chain) or chain.startswith("filter_IN_"))


def _has(base: Base, names: t.Iterable[str]) -> bool:
    """Whether its table has one of these chains."""
    for name in names:
        try:
            if base.chain(name):
                return True
        except LookupError:  # the older tables know the chains that they have, and no others
            continue
    return False


def _firewalld(way: Way, table: str, opening: Opening) -> Owner:
    if table == _PANIC:
        return Owner("firewalld (panic mode)", "Run: firewall-cmd --panic-off")
    found = next((found for found in map(_ZONE.fullmatch, reversed(way.chains)) if found), None) or _refused_after(way)
    kind, name, part = found.groups() if found else (None, None, None)
    by = f"firewalld ({'policy' if kind else 'zone'} {printable(name)})" if name else "firewalld"
    option = f" --{'policy' if kind else 'zone'}={printable(name)}" if name else ""
    if part == "deny":
        return Owner(by, f"A rule there refuses it; to see it, run: firewall-cmd{option} --list-rich-rules")
    return Owner(by, openings.with_firewalld(opening, option))


def _refused_after(way: Way) -> re.Match[str] | None:
    """From version 2 on, firewalld has what a zone refuses behind the jump to the chain of the zone."""
    if len(way.passed) < len(way.chains):
        return None
    place, _rule = way.passed[-1]
    for rule in reversed(way.base.chain(way.chains[-1])[:place]):
        jump = _JUMP.search(rule.text(way.base.tool != "nft"))
        zone = _ZONE.fullmatch(jump[1]) if jump else None
        if zone and not zone[1]:
            return zone
    return None


def _ufw(chains: t.Sequence[str], opening: Opening) -> Owner:
    if chains[-1] in ("ufw-user-input", "ufw6-user-input"):
        return Owner("ufw", "A rule there refuses it; ufw status numbered lists it, and ufw delete NUMBER removes it.")
    return Owner("ufw", openings.with_ufw(opening))


def _fail2ban(jail: str | None, rule: str) -> Owner:
    in_set = _BAN_SET.search(rule)
    jail = in_set[1] if in_set else jail if jail not in (None, "chain") else None
    if not jail:
        return Owner("fail2ban", "To lift a ban, run: fail2ban-client unban ADDRESS")
    jail = printable(jail)
    return Owner(f"fail2ban (jail {jail})", f"To lift a ban, run: fail2ban-client set {jail} unbanip ADDRESS")


def _for_nft(way: Way, opening: Opening) -> str:
    where = printable(f"{way.base.table} {way.chains[-1]}")
    match = openings.with_nft(opening)
    if len(way.passed) < len(way.chains):
        return f"Run: nft add rule {where} {match}"
    _place, rule = way.passed[-1]
    return f"Let the new rule come first: nft insert rule {where} handle {rule.handle()} {match}"


def _for_iptables(way: Way, opening: Opening) -> str:
    family, _space, table = way.base.table.partition(" ")
    command = ("ip6tables" if family == "ip6" else "iptables") + way.base.tool[len("iptables") :]
    command += "" if table == "filter" else f" -t {table}"
    chain = printable(way.chains[-1])
    match = openings.with_iptables(opening)
    if len(way.passed) < len(way.chains):
        return f"Run: {command} -A {chain} {match}"
    return f"Let the new rule come first: {command} -I {chain} {way.passed[-1][0] + 1} {match}"
