# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ctypes
import errno
import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt import entries
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.xt.entries import IPV4, IPV6, Table, read
from support.xt_entries import (
    ACCEPT,
    COMMENT,
    DROP,
    RETURN,
    TCP_80,
    TO_80,
    begins,
    entry,
    extension,
    goes_to,
    table,
)

CHAINS = ("PREROUTING", "OUTPUT")
UDP_81 = ("udp", 0, struct.pack("=HHHHB", 0, 65535, 81, 81, 0))


@pytest.mark.parametrize(("layout", "level"), [(IPV4, 0), (IPV6, 41)])
def test_read(layout, level, monkeypatch):
    rows = entry(layout=layout) + entry(TCP_80, layout=layout) + begins("ERROR", layout)
    libc = Libc(rows, second=len(entry(layout=layout)))
    monkeypatch.setattr(entries.ctypes, "CDLL", lambda *_arguments, **_options: libc)
    made = read(layout, "nat")
    assert libc.asked == [(level, 64), (level, 65)]
    assert made.layout is layout
    chains = [[[each for each, *_rest in rule.matches()] for rule in made.rules(name)] for name in CHAINS]
    assert chains == [[], [["tcp"]]]  # the first ends in its policy


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
        read(IPV4, "nat")


def test_rules():
    made = table(entry(TCP_80, COMMENT, target=TO_80), entry(UDP_81, target=goes_to(RETURN)))
    one, two = made.rules("PREROUTING")
    assert (one.code(), one.target[0], [name for name, _revision, _info in one.matches()]) == (
        None, "REDIRECT", ["tcp", "comment"],
    )  # fmt: skip
    assert two.code() == RETURN


def test_policies():
    one, two = entry(target=goes_to(DROP)), entry(TCP_80, target=goes_to(ACCEPT))
    made = Table(IPV4, "filter", {1: 0}, [len(two)], two + one)
    assert (made.hooks, made.policies, len(made.rules("INPUT"))) == ({1: "INPUT"}, {"INPUT": DROP}, 1)


def test_nonsense():
    with pytest.raises(SourceError, match="an entry of no length"):
        Table(IPV4, "nat", {}, (), bytes(200))
    with pytest.raises(SourceError, match="an extension of no length"):
        list(
            table(entry(("x", 0, b""))[:112] + bytes(32) + extension(*goes_to(ACCEPT))).rules("PREROUTING")[0].matches()
        )
    with pytest.raises(struct.error):
        Table(IPV4, "nat", {}, (), entry()[:50])
