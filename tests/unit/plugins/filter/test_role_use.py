# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.filter.role_use import FilterModule, role_use


def mark(uuid="now", known=None, others=None, name="Deploy", hosts="ab", lost=""):
    """Of host a, the only one of its batch. *others*: the marks of the other hosts."""
    hostvars = {"a": {}, **{host: {} for host in hosts}}
    hostvars.update({host: {"__port_preflight_use": each} for host, each in (others or {}).items()})
    context = {
        "ansible_play_name": name,
        "ansible_play_hosts_all": sorted(hosts),
        "ansible_play_hosts": sorted(set(hosts) - set(lost)),
        "ansible_play_batch": ["a"],
        **({"__port_preflight_use": known} if known else {}),
    }
    return role_use(context, hostvars, uuid)


def test_the_first_use_counts_alone():
    found = mark()
    assert (found["id"], found["again"], found["counts"]) == ("now", False, ["now"])


def test_in_another_batch_an_include_is_another_use_that_counts_too():
    assert sorted(mark("second", others={"b": mark("first")})["counts"]) == ["first", "second"]


def test_in_another_batch_an_import_is_the_same_use():
    assert mark("one", others={"b": mark("one")})["counts"] == ["one"]


@pytest.mark.parametrize(
    "other", [pytest.param({"name": "Gate"}, id="other name"), pytest.param({"hosts": "abc"}, id="other hosts")]
)
def test_the_use_of_another_play_does_not_count(other):
    earlier = mark("earlier", **other)
    assert mark("now", others={"b": earlier})["counts"] == ["now"]
    assert mark("now", known=earlier)["again"] is False
    assert mark("now", known=earlier)["counts"] == ["now"]


def test_the_mark_of_a_host_that_has_left_does_not_count():
    assert mark("now", others={"b": mark("earlier")}, lost="b")["counts"] == ["now"]


def test_a_second_use_in_a_play_forgets_the_first_one_but_not_those_of_earlier_batches():
    first = mark("first", others={"b": mark("of batch 1")})
    second = mark("second", known=first)
    assert second["again"] is True
    assert sorted(second["counts"]) == ["of batch 1", "second"]


def test_what_ansible_loads():
    assert FilterModule().filters() == {"role_use": role_use}
