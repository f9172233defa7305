# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.preflight.ports.plugins.filter.quadlet_ports import FilterModule

quadlet_ports = FilterModule().filters()["quadlet_ports"]

WEB = """
[Unit]
PublishPort=1:1
[Container]
Image=nginx
# PublishPort=2:2
PublishPort=3:3
PublishPort=
PublishPort=8080:80
PublishPort = \\
  127.0.0.1:8443:443/udp
PublishPort=80
[Install]
WantedBy=default.target
"""


def test_a_container():
    own = {"name": "web", "held_by": ["container:systemd-web"]}
    assert quadlet_ports(WEB, "web.container") == [
        {"port": 8080, "protocol": "tcp", **own},
        {"port": 8443, "protocol": "udp", "address": "127.0.0.1", **own},
    ]


@pytest.mark.parametrize(
    ("text", "name", "held_by"),
    [
        ("[Container]\nContainerName=shop\nPublishPort=80:80", "web.container", ["container:shop"]),
        ("[Pod]\nPodName=shop\nPublishPort=80:80", "web.pod", ["container:shop-infra"]),
        ("[Pod]\nPublishPort=80:80", "web.pod", ["container:systemd-web-infra"]),
        ("[Kube]\nPublishPort=80:80", "web.kube", ["unit:web.service"]),
        ("[Container]\nContainerName=%p-x\nPublishPort=80:80", "web.container", ["container:web-x"]),
    ],
)
def test_names(text, name, held_by):
    assert [entry["held_by"] for entry in quadlet_ports(text, name)] == [held_by]


def test_the_network_of_the_host():
    assert quadlet_ports("[Container]\nNetwork=host\nPublishPort=80:80", "web.container") == []


def test_a_path_is_a_name():
    assert [entry["name"] for entry in quadlet_ports(WEB, "/etc/containers/systemd/web.container")] == ["web", "web"]


@pytest.mark.parametrize(
    ("text", "name", "complaint"),
    [
        (WEB, "", "name '': give the name of the file, which ends in one of .container, .pod, .kube"),
        (WEB, "web", "name 'web': give the name of the file"),
        (WEB, "web.service", "name 'web.service': give the name of the file"),
        ({"Container": {}}, "web.container", "the input is the text of a file"),
    ],
)
def test_what_is_no_quadlet(text, name, complaint):
    with pytest.raises(AnsibleFilterError) as raised:
        quadlet_ports(text, name)
    assert complaint in str(raised.value)


def test_errors():
    with pytest.raises(AnsibleFilterError, match=r"quadlet_ports: web.container: PublishPort=x:80: 'x' is no port"):
        quadlet_ports("[Container]\nPublishPort=x:80", "web.container")
