# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ctypes
import errno
import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._nat import entries
from ansible_collections.preflight.ports.plugins.module_utils._nat.entries import IPV4, IPV6, Table, read
from ansible_collections.preflight.ports.plugins.module_utils._sockets import SourceError
from entries import (
    ACCEPT,
    COMMENT,
    MARK,
    RETURN,
    TCP_80,
    TO_80,
    begins,
    entry,
    extension,
    goes_to,
    multiport,
    table,
    tcp,
)

DNAT = ("DNAT", 0, bytes(20))
NETMAP = ("NETMAP", 0, bytes(20))
UDP_81 = ("udp", 0, struct.pack("=HHHHB", 0, 65535, 81, 81, 0))
POLICY = entry()


def jump(match, *inner, code=None):
    """A rule that jumps to a chain with these rules."""
    matches = [match] if match else []
    before = [entry(*matches, target=goes_to(0)), POLICY, begins("INNER")]
    to = sum(map(len, before)) if code is None else code
    return [entry(*matches, target=goes_to(to)), *before[1:], *inner, entry(target=goes_to(RETURN))]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param([POLICY], False, id="nothing"),
        pytest.param([entry(TCP_80, target=TO_80)], True, id="the port"),
        pytest.param([entry(tcp(81), target=TO_80)], False, id="another port"),
        pytest.param([entry(UDP_81, target=DNAT)], False, id="another port of UDP"),
        pytest.param([entry(multiport(81, 82), target=DNAT)], False, id="other ports"),
        pytest.param([entry(multiport(81, 80), target=DNAT)], True, id="several ports"),
        pytest.param([entry(COMMENT, tcp(81), MARK, target=DNAT)], False, id="another port among matches"),
        pytest.param([entry(target=DNAT)], True, id="every port"),
        pytest.param([entry(MARK, target=NETMAP)], True, id="a mark"),
        pytest.param([entry(protocol=6, target=DNAT)], True, id="a protocol"),
        pytest.param([entry(tcp(0, 65535), target=DNAT)], True, id="TCP"),
        pytest.param([entry(tcp(70, 90), target=DNAT)], True, id="a range with the port"),
        pytest.param([entry(tcp(90, 99), target=DNAT)], True, id="a range cannot be told"),
        pytest.param([entry(tcp(81, invert=2), target=DNAT)], True, id="all ports but another"),
        pytest.param([entry(tcp(0, 65535, sources=(81, 81)), target=DNAT)], True, id="a source port"),
        pytest.param([entry(multiport(81, invert=1), target=DNAT)], True, id="all ports but several"),
        pytest.param([entry(multiport(81, which=0), target=DNAT)], True, id="several source ports"),
        pytest.param([entry(multiport(81, which=2), target=DNAT)], True, id="ports of either end"),
        pytest.param([entry(multiport(70, 90, ranges=[0]), target=DNAT)], True, id="several ranges"),
        pytest.param([entry(("tcp", 1, tcp(81)[2]), target=DNAT)], True, id="an unknown match"),
        pytest.param([entry(("comment", 0, extension(*tcp(81))), target=DNAT)], True, id="a comment"),
        pytest.param([entry(TCP_80, target=("MARK", 2, bytes(8)))], False, id="another target"),
        pytest.param([entry(TCP_80, target=goes_to(ACCEPT))], False, id="accept"),
        pytest.param([entry(protocol=6, target=goes_to(len(entry())))], False, id="no target"),
        pytest.param(jump(None, entry(target=DNAT)), True, id="jump"),
        pytest.param(jump(TCP_80, entry(target=DNAT)), True, id="jump for the port"),
        pytest.param(jump(tcp(81), entry(target=DNAT)), False, id="jump for another port"),
        pytest.param(jump(tcp(81, 82), entry(target=DNAT)), True, id="jump for a range"),
        pytest.param(jump(None, entry(tcp(81), target=DNAT)), False, id="another port behind a jump"),
        pytest.param(jump(None, entry(target=DNAT), code=ACCEPT), False, id="nobody jumps"),
        pytest.param(jump(None, entry(target=goes_to(0))), False, id="circle"),
    ],
)
def test_may_redirect(made, expected):
    assert table(*made).may_redirect({80}) is expected


def test_may_redirect_what_this_host_sends_itself():
    assert table(POLICY, output=[entry(target=DNAT)]).may_redirect({80})
    assert not table(POLICY, output=[entry(tcp(81), target=DNAT)]).may_redirect({80})


@pytest.mark.parametrize(("layout", "level"), [(IPV4, 0), (IPV6, 41)])
def test_read(layout, level, monkeypatch):
    rows = entry(layout=layout) + entry(TCP_80, layout=layout) + begins("ERROR", layout)
    libc = Libc(rows, second=len(entry(layout=layout)))
    monkeypatch.setattr(entries.ctypes, "CDLL", lambda *_arguments, **_options: libc)
    made = read(layout)
    assert libc.asked == [(level, 64), (level, 65)]
    assert made.layout is layout
    assert [[rule.ports() for rule in made.rules(name)] for name in ("PREROUTING", "OUTPUT")] == [[None], [(80,)]]


class Libc:
    """A kernel with this table."""

    def __init__(self, rows=b"", second=0, fails=0):
        self.rows, self.second, self.fails, self.asked = rows, second, fails, []

    def getsockopt(self, _descriptor, level, option, answer, length):
        self.asked.append((level, option))
        assert answer.raw.startswith(b"nat\0")
        if self.fails:
            ctypes.set_errno(self.fails)
            return -1
        if option == 64:
            answer.raw = struct.pack("@32s13I", b"nat", 9, 0, 0, 0, self.second, *[0] * 7, len(self.rows))
        else:
            head = struct.calcsize("@32sI0Q")
            assert len(answer.raw) == length._obj.value == head + len(self.rows)
            answer.raw = answer.raw[:head] + self.rows
        return 0


def test_read_from_a_kernel_that_refuses(monkeypatch):
    monkeypatch.setattr(entries.ctypes, "CDLL", lambda *_arguments, **_options: Libc(fails=errno.EPERM))
    with pytest.raises(SourceError, match="Operation not permitted"):
        read(IPV4)


def test_rules():
    made = table(entry(TCP_80, COMMENT, target=TO_80), entry(UDP_81, target=goes_to(RETURN)))
    one, two = made.rules("PREROUTING")
    assert (one.ports(), one.code(), one.target[0], [name for name, _revision, _info in one.matches()]) == (
        (80,), None, "REDIRECT", ["tcp", "comment"],
    )  # fmt: skip
    assert (two.ports(), two.code()) == ((81,), RETURN)


def test_nonsense():
    with pytest.raises(SourceError, match="an entry of no length"):
        Table(IPV4, {}, bytes(200))
    with pytest.raises(SourceError, match="an extension of no length"):
        table(entry(("x", 0, b""))[:112] + bytes(32) + extension(*goes_to(ACCEPT))).may_redirect({80})
    with pytest.raises(struct.error):
        Table(IPV4, {}, entry()[:50])
