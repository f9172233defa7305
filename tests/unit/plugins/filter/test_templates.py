# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What filters return of a file that may be a target's is no template, on every ansible-core."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.preflight.ports.plugins.filter.compose_ports import compose_ports
from ansible_collections.preflight.ports.plugins.filter.quadlet_ports import quadlet_ports

HOSTILE = "{{ 7*7 }}"


@pytest.mark.parametrize(
    "entries",
    [
        compose_ports({"services": {HOSTILE: {"container_name": HOSTILE, "ports": ["8080:80"]}}}),
        quadlet_ports(f"[Container]\nContainerName={HOSTILE}\nPublishPort=8080:80", f"{HOSTILE}.container"),
    ],
    ids=["compose_ports", "quadlet_ports"],
)
def test_it_is_returned_as_it_is(entries):
    seen = Templar(loader=DataLoader(), variables={}).template(entries)
    assert [(entry["name"], entry["held_by"]) for entry in seen] == [(HOSTILE, [f"container:{HOSTILE}"])]
