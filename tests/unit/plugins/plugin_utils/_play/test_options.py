# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.preflight.ports.plugins.plugin_utils._play.options import (
    FactError,
    OptionError,
    check_facts,
    check_names,
    known,
)

ROLE = "port_preflight"


def test_known_are_those_of_the_role():
    assert {"port_preflight_ports", "port_preflight_enforce", "port_preflight_user"} <= set(known("port_preflight"))
    assert "port_reach_flows" in known("port_reach")


@pytest.mark.parametrize("names", [[], ["ports", "port_preflight", "__port_preflight_ports"], known(ROLE)])
def test_check_names(names):
    check_names(ROLE, names)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("port_preflight_held_bye", "unknown variable port_preflight_held_bye; did you mean port_preflight_held_by?"),
        (
            "port_preflight_xyzzyxyzzy",
            "unknown variable port_preflight_xyzzyxyzzy; the role knows port_preflight_ports,",
        ),
    ],
)
def test_check_names_refuses(name, complaint):
    with pytest.raises(OptionError) as refusal:
        check_names(ROLE, ["port_preflight_ports", name])
    assert str(refusal.value).startswith(complaint)


@pytest.mark.parametrize("facts", [[], ["os_family", "ports", 5], {"distribution": "Debian"}])
def test_check_facts(facts):
    check_facts(ROLE, facts)


@pytest.mark.parametrize("name", ["port_preflight_enforce", "__port_preflight_reports"])
def test_check_facts_refuses(name):
    with pytest.raises(FactError, match=name):
        check_facts(ROLE, {"os_family": "Debian", name: False})
