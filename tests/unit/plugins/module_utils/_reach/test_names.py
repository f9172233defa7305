# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names, looked up once and in bounded time."""

from __future__ import annotations

import socket
import time

from ansible_collections.preflight.ports.plugins.module_utils._reach import names


def test_literals_are_not_looked_up(monkeypatch):
    monkeypatch.setattr(names, "_look_up", lambda host: 1 / 0)
    found = names.resolve(["127.0.0.1", "::1"], 1)
    assert found["127.0.0.1"] == [(socket.AF_INET, ("127.0.0.1", 0))]
    assert found["::1"] == [(socket.AF_INET6, ("::1", 0, 0, 0))]


def test_each_name_is_looked_up_once(monkeypatch):
    asked = []

    def look_up(host):
        asked.append(host)
        return [(socket.AF_INET, ("10.0.0.1", 0))]

    monkeypatch.setattr(names, "_look_up", look_up)
    assert names.resolve(["db1", "db2", "db1"], 1)["db1"] == [(socket.AF_INET, ("10.0.0.1", 0))]
    assert sorted(asked) == ["db1", "db2"]


def test_a_name_that_does_not_resolve():
    for name in ("nobody.invalid", "a..b", "x" * 70 + ".example"):
        assert isinstance(names.resolve([name], 20)[name], names.Unresolved)


def test_a_resolver_that_blocks_is_abandoned(monkeypatch):
    monkeypatch.setattr(names, "_look_up", lambda host: time.sleep(3))
    began = time.monotonic()
    found = names.resolve(["slow"], 0.1)["slow"]
    assert time.monotonic() - began < 2
    assert "no answer in 0.1 s" in str(found)
