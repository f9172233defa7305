# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import rights
from ansible_collections.preflight.ports.plugins.module_utils._kernel.rights import first_unprivileged, may_bind

ALL, NONE = "000001ffffffffff", "0000000000000000"
BIND_ONLY, ALL_BUT_BIND = "0000000000000400", "000001fffffffbff"


@pytest.fixture
def proc(tmp_path):
    """Writes what the kernel tells of the limit and of this process."""

    def write(limit="1024\n", capabilities=ALL):
        for name, text in (
            ("sys/net/ipv4/ip_unprivileged_port_start", limit),
            ("self/status", f"Name:\tpython\nCapPrm:\t{ALL}\nCapEff:\t{capabilities}\n"),
        ):
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if text is not None:
                file.write_text(text)
        return str(tmp_path)

    return write


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        pytest.param("1024\n", 1024, id="as it is by default"),
        pytest.param("80\n", 80, id="lower"),
        pytest.param("0\n", 0, id="none"),
        pytest.param(None, 1024, id="a kernel without the setting"),
        pytest.param("many\n", 1024, id="rubbish"),
    ],
)
def test_first_unprivileged(limit, expected, proc):
    assert first_unprivileged(proc(limit)) == expected


@pytest.mark.parametrize(
    ("port", "limit", "capabilities", "expected"),
    [
        pytest.param(1023, "1024\n", ALL, True, id="root"),
        pytest.param(1023, "1024\n", BIND_ONLY, True, id="the capability"),
        pytest.param(1023, "1024\n", ALL_BUT_BIND, False, id="root without the capability"),
        pytest.param(1023, "1024\n", NONE, False, id="another user, below the limit"),
        pytest.param(1024, "1024\n", NONE, True, id="another user, at the limit"),
        pytest.param(80, "80\n", NONE, True, id="a lower limit"),
    ],
)
def test_may_bind(port, limit, capabilities, expected, proc):
    assert may_bind(port, proc(limit, capabilities)) is expected


@pytest.mark.parametrize("owns", [True, False])
def test_may_bind_where_the_network_is_another_namespace_s(owns, proc, tmp_path, monkeypatch):
    asked = []

    def ioctl(descriptor, request):
        asked.append(request)
        if not owns:
            raise PermissionError("out of scope")
        return descriptor

    path = proc()
    (tmp_path / "self" / "ns").mkdir()
    (tmp_path / "self" / "ns" / "net").touch()
    monkeypatch.setattr(rights.fcntl, "ioctl", ioctl)
    monkeypatch.setattr(rights.os, "close", lambda _descriptor: None)
    assert may_bind(80, path) is owns
    assert asked == [0xB701]
