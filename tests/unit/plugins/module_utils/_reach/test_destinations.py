# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option to, as text and as dicts."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import RequirementError
from ansible_collections.preflight.ports.plugins.module_utils._reach.destinations import MOST, Destination, parse


def one(entry, **options):
    (found,) = parse([entry], **options)
    return found


@pytest.mark.parametrize(
    ("entry", "host", "port", "protocol"),
    [
        ("db1:5432", "db1", 5432, "tcp"),
        (" 10.0.0.9:53/udp ", "10.0.0.9", 53, "udp"),
        ("[fd00::5]:443", "fd00::5", 443, "tcp"),
        ("[fe80::5%eth0]:443/TCP", "fe80::5%eth0", 443, "tcp"),
        ("db1:domain", "db1", 53, "tcp"),
        ({"host": "db1", "port": 5432}, "db1", 5432, "tcp"),
        ({"host": "[fd00::5]", "port": "53", "protocol": "udp"}, "fd00::5", 53, "udp"),
    ],
)
def test_entries(entry, host, port, protocol):
    assert one(entry, service=lambda name, protocol: 53) == Destination(host, port, protocol)


def test_ranges_and_both_protocols():
    assert [(each.port, each.protocol) for each in parse(["db1:80-81/tcp+udp"])] == [
        (80, "tcp"),
        (81, "tcp"),
        (80, "udp"),
        (81, "udp"),
    ]


def test_what_a_dict_says_beats_the_option():
    assert one({"host": "a", "port": 1, "expect": "closed", "name": "n", "responder": "r"}) == Destination(
        "a", 1, "tcp", "n", "closed", "r"
    )
    assert one("a:1", expect="closed").expect == "closed"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("db1", "a host and a port are needed"),
        (":80", "a host and a port are needed"),
        ("fd00::5:443", "stands in brackets"),
        ("10.0.0.9:80:81", "a host has one port, or a range"),
        ("10.0.0.9:80 10.0.0.8:80", "separate entries with commas"),
        ({"host": "10.0.0.9:80", "port": 1}, "the host '10.0.0.9:80' has a port"),
        ("0.0.0.0:80", "0.0.0.0 is no host's address"),
        ("0:80", "0 is no host's address"),
        ("[::]:80", ":: is no host's address"),
        ("https://db1:443", "this is a URL; write HOST:PORT"),
        ("db1:0", "port 0 does not exist"),
        ("db1:80/sctp", "unknown protocol 'sctp'"),
        (80, "write HOST:PORT"),
        ({"host": "db1"}, "not nothing"),
        ({"port": 1}, "host is a name or an address"),
        ({"host": "a b", "port": 1}, "is not a name"),
        ({"host": "a/b", "port": 1}, "is not a name"),
        ({"host": "a\nb", "port": 1}, "is not a name"),
        ({"host": "a" * 254, "port": 1}, f"'{'a' * 80}' is not a name"),
        ({"host": "a", "port": 1, "prot": "udp"}, "unknown key 'prot'"),
        ({"host": "a", "port": 1, "expect": "shut"}, "expect is 'open' or 'closed'"),
        ({"host": "a", "port": 1, "name": 7}, "name is text"),
    ],
)
def test_errors_name_the_entry_and_what_would_be_right(entry, said):
    with pytest.raises(RequirementError, match=r"to\[1\]") as error:
        parse(["ok:1", entry])
    assert said in str(error.value)


def test_the_longest_name():
    assert one({"host": "a" * 253, "port": 1}).host == "a" * 253


def test_there_are_not_too_many():
    with pytest.raises(RequirementError, match=f"more than {MOST}"):
        parse(["a:1-20001"])
