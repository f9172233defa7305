# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that a real Docker engine publishes, with its proxy and without."""

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.preflight.ports.plugins.filter.compose_ports import compose_ports
from ansible_collections.preflight.ports.plugins.module_utils._claims import containers
from ansible_collections.preflight.ports.plugins.module_utils._holders import docker as engine
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse
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
        host.docker = docker
        docker.start("web", "container", f"--publish={PUBLISHED}:80")
        docker("create", "--name=gone", "busybox", "/bin/busybox", "true")
        host.nft(RULE)
        until = time.monotonic() + 20
        while host.answer("client", "tcp", HOST, PUBLISHED) != b"container":
            assert time.monotonic() < until
        engine._containers.cache_clear()  # of the engine before
        yield host


SPECS = ["7001:80", "127.0.0.1:7002:80", "7003-7005:90-92", "7006:80/udp", "[::1]:7007:80", "127.0.0.1::80", "80"]


@pytest.mark.parametrize("spec", SPECS)
def test_compose_ports_are_what_docker_publishes(spec, world):
    name = "spec" + str(SPECS.index(spec))
    world.docker("create", f"--name={name}", f"--publish={spec}", "busybox", "/bin/busybox", "true")
    try:
        bindings = json.loads(world.docker("inspect", "--format={{json .HostConfig.PortBindings}}", name))
    finally:
        world.docker("rm", name)
    published = {
        (inside.rpartition("/")[2], each["HostIp"] or None, int(each["HostPort"]))
        for inside, found in bindings.items()
        for each in found
        if each["HostPort"] not in ("", "0")
    }
    asked = parse(compose_ports({"services": {"web": {"ports": [spec]}}}))
    assert {(each.protocol, each.address, port) for each in asked for port in each.ports} == published


@pytest.mark.parametrize(
    ("policy", "expected"), [("always", ["claim"]), ("unless-stopped", []), ("no", [])], ids=["always", "stopped", "no"]
)
def test_a_stopped_container_claims_its_port(policy, expected, world):
    world.docker.start("idle", "idle", "--publish=7101:80", f"--restart={policy}")
    try:
        world.docker("stop", "--time=0", "idle")
        (entry,) = check([7101])["ports"]
        assert entry["state"] == "free"
        assert [doubt["kind"] for doubt in check([7101])["doubts"]] == expected
        assert check([7101], held_by=["container:idle"])["doubts"] == []
    finally:
        world.docker("rm", "--force", "idle")


def test_a_container_claims_its_port_while_the_engine_is_dead(tmp_path):
    policies = {"always": 7201, "unless-stopped": 7202, "on-failure": 7203, "no": 7204}
    with World() as host, Docker() as docker:
        for policy, port in policies.items():
            docker.start(policy, policy, f"--restart={policy}", f"--publish={port}:80")
        (tmp_path / "etc/docker").mkdir(parents=True)
        (tmp_path / "etc/docker/daemon.json").write_text(json.dumps({"data-root": "/data"}))
        (tmp_path / "data").symlink_to(docker.folder / "data")
        with docker.dead():
            claims = containers.claims(str(tmp_path))
        until = time.monotonic() + 20
        while len(docker("ps", "--quiet").split()) < len(claims):
            assert time.monotonic() < until
        answers = {name: host.answer("client", "tcp", HOST, port) for name, port in policies.items()}
    assert {claim.name for claim in claims} == {"always", "unless-stopped", "on-failure"}
    assert {name for name, answer in answers.items() if answer == name.encode()} == {claim.name for claim in claims}


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
