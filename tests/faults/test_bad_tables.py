# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables in /proc/net that are not as proc_pid_net(5) says."""

from __future__ import annotations

from typing import Any

import pytest
from faults.proc_net import serve
from support.apart import in_mounts
from support.people import listener, port_of
from support.running import check

HEADER = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = b"   0: 0100007F:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0\n"

MALFORMED = {
    "cut behind the port": lambda row: row[: row.index(b" 00000000:0000")],
    "cut in the port": lambda row: row[: row.index(b" 00000000:0000") - 1],
    "cut in the address": lambda row: row[:10],
    "cut behind the number": lambda row: row[:5],
    "cut before the inode": lambda row: row[: row.index(b" 4711")],
    "without an inode": lambda row: row.replace(b"4711", b"-"),
    "with an address that is not hexadecimal": lambda row: row.replace(b"0100007F", b"0100007G"),
    "with an address of another length": lambda row: row.replace(b"0100007F", b"0100007F00"),
    "with a sign in the address": lambda row: row.replace(b"0100007F", b"+100007F"),
    "with a port that is not hexadecimal": lambda row: row.replace(b":", b":x", 2),
    "without a colon": lambda row: row[:10] + row[10:].replace(b":", b" ", 1),
    "with a state that is none": lambda row: row.replace(b" 0A ", b" ?? "),
    "of zero bytes": lambda row: bytes(len(row)) + b"\n",
    "of what is no text": lambda row: b"\xff\xfe" * 40 + b"\n",
    "empty": lambda row: b"\n",
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_row_is_not_skipped(change: Any) -> None:
    def scene() -> dict[str, Any]:
        server = listener()
        row = change(ROW % port_of(server))
        serve({"tcp": HEADER + row})
        return check([port_of(server)], source="procfs", probe=False)

    result = in_mounts(scene)
    assert result.get("failed"), result
    assert result["ports"] == []
    assert "malformed row" in result["msg"]


def test_an_empty_file_is_no_table() -> None:
    def scene() -> dict[str, Any]:
        server = listener()
        serve({"tcp": b""})
        return check([port_of(server)], source="procfs", probe=False)

    result = in_mounts(scene)
    assert result.get("failed"), result
    assert result["ports"] == []
