# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import socket

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import (
    BOUND,
    CLOSING,
    CONNECTED,
    EVERY_STATE,
    LISTENING,
    SourceError,
)
from ansible_collections.preflight.ports.plugins.module_utils._table import proc_net
from support.records import row

HEADER = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
REST = b" 1 0000000000000000 100 0 0 10 0"


def line(local, state=b"0A", remote=b"00000000:0000", uid=0, inode=0):
    return b"   0: %s %s %s 00000000:00000000 00:00000000 00000000 %5d        0 %d%s\n" % (
        local, remote, state, uid, inode, REST,
    )  # fmt: skip


@pytest.fixture
def tables(tmp_path):
    """Four tables without rows, and how to write one."""

    def write(name, *lines):
        (tmp_path / name).write_bytes(HEADER + b"".join(lines))
        return str(tmp_path)

    for name in ("tcp", "tcp6", "udp", "udp6"):
        write(name)
    return write


@pytest.mark.parametrize(
    ("text", "protocol", "expected"),
    [
        pytest.param(
            line(b"0100007F:1F90", uid=33, inode=4242),
            "tcp",
            row(LISTENING, "127.0.0.1", 8080, inode=4242, uid=33),
            id="IPv4 listener",
        ),
        pytest.param(
            line(b"00000000000000000000000000000000:0050"),
            "tcp",
            row(LISTENING, "::", 80, uid=0),
            id="IPv6 listener, V6ONLY not told",
        ),
        pytest.param(
            line(b"00000000000000000000000001000000:0050"),
            "tcp",
            row(LISTENING, "::1", 80, v6only=True, uid=0),
            id="IPv6 address",
        ),
        pytest.param(
            line(b"0000000000000000FFFF00000500000A:0050"),
            "tcp",
            row(LISTENING, "::ffff:10.0.0.5", 80, uid=0),
            id="IPv4 mapped into IPv6",
        ),
        pytest.param(
            line(b"0500000A:AFC8", b"01", b"0900000A:01BB", 1000, 7),
            "tcp",
            row(CONNECTED, "10.0.0.5", 45000, inode=7, uid=1000, peer="10.0.0.9:443"),
            id="connection",
        ),
        pytest.param(
            line(b"B80D0120000000000000000005000000:AFC8", b"01", b"B80D0120000000000000000009000000:01BB"),
            "tcp",
            row(CONNECTED, "2001:db8::5", 45000, uid=0, peer="[2001:db8::9]:443"),
            id="connection over IPv6",
        ),
        pytest.param(
            line(b"0500000A:0050", b"06", b"0900000A:C350"),
            "tcp",
            row(CLOSING, "10.0.0.5", 80, uid=0, peer="10.0.0.9:50000"),
            id="TIME_WAIT",
        ),
        pytest.param(
            line(b"00000000:0035", b"07", inode=9), "udp", row(BOUND, "0.0.0.0", 53, "udp", inode=9, uid=0), id="UDP"
        ),
        pytest.param(
            line(b"0100007F:0035", b"01", b"0100007F:14E9", inode=9),
            "udp",
            row(CONNECTED, "127.0.0.1", 53, "udp", inode=9, uid=0, peer="127.0.0.1:5353"),
            id="UDP connected",
        ),
    ],
)
def test_read_a_row(text, protocol, expected, tables):
    assert proc_net.read(protocol, 1, 65535, EVERY_STATE, tables(protocol, text)) == [expected]


MALFORMED = [
    pytest.param(b"\n", id="an empty line"),
    pytest.param(b"   0: 0100007F:1F90\n", id="a line cut off"),
    pytest.param(line(b"0100007F:0050")[:84], id="no inode"),
    pytest.param(line(b"0100007F"), id="no port"),
    pytest.param(line(b"0100007F:"), id="an empty port"),
    pytest.param(line(b"0100007F:00050"), id="a port of five digits"),
    pytest.param(line(b"0100007G:0050"), id="no hexadecimal address"),
    pytest.param(line(b"0100007F:00G0"), id="no hexadecimal port"),
    pytest.param(line(b"0100007:0050"), id="seven digits of an address"),
    pytest.param(line(b"-100007F:0050"), id="a negative address"),
    pytest.param(line(b"0100007F:0050", uid=77).replace(b"77", b"7" * 5000), id="a user of 5000 digits"),
    pytest.param(line(b"0100007F00000000:0050"), id="an address of 64 bits"),
    pytest.param(line(b"0100007F:0050", b"ZZ"), id="no hexadecimal state"),
    pytest.param(line(b"0100007F:0050", remote=b"nothing"), id="no remote address"),
    pytest.param(line(b"0100007F:0050").replace(b"     0        0 0", b"     x        0 0"), id="no uid"),
    pytest.param(b"\xff\xfe\x00 \x1b[2J\n", id="no text at all"),
]


def test_read_takes_both_families_and_keeps_to_the_ports(tables):
    tables("tcp", *(line(b"00000000:%04X" % port) for port in (79, 80, 81, 82)))
    tables("udp", line(b"00000000:0050", b"07"))
    folder = tables("tcp6", line(b"00000000000000000000000000000000:0051"))
    assert proc_net.read("tcp", 80, 81, EVERY_STATE, folder) == [
        row(LISTENING, "0.0.0.0", 80, uid=0),
        row(LISTENING, "0.0.0.0", 81, uid=0),
        row(LISTENING, "::", 81, uid=0),
    ]
    assert proc_net.read("udp", 1, 65535, EVERY_STATE, folder) == [row(BOUND, "0.0.0.0", 80, "udp", uid=0)]


@pytest.mark.parametrize("text", MALFORMED)
def test_read_fails_on_a_malformed_row_among_good_ones(text, tables):
    folder = tables("tcp", line(b"00000000:0050"), text, line(b"00000000:0051"))
    with pytest.raises(SourceError) as failure:
        proc_net.read("tcp", 1, 65535, EVERY_STATE, folder)
    assert str(failure.value) == f"a malformed row: {text.rstrip()[:80]!r}"


def test_read_fails_without_a_table(tables, tmp_path):
    folder = tables("tcp6", line(b"00000000000000000000000000000000:0050"))
    (tmp_path / "tcp").unlink()
    with pytest.raises(SourceError, match=r"/tcp does not exist$"):
        proc_net.read("tcp", 80, 80, EVERY_STATE, folder)


@pytest.mark.parametrize("has_ipv6", [True, False], ids=["with IPv6", "without IPv6"])
def test_read_needs_tcp6_where_the_host_has_ipv6(has_ipv6, tables, tmp_path, monkeypatch):
    monkeypatch.setattr(proc_net, "host_has_ipv6", lambda: has_ipv6)
    folder = tables("tcp", line(b"00000000:0050"))
    (tmp_path / "tcp6").unlink()
    if has_ipv6:
        with pytest.raises(SourceError, match=r"/tcp6 does not exist$"):
            proc_net.read("tcp", 80, 80, EVERY_STATE, folder)
    else:
        assert proc_net.read("tcp", 80, 80, EVERY_STATE, folder) == [row(LISTENING, "0.0.0.0", 80, uid=0)]


def test_read_needs_the_table_of_ipv4_anyway(tables, tmp_path, monkeypatch):
    monkeypatch.setattr(proc_net, "host_has_ipv6", lambda: False)
    folder = tables("udp")
    (tmp_path / "udp").unlink()
    with pytest.raises(SourceError, match=r"/udp does not exist$"):
        proc_net.read("udp", 80, 80, EVERY_STATE, folder)


def test_read_fails_where_the_table_cannot_be_read(tables, tmp_path):
    (tmp_path / "udp").unlink()
    (tmp_path / "udp").mkdir()
    with pytest.raises(SourceError, match=r"/udp: Is a directory$"):
        proc_net.read("udp", 80, 80, EVERY_STATE, str(tmp_path))


def test_read_fails_on_an_empty_file(tables, tmp_path):
    # Sandboxes cover files of /proc with /dev/null; the kernel always writes the header.
    (tmp_path / "tcp").write_bytes(b"")
    with pytest.raises(SourceError):
        proc_net.read("tcp", 80, 80, EVERY_STATE, str(tmp_path))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(errno.EAFNOSUPPORT, False, id="no such family"),
        pytest.param(errno.EMFILE, True, id="in doubt, yes"),
    ],
)
def test_host_has_ipv6_where_no_socket_can_be_made(number, expected, monkeypatch):
    def refuse(*_arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "socket", refuse)
    assert proc_net.host_has_ipv6() is expected


def test_host_has_ipv6():
    assert proc_net.host_has_ipv6()
