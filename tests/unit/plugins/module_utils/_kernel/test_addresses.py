# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import struct

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import addresses

IFA_ADDRESS, IFA_LOCAL = 1, 2


def message(family, device, **known):
    text = struct.pack("=BBBBI", family, 24, 0, 0, device)
    kinds = {"address": IFA_ADDRESS, "local": IFA_LOCAL}
    for name, value in known.items():
        text += struct.pack("=HH", 4 + len(value), kinds[name]) + value + bytes(-len(value) % 4)
    return text


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(message(socket.AF_INET, 2, address=b"AAAA", local=b"LLLL"), [(2, b"LLLL")], id="IPv4"),
        pytest.param(message(socket.AF_INET6, 3, address=b"A" * 16), [(3, b"A" * 16)], id="IPv6"),
        pytest.param(message(socket.AF_INET, 2), [], id="no address"),
        pytest.param(message(17, 2, address=b"AAAA"), [], id="another family"),
    ],
)
def test_read(payload, expected, monkeypatch):
    monkeypatch.setattr(addresses, "dump", lambda *_request: [payload])
    assert addresses.read() == expected


@pytest.mark.linux
def test_read_by_the_kernel_itself():
    lo = socket.if_nametoindex("lo")
    assert (lo, socket.inet_aton("127.0.0.1")) in addresses.read()
