# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue of known products: every profile is complete, usable as it is, and on the page that lists them."""

from __future__ import annotations

import itertools
import re
import runpy
from pathlib import Path

import pytest
from ansible_collections.preflight.ports.plugins.filter.profile_ports import profile_ports
from ansible_collections.preflight.ports.plugins.module_utils._model.requirement import FREE
from ansible_collections.preflight.ports.plugins.module_utils._request import entries
from ansible_collections.preflight.ports.plugins.module_utils._verdict import rivals

CATALOGUE = runpy.run_path(str(Path(__file__).parents[2] / "docs/catalogue.py"))
PROFILES = CATALOGUE["load"]()

every_profile = pytest.mark.parametrize("name", PROFILES)


def requirements(*names):
    """What the modules make of the profiles, without a services database."""
    return entries.parse(profile_ports(names), service=lambda *_: pytest.fail("a port is not a number"))


def test_it_knows_many_products():
    assert len({profile["product"] for profile in PROFILES.values()}) >= 25


def test_the_page_is_up_to_date():
    assert CATALOGUE["PAGE"].read_text(encoding="utf-8") == CATALOGUE["page"](PROFILES), "run make catalogue"


@every_profile
def test_names_can_be_written_without_quotes(name):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)


@every_profile
def test_keys(name):
    profile = PROFILES[name]
    assert {"product", "version", "sources", "held_by", "ports"} <= set(profile)
    assert set(profile) <= {"product", "version", "sources", "note", "includes", "held_by", "selinux_domain", "ports"}
    for port in profile["ports"]:
        assert {"port", "purpose"} <= set(port) <= {"port", "purpose", "protocol", "address", "held_by"}


@every_profile
def test_facts_can_be_looked_up(name):
    profile = PROFILES[name]
    assert re.match(r"[0-9]", profile["version"])
    assert profile["sources"]
    for source in profile["sources"]:
        assert re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]+/\S*", source)


@every_profile
def test_a_rerun_can_pass(name):
    for requirement in requirements(name):
        assert requirement.state == FREE
        assert requirement.held_by
        for pattern in requirement.held_by:
            assert re.search(r"[a-z0-9]{2}", pattern.glob), "so wide that strangers match"


@pytest.mark.parametrize("name", [name for name, profile in PROFILES.items() if "selinux_domain" in profile])
def test_domains(name):
    assert all(re.fullmatch(r"-[a-z_]+_t", requirement.selinux_domain) for requirement in requirements(name))


@every_profile
def test_no_port_twice(name):
    ports = [(each.protocol, port) for each in requirements(name) for port in each.ports]
    assert len(ports) == len(set(ports))


@every_profile
def test_purposes_tell_the_ports_apart(name):
    names = [entry["name"] for entry in profile_ports([name])]
    assert len(names) == len(set(names))
    assert all(entry.startswith(f"{PROFILES[name]['product']}: ") for entry in names)


@every_profile
def test_included_profiles_are_of_the_same_product(name):
    for included in PROFILES[name].get("includes", ()):
        assert PROFILES[included]["product"] == PROFILES[name]["product"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (one, other)
        for one, other in itertools.combinations(PROFILES, 2)
        if PROFILES[one]["product"] == PROFILES[other]["product"]
    ],
)
def test_a_host_can_have_all_roles_of_a_product(one, other):
    assert rivals.find(requirements(one, other)) == {}


@pytest.mark.parametrize(
    ("one", "other"), [("apache", "nginx"), ("cockpit", "prometheus"), ("etcd", "kubernetes_control_plane")]
)
def test_products_that_want_the_same_port_are_rivals(one, other):
    assert rivals.find(requirements(one, other))
