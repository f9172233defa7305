# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import SourceError
from ansible_collections.preflight.ports.plugins.module_utils._netfilter import gate
from ansible_collections.preflight.ports.plugins.module_utils._netfilter.gate import Hooked, possible, where
from support import nftables as nft

NOTHING, EVERYTHING = (False, False, False), (True, True, True)
CONNTRACK, NAT = "nf_conntrack 200704 1 nf_nat, Live 0x0", "nf_nat 57344 2 nft_chain_nat,xt_MASQUERADE, Live 0x0"


@pytest.mark.parametrize(
    ("modules", "tracks_connections", "expected"),
    [
        pytest.param([], False, NOTHING, id="no connection tracking"),
        pytest.param([], True, EVERYTHING, id="all built in"),
        pytest.param(["veth 45056 0 - Live 0x0"], True, EVERYTHING, id="other modules"),
        pytest.param([CONNTRACK], True, NOTHING, id="connection tracking alone"),
        pytest.param([CONNTRACK, NAT], True, NOTHING, id="NAT, but nobody's chains"),
        pytest.param([NAT, "nft_chain_nat 16384 2 - Live"], True, (True, False, False), id="nf_tables"),
        pytest.param([NAT, "nft_chain_nat_ipv4 16384 2 -"], True, (True, False, False), id="old nf_tables"),
        pytest.param([NAT, "iptable_nat 16384 1 - Live"], True, (False, True, False), id="iptables"),
        pytest.param([NAT, "ip6table_nat 16384 1 - Live"], True, (False, False, True), id="ip6tables"),
    ],
)
def test_possible(modules, tracks_connections, expected):
    assert possible(modules, tracks_connections) == expected


@pytest.fixture
def proc(tmp_path):
    (tmp_path / "sys/net/netfilter").mkdir(parents=True)
    (tmp_path / "sys/net/netfilter/nf_conntrack_count").touch()
    (tmp_path / "net").mkdir()
    return tmp_path


@pytest.fixture
def chains(monkeypatch):
    """Make the answer to the dump of the chains."""

    def make(answer):
        def dump(*request):
            assert request == (12, 0xA04, 0xA03, bytes(4))
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(gate, "dump", dump)

    return make


def refusal(number):
    error = SourceError("no")
    error.__cause__ = OSError(number, "no")
    return error


@pytest.mark.parametrize("names", ["nat\n", "filter\nnat\n"])
def test_where(names, proc, chains):
    nat = nft.base_chain(hook=nft.OUTPUT)
    others = [nft.base_chain(kind="filter"), nft.base_chain(hook=1), nft.base_chain(hook=4)]
    chains([*others, nat])
    (proc / "net/ip_tables_names").write_text(names)
    (proc / "net/ip6_tables_names").write_text("filter\n")
    assert where(False, str(proc)) == Hooked((*others, nat), tuple(names.split()), ("filter",))


def test_where_without_anything(proc, chains):
    chains([])
    assert where(False, str(proc)) == Hooked()


def test_where_asks_nobody_where_there_can_be_nothing(tmp_path, chains):
    (tmp_path / "sys/net").mkdir(parents=True)
    chains(AssertionError("asked"))
    assert where(False, str(tmp_path)) == Hooked()


def test_where_fails_where_proc_shows_no_settings(tmp_path):
    with pytest.raises(SourceError, match="sys/net does not exist"):
        where(False, str(tmp_path))


@pytest.mark.parametrize(
    ("hooked", "expected"),
    [
        (Hooked((nft.base_chain(),)), True),
        (Hooked((nft.base_chain(kind="filter"), nft.base_chain(hook=1), nft.base_chain(hook=4))), False),
        (Hooked((), ("filter", "nat")), True),
        (Hooked((), (), ("nat",)), True),
        (Hooked((), ("filter",), ("raw",)), False),
    ],
)
def test_sends_elsewhere(hooked, expected):
    assert hooked.sends_elsewhere() is expected


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EPROTONOSUPPORT])
def test_where_on_a_kernel_without_nf_tables(number, proc, chains):
    chains(refusal(number))
    assert where(False, str(proc)) == Hooked()


@pytest.mark.parametrize("error", [refusal(errno.EPERM), SourceError("no")])
def test_where_fails_where_the_user_may_not_know(error, proc, chains):
    chains(error)
    with pytest.raises(SourceError):
        where(False, str(proc))


def test_where_fails_where_a_file_is_not_for_the_user(proc, chains, monkeypatch):
    chains([])

    def refuse(path, **_rest):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(gate, "open", refuse, raising=False)
    with pytest.raises(SourceError, match="Permission denied"):
        where(False, str(proc))


# As the kernel writes it: IFLA_IFNAME, then IFLA_XDP with IFLA_XDP_ATTACHED, each at a multiple of 4 bytes.
NAMED = b"\x07\x00\x03\x00lo\x00\x00"
WITHOUT_XDP = NAMED + b"\x0c\x00\x2b\x00\x05\x00\x02\x00\x00\x00\x00\x00"
WITH_XDP = NAMED + b"\x14\x00\x2b\x00\x05\x00\x02\x00\x01\x00\x00\x00\x08\x00\x04\x00\x2a\x00\x00\x00"
FIFO, CLSACT = b"\x0f\x00\x01\x00pfifo_fast\x00", b"\x0b\x00\x01\x00clsact\x00"


@pytest.mark.parametrize(
    ("links", "qdiscs", "expected"),
    [
        pytest.param([WITHOUT_XDP], [FIFO], False, id="none"),
        pytest.param([NAMED], [], False, id="a kernel without XDP"),
        pytest.param([WITHOUT_XDP, WITH_XDP], [FIFO], True, id="XDP"),
        pytest.param([WITHOUT_XDP], [FIFO, CLSACT], True, id="filters of traffic control"),
    ],
)
def test_programs_that_see_packets_first(links, qdiscs, expected, monkeypatch):
    answers = {16: links, 36: qdiscs}
    monkeypatch.setattr(gate, "dump", lambda _family, _request, kind, _head: [bytes(16) + one for one in answers[kind]])
    assert gate._has_programs() is expected
