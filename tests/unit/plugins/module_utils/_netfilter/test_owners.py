# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.openings import Opening
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.owners import owner
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.packets import FORWARD, INPUT
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.rules import Base
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.packet.walk import Way


class Rule:
    def __init__(self, text=""):
        self._text = text

    def handle(self):
        return 7

    def text(self, is_iptables):
        return f"-j {self._text.rpartition(' ')[2]}" if is_iptables else self._text


def way(table, *chains, tool="nft", is_policy=False, hook=INPUT, others=()):
    present = {name: [Rule()] for name in (*chains, *others)}
    base = Base(tool, table, chains[0], hook, 0, (4,), present.__getitem__)
    return Way(base, chains, tuple((2, Rule()) for _chain in chains)[is_policy:])


FIREWALLD = "inet firewalld"
BY_DEVICE = (
    "jump filter_IN_policy_first",
    'iifname "eth1" jump filter_IN_home',
    'iifname "eth1" reject with icmpx admin-prohibited',
    "jump filter_IN_public",
    "jump filter_IN_policy_last",
    "reject with icmpx admin-prohibited",
)
OPEN_ZONE = "Run: firewall-cmd --zone=public --add-port=80-81/tcp --permanent && firewall-cmd --reload"


@pytest.mark.parametrize(
    ("way", "rule", "by", "advice"),
    [
        (way(FIREWALLD, "filter_INPUT", "filter_INPUT_ZONES", "filter_IN_public"), "reject", "firewalld (zone public)",
         OPEN_ZONE),
        (way(FIREWALLD, "filter_INPUT", "filter_IN_public", "filter_IN_public_deny"), "drop", "firewalld (zone public)",
         "A rule there refuses it; to see it, run: firewall-cmd --zone=public --list-rich-rules"),
        (way(FIREWALLD, "filter_INPUT"), "reject", "firewalld",
         "Run: firewall-cmd --add-port=80-81/tcp --permanent && firewall-cmd --reload"),
        (way("inet firewalld_policy_drop", "filter_input"), "", "firewalld (panic mode)",
         "Run: firewall-cmd --panic-off"),
        (way(FIREWALLD, "filter_INPUT", "filter_INPUT_POLICIES", "filter_IN_policy_mine_allow"), "reject",
         "firewalld (policy mine)",
         "Run: firewall-cmd --policy=mine --add-port=80-81/tcp --permanent && firewall-cmd --reload"),
        (way("ip filter", "INPUT", "INPUT_ZONES", "IN_home_log", tool="iptables"), "", "firewalld (zone home)",
         "Run: firewall-cmd --zone=home --add-port=80-81/tcp --permanent && firewall-cmd --reload"),
        (way("ip mangle", "PREROUTING", "mangle_PREROUTING_ZONES"), "", "firewalld",
         "Run: firewall-cmd --add-port=80-81/tcp --permanent && firewall-cmd --reload"),
        (way("inet f2b-table", "f2b-chain"), "drop", "fail2ban",
         "To lift a ban, run: fail2ban-client unban ADDRESS"),
        (way("inet f2b-table", "f2b-chain"), "ip6 saddr @addr6-set-web\x1b reject", "fail2ban (jail web\\x1b)",
         "To lift a ban, run: fail2ban-client set web\\x1b unbanip ADDRESS"),
        (way("ip filter", "FORWARD", "DOCKER-ISOLATION-STAGE-1", tool="iptables", others=["DOCKER"], hook=FORWARD), "",
         "Docker", "Let the traffic through in the chain FORWARD, or publish the port with Docker."),
        (way("ip docker-bridges", "filter-FORWARD", "filter-forward-in__docker0", hook=FORWARD), "drop", "Docker",
         "Publish the port with Docker."),
        (way("ip filter", "INPUT", tool="iptables", is_policy=True, others=["DOCKER"]), "", "iptables",
         "Run: iptables -A INPUT -p tcp --dport 80:81 -j ACCEPT"),
        (way("ip6 filter", "ufw6-before-input", "ufw6-user-input", tool="iptables"), "", "ufw",
         "A rule there refuses it; ufw status numbered lists it, and ufw delete NUMBER removes it."),
        (way("ip filter", "INPUT", tool="iptables", others=["ufw-before-input"]), "", "iptables",
         "Let the new rule come first: iptables -I INPUT 3 -p tcp --dport 80:81 -j ACCEPT"),
        (way("ip filter", "INPUT", "IN_public", tool="iptables"), "", "iptables",
         "Let the new rule come first: iptables -I IN_public 3 -p tcp --dport 80:81 -j ACCEPT"),
        (way("ip filter", "INPUT", tool="iptables", is_policy=True, others=["ufw-before-input"]), "", "ufw",
         "Run: ufw allow 80:81/tcp"),
        (way("ip filter", "INPUT", "ufw-user-input", tool="iptables"), "", "ufw",
         "A rule there refuses it; ufw status numbered lists it, and ufw delete NUMBER removes it."),
        (way("inet f2b-table", "f2b-chain"), "ip saddr @addr-set-sshd reject", "fail2ban (jail sshd)",
         "To lift a ban, run: fail2ban-client set sshd unbanip ADDRESS"),
        (way("ip filter", "INPUT", "f2b-sshd", tool="iptables"), "", "fail2ban (jail sshd)",
         "To lift a ban, run: fail2ban-client set sshd unbanip ADDRESS"),
        (way("ip filter", "FORWARD", tool="iptables", is_policy=True, hook=FORWARD, others=["DOCKER-USER"]), "",
         "Docker",
         "Let the traffic through in the chain DOCKER-USER, or publish the port with Docker."),
        (way("inet filter", "input", is_policy=True), "policy drop", "nftables",
         "Run: nft add rule inet filter input tcp dport 80-81 accept"),
        (way("inet filter", "input", "mine\x1b"), "drop", "nftables",
         "Let the new rule come first: nft insert rule inet filter mine\\x1b handle 7 tcp dport 80-81 accept"),
        (way("ip6 mangle", "INPUT", tool="iptables-legacy", is_policy=True), "", "iptables",
         "Run: ip6tables-legacy -t mangle -A INPUT -p tcp --dport 80:81 -j ACCEPT"),
    ],
)  # fmt: skip
def test_owner(way, rule, by, advice):
    found = owner(way, rule, Opening("tcp", 80, 81))
    assert (found.by, found.advice) == (by, advice)


@pytest.mark.parametrize("tool", ["nft", "iptables"])
@pytest.mark.parametrize(
    ("place", "by"), [(0, "firewalld"), (2, "firewalld (zone home)"), (5, "firewalld (zone public)")]
)
def test_a_zone_may_refuse_behind_its_own_chain(place, by, tool):
    rules = [Rule(text) for text in BY_DEVICE]
    base = Base(tool, FIREWALLD, "filter_INPUT", INPUT, 0, (4,), {"filter_INPUT_POLICIES": rules}.__getitem__)
    came = Way(base, ("filter_INPUT", "filter_INPUT_POLICIES"), ((4, Rule()), (place, rules[place])))
    assert owner(came, "reject", Opening("tcp", 80, 81)).by == by
