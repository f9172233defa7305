# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.preflight.ports.plugins.filter.compose_ports import FilterModule
from ansible_collections.preflight.ports.plugins.module_utils._request.entries import parse

compose_ports = FilterModule().filters()["compose_ports"]

SHOP = """
name: Shop.1
x-common: &common
  ports: ["127.0.0.1:8001:8001"]
services:
  web:
    ports:
      - 53:53
      - "8080:80"
      - "3000"
      - "9090-9091:8080-8081/udp"
      - "127.0.0.1::5000"
      - "[::1]:6000:6000"
      - "8000-9000:80"
      - {target: 443, published: "8443", host_ip: 0.0.0.0, protocol: UDP, mode: host}
      - {target: 80}
  db:
    <<: *common
    container_name: database
  debug:
    profiles: [dev]
    ports: ["${DEBUG_PORT:-9229}:9229"]
  host:
    network_mode: host
    ports: ["1:1"]
"""


def simple(*ports, **service):
    return {"services": {"web": {"ports": list(ports), **service}}}


def test_a_file():
    web = {"name": "web", "held_by": ["container:shop1-web-*", "container:shop1_web_*"]}
    assert compose_ports(SHOP) == [
        {"port": 53, "protocol": "tcp", **web},
        {"port": 8080, "protocol": "tcp", **web},
        {"port": "9090-9091", "protocol": "udp", **web},
        {"port": 6000, "protocol": "tcp", "address": "::1", **web},
        {"port": 8443, "protocol": "udp", "address": "0.0.0.0", **web},
        {"port": 8001, "protocol": "tcp", "address": "127.0.0.1", "name": "db", "held_by": ["container:database"]},
    ]


def test_port_check_takes_them():
    assert len(parse(compose_ports(SHOP))) == 6


@pytest.mark.parametrize("profiles", ["dev", "other,dev", ["dev"], "*"])
def test_profiles(profiles):
    assert compose_ports(SHOP, profiles=profiles)[-1]["port"] == 9229


def test_a_project_of_another_name():
    (entry,) = compose_ports(simple("80:80"), project="My Shop")
    assert entry["held_by"] == ["container:myshop-web-*", "container:myshop_web_*"]
    (entry,) = compose_ports(simple("80:80"))
    assert entry["held_by"] == ["container:*-web-*", "container:*_web_*"]


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ("${PORT}:80", 8080),
        ("$PORT:80", 8080),
        ("${PORT:-1}:80", 8080),
        ("${EMPTY:-1}:80", 1),
        ("${MISSING-2}:80", 2),
        ("${MISSING:-${PORT}}:80", 8080),
        ("${PORT:+3}:80", 3),
        ("${PORT?needed}:80", 8080),
        ({"target": 80, "published": "${PORT}"}, 8080),
    ],
)
def test_variables(port, expected):
    (entry,) = compose_ports(simple(port), variables={"PORT": 8080, "EMPTY": ""})
    assert entry["port"] == expected


@pytest.mark.parametrize(
    ("compose", "complaint"),
    [
        (
            simple("${PORT}:80"),
            "ports[0] '${PORT}:80': the variable PORT is not set; name it in 'variables'",
        ),
        (simple("${PORT:?which?}:80"), "the variable PORT is not set: which?"),
        (simple("${PORT:80"), "is not closed"),
        (simple("$:80"), "write $$"),
        (simple("${PORT!x}:80"), "is not understood"),
        (simple("${}:80"), "has no name"),
        (simple("http:80"), "'http' is no port"),
        (simple("80:http"), "'http' is no port"),
        (simple("80:80:80:80"), "'80:80' is no address"),
        (simple("localhost:80:80"), "'localhost' is no address"),
        (simple("70000:80"), "'70000' is no port"),
        (simple("90-80:80"), "'90-80' is no port"),
        (simple("80-82:80-81"), "80-82 are 3 ports, 80-81 are 2"),
        (simple("80:80/sctp"), "'sctp' cannot be checked"),
        (simple({"published": 80}), "'' is no port"),
        ({"servces": {}}, "the key services is missing; did you misspell it as servces?"),
        ({"web": {"ports": ["80:80"]}}, "the key services is missing"),
        ("compose.yml", "give its text, not its path"),
        (simple(extends={"service": "x"}), "services.web.extends: not followed"),
        ({"include": ["other.yml"], "services": {}}, "include: other files are not followed"),
        ({"services": {"web": {"ports": "80:80"}}}, "services.web.ports: a list is wanted"),
        ({"services": [1]}, "services: a dictionary is wanted"),
        ("a: [", "this is no YAML"),
        ("just text", "a file of Compose is a dictionary"),
    ],
)
def test_errors(compose, complaint):
    with pytest.raises(AnsibleFilterError) as raised:
        compose_ports(compose)
    assert str(raised.value).startswith("compose_ports: ")
    assert complaint in str(raised.value)


def test_tags_of_compose():
    text = "services: {web: {ports: !override ['80:80'], expose: !reset []}, db: {ports: !reset ['1:1']}}"
    assert [entry["port"] for entry in compose_ports(text)] == [80]


def test_variables_are_a_dictionary():
    with pytest.raises(AnsibleFilterError, match="variables is a dictionary; not 'P=1'"):
        compose_ports(SHOP, variables="P=1")


def test_services_without_ports():
    assert compose_ports({"services": {"web": None, "db": {}}}) == []
    assert compose_ports(simple()) == []
    assert compose_ports({"services": []}) == []
