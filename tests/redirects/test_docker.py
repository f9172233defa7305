# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that a real Docker engine publishes, with its proxy and without."""

from __future__ import annotations

import time

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import docker as engine
from redirects.world import World
from support.docker import Docker
from support.running import check

PUBLISHED, FREE, OTHER = 8081, 8083, 8085
HOST = "192.0.2.1"
RULE = f"""
table ip own {{
  chain in {{
    type nat hook prerouting priority -110
    tcp dport {OTHER} redirect to :8080
  }}
}}
"""
STOP = "Stop the container (docker stop web), or name it in held_by (container:web) if it is to keep the port."


@pytest.fixture(scope="module", params=[(), ("--userland-proxy=false",)], ids=["proxy", "no proxy"])
def world(request):
    """A host whose Docker has the container "web" published, "gone" stopped, and a rule to a port of the host."""
    with World() as host, Docker(*request.param) as docker:
        docker.start("web", "container", f"--publish={PUBLISHED}:80")
        docker("create", "--name=gone", "busybox", "/bin/busybox", "true")
        host.nft(RULE)
        until = time.monotonic() + 20
        while host.answer("client", "tcp", HOST, PUBLISHED) != b"container":
            assert time.monotonic() < until
        engine._containers.cache_clear()  # of the engine before
        yield host


def test_a_published_port_is_taken(world):
    result = check([PUBLISHED, FREE])
    (conflict,) = result["conflicts"]
    assert conflict["port"] == PUBLISHED
    assert {holder["container"]["name"] for holder in conflict["holders"]} == {"web"}
    assert conflict["advice"] == STOP


@pytest.mark.parametrize("entry", [PUBLISHED, f"{HOST}:{PUBLISHED}", f"0.0.0.0:{PUBLISHED}"], ids=str)
@pytest.mark.parametrize(
    ("held_by", "met"),
    [
        pytest.param([], True, id="anybody"),
        pytest.param(["container:web"], True, id="the container"),
        pytest.param(["web"], True, id="its name without a prefix"),
        pytest.param(["nginx"], False, id="somebody else"),
        pytest.param(["container:gone"], False, id="a container that is stopped"),
    ],
)
def test_clients_meet_the_container(held_by, met, entry, world):
    result = check([entry], state="listening", held_by=held_by)
    assert [each["met"] for each in result["ports"]] == [met], result["msg"]


def test_the_container_may_keep_its_port(world):
    assert not check([PUBLISHED], held_by=["container:web"]).get("failed")


def test_no_container_is_named_after_a_port_of_the_host(world):
    result = check([f"{HOST}:{OTHER}"], held_by=["container:gone"])
    assert [each["state"] for each in result["ports"]] == ["redirected"]
    assert [holder["container"] for holder in result["conflicts"][0]["holders"]] == [None]
