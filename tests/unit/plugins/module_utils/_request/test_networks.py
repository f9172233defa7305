# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.passage import Network
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
from ansible_collections.preflight.ports.plugins.module_utils._request.networks import parse as parse_network


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("192.0.2.7", Network(b"\xc0\0\2\7", 32)),
        (" 10.0.0.0/8 ", Network(b"\x0a\0\0\0", 8)),
        ("0.0.0.0/0", Network(bytes(4), 0)),
        ("2001:db8::/32", Network(b"\x20\1\x0d\xb8" + bytes(12), 32)),
    ],
)
def test_parse(written, expected):
    assert parse_network(written, "clients") == expected


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (
            "web1",
            "'web1' is neither an address nor a network; write, for example, 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32",
        ),
        (7, "7 is neither an address nor a network"),
        ("10.0.0.1/8", "'10.0.0.1/8' has host bits set; write 10.0.0.0/8 for the network, or 10.0.0.1 for the host"),
        ("10.0.0.0/33", "'10.0.0.0/33': '33' is not a prefix length; for IPv4 it is 0 to 32"),
        ("::ffff:10.0.0.1", "'::ffff:10.0.0.1' is IPv4 in the form of IPv6; write 10.0.0.1"),
        ("127.0.0.1", "'127.0.0.1' is the address of no other host"),
        ("224.0.0.0/4", "'224.0.0.0/4' is the address of no other host"),
        ("ff02::1", "'ff02::1' is the address of no other host"),
        ("10.0.0.0/", "'' is not a prefix length"),
        ("10.0.0.0/8, 192.0.2.0/24", "for IPv4 it is 0 to 32; write an entry for each network"),
    ],
)
def test_parse_refuses(written, problem):
    with pytest.raises(RequirementError) as caught:
        parse_network(written, "clients")
    assert problem in str(caught.value)


def test_entries_have_their_own_terms():
    entries = [{"port": 80, "firewall": "fail", "clients": "10.0.0.0/8, 192.0.2.7"}, 81]
    own, other = parse(entries, firewall="ignore", clients=[])
    assert (own.firewall, [each.length for each in own.clients]) == ("fail", [8, 32])
    assert (other.firewall, other.clients) == ("ignore", ())


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"port": 80, "firewall": "maybe"}, "firewall: expected 'warn', 'fail' or 'ignore', not 'maybe'"),
        ({"port": 80, "clients": 7}, "clients: expected a list of addresses and networks, not"),
    ],
)
def test_entries_refuse(entry, problem):
    with pytest.raises(RequirementError) as caught:
        parse([entry])
    assert problem in str(caught.value)
