# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles -> entries, and what is advised for their ports."""

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.filter.profile_ports import profile_ports
from ansible_collections.preflight.ports.plugins.plugin_utils._gate.profiled import advised, profiled

STOP = "Stop it (systemctl stop x.service), or name it in {} if it is to keep the port."


@pytest.mark.parametrize("items", ["redis, etcd", ["redis", "etcd"], [{"name": "redis"}, "etcd"]], ids=str)
def test_each_entry_knows_its_profile(items):
    wanted = profiled(items, profile_ports)
    assert wanted.entries == profile_ports(["redis", "etcd"])
    assert set(wanted.profiles.values()) == {"redis", "etcd"}


def test_advice_names_the_profile_whose_holders_count():
    wanted = profiled([{"name": "redis", "held_by": ["unit:cache"]}], profile_ports)
    (entry,) = wanted.entries
    conflicts = [{"name": entry["name"], "advice": STOP.format("held_by (unit:x.service)")}]
    item = "port_preflight_profiles ({name: redis, held_by: ['unit:cache', 'unit:x.service']})"
    assert advised(conflicts, wanted)[0]["advice"] == STOP.format(item)


@pytest.mark.parametrize(
    "found",
    [
        {"name": "web", "advice": STOP.format("held_by (unit:x.service)")},
        {"name": None, "advice": STOP.format("held_by (unit:x.service)")},
        {"name": "Redis: clients", "advice": None},
    ],
    ids=str,
)
def test_other_advice_stays(found):
    assert advised([found], profiled(["redis"], profile_ports)) == [found]
