# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be let in -> the command of each tool that does it. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.preflight.ports.plugins.module_utils._model.ports import shown

_SENT_ON = "Allow it in a policy of firewalld: what this host sends on passes no port of a zone."


class Opening(t.NamedTuple):
    """Traffic of one version of IP, as the rule that stops it sees it: behind NAT, that is the new destination."""

    protocol: str
    first: int
    last: int
    clients: tuple[str, ...] = ()
    """Addresses and networks; none for everybody."""
    to: str | None = None
    """The address of the other host that this one sends it on to."""
    is_ipv6: bool = False

    def ports(self, by: str) -> str:
        """``80``, or with a colon for *by* ``80:81``."""
        return str(shown(self.first, self.last)).replace("-", by)


def with_iptables(opening: Opening) -> str:
    """The rule, without command and chain."""
    source = f"-s {','.join(opening.clients)} " if opening.clients else ""
    target = f"-d {opening.to} " if opening.to else ""
    return f"{source}{target}-p {opening.protocol} --dport {opening.ports(':')} -j ACCEPT"


def with_nft(opening: Opening) -> str:
    """The rule, without command and chain."""
    family = "ip6" if opening.is_ipv6 else "ip"
    clients = opening.clients[0] if len(opening.clients) == 1 else f"{{ {', '.join(opening.clients)} }}"
    source = f"{family} saddr {clients} " if opening.clients else ""
    target = f"{family} daddr {opening.to} " if opening.to else ""
    return f"{source}{target}{opening.protocol} dport {opening.ports('-')} accept"


def with_firewalld(opening: Opening, place: str) -> str:
    """*place*: `` --zone=public``, or nothing for the default zone."""
    if opening.to:
        return _SENT_ON
    ports = opening.ports("-")
    added = [f"--add-port={ports}/{opening.protocol}"]
    if opening.clients:
        family = "ipv6" if opening.is_ipv6 else "ipv4"
        added = [
            f'--add-rich-rule=\'rule family="{family}" source address="{client}"'
            f' port port="{ports}" protocol="{opening.protocol}" accept\''
            for client in opening.clients
        ]
    return f"Run: firewall-cmd{place} {' '.join(added)} --permanent && firewall-cmd --reload"


def with_ufw(opening: Opening) -> str:
    ports = opening.ports(":")
    if not opening.clients and not opening.to:
        return f"Run: ufw allow {ports}/{opening.protocol}"
    command = "ufw route allow" if opening.to else "ufw allow"
    rules = (
        f"{command} proto {opening.protocol} from {client} to {opening.to or 'any'} port {ports}"
        for client in opening.clients or ("any",)
    )
    return f"Run: {' && '.join(rules)}"
