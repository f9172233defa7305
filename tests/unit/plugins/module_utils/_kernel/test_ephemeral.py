# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel.ephemeral import Ephemeral, expanded, merged, read

SETTINGS = Ephemeral(32768, 60999, frozenset([40000, 40001]))


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        pytest.param([], [], id="none"),
        pytest.param([80, 32767], [], id="below the range"),
        pytest.param([61000], [], id="above the range"),
        pytest.param([60999, 32768], [32768, 60999], id="both ends, in order"),
        pytest.param([45000, 45000], [45000], id="each once"),
        pytest.param([39999, 40000, 40001, 40002], [39999, 40002], id="not the reserved ones"),
        pytest.param(iter(range(32760, 32770)), [32768, 32769], id="those of a range"),
    ],
)
def test_threatened(ports, expected):
    assert SETTINGS.threatened(ports) == expected


def test_sysctl_keeps_what_is_reserved_already():
    assert SETTINGS.sysctl([45000, 40002]) == "net.ipv4.ip_local_reserved_ports = 40000-40002,45000"


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        pytest.param("", [], id="none"),
        pytest.param("8080", [8080], id="one"),
        pytest.param("8080,9000-9002", [8080, 9000, 9001, 9002], id="a range"),
        pytest.param("1,3,5-6", [1, 3, 5, 6], id="gaps"),
        pytest.param("1-65535", list(range(1, 65536)), id="all"),
    ],
)
def test_expanded_and_merged(text, ports):
    assert list(expanded(text + "\n")) == ports
    assert merged(reversed(ports)) == text


def test_merged_joins_neighbours():
    assert merged({3, 1, 2}) == "1-3"


@pytest.fixture
def folder(tmp_path):
    def write(port_range, reserved):
        for name, text in (("ip_local_port_range", port_range), ("ip_local_reserved_ports", reserved)):
            if text is not None:
                (tmp_path / name).write_text(text)
        return str(tmp_path)

    return write


@pytest.mark.parametrize(
    ("port_range", "reserved", "expected"),
    [
        pytest.param("32768\t60999\n", "\n", Ephemeral(32768, 60999, frozenset()), id="nothing reserved"),
        pytest.param(
            "1024\t65535\n",
            "8080,9000-9001\n",
            Ephemeral(1024, 65535, frozenset([8080, 9000, 9001])),
            id="some reserved",
        ),
        pytest.param(
            "1024\t65535\n",
            ",".join(map(str, range(20001, 60000, 2))),
            Ephemeral(1024, 65535, frozenset(range(20001, 60000, 2))),
            id="many reserved",
        ),
        pytest.param(None, "\n", None, id="no range"),
        pytest.param("32768\t60999\n", None, None, id="no reservations"),
        pytest.param("32768\n", "\n", None, id="half a range"),
        pytest.param("from\tto\n", "\n", None, id="no numbers"),
        pytest.param("32768\t60999\n", "eighty\n", None, id="no reserved numbers"),
        pytest.param("32768\t60999\n", "65535\n", Ephemeral(32768, 60999, frozenset([65535])), id="the last port"),
        pytest.param("32768\t60999\n", "65536\n", None, id="behind the last port"),
        pytest.param("32768\t60999\n", "1-99999999999\n", None, id="a range without end"),
    ],
)
def test_read(port_range, reserved, expected, folder):
    assert read(folder(port_range, reserved)) == expected


def test_read_leaves_nothing_open(folder, leaves_nothing_open):
    assert read(folder("32768\t60999\n", "\n"))


@pytest.mark.linux
def test_this_host_has_a_range(loopback):
    settings = read()
    client, _served = loopback.connection(loopback.listening())
    assert settings.threatened([client.getsockname()[1]])
