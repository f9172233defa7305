# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._claims import containers, gate, quadlets, socket_units
from ansible_collections.preflight.ports.plugins.module_utils._claims.units import units
from ansible_collections.preflight.ports.plugins.module_utils._holders import docker_daemon
from ansible_collections.preflight.ports.plugins.module_utils._model.claim import Claim
from ansible_collections.preflight.ports.plugins.module_utils._request.held_by import parse_pattern


@pytest.fixture
def root(tmp_path):
    """Files by their paths; a value that begins with -> is a link."""

    def make(files):
        for path, text in files.items():
            place = tmp_path / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("-> "):
                place.symlink_to(text[3:])
            else:
                place.write_text(text)
        return str(tmp_path)

    return make


def ports(claims):
    return [(each.protocol, each.address, each.first, each.last, each.name) for each in claims]


ETC = "etc/systemd/system/"
WANTED = f"{ETC}sockets.target.wants/"
LIB = "usr/lib/systemd/system/"
SSH = {f"{LIB}ssh.socket": "[Socket]\nListenStream=22\n", f"{WANTED}ssh.socket": "-> /usr/lib/ssh.socket"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(SSH, [("tcp", None, 22, 22, "ssh.socket")], id="a port"),
        pytest.param({f"{LIB}ssh.socket": "[Socket]\nListenStream=22\n"}, [], id="not enabled"),
        pytest.param({**SSH, "etc/systemd/system/ssh.socket": "-> /dev/null"}, [], id="masked"),
        pytest.param(
            {**SSH, "etc/systemd/system/ssh.socket": "[Socket]\nListenStream=127.0.0.1:2222"},
            [("tcp", "127.0.0.1", 2222, 2222, "ssh.socket")],
            id="the administrator's own file",
        ),
        pytest.param(
            {**SSH, "etc/systemd/system/ssh.socket.d/port.conf": "[Socket]\nListenStream=\nListenStream=[::1]:2222"},
            [("tcp", "::1", 2222, 2222, "ssh.socket")],
            id="a drop-in that takes back",
        ),
        pytest.param(
            {**SSH, f"{LIB}ssh.socket.d/a.conf": "[Socket]\nListenStream=", f"{ETC}ssh.socket.d/a.conf": ""},
            [("tcp", None, 22, 22, "ssh.socket")],
            id="a drop-in that another one of its name replaces",
        ),
        pytest.param(
            {
                f"{LIB}echo@.socket": "[Socket]\nListenDatagram=700%i\nListenStream=/run/x\n[Other]\nListenStream=1",
                f"{WANTED}echo@7.socket": "-> /usr/lib/systemd/system/echo@.socket",
            },
            [("udp", None, 7007, 7007, "echo@7.socket")],
            id="a template's instance",
        ),
        pytest.param({f"{WANTED}gone.socket": "-> /usr/lib/systemd/system/gone.socket"}, [], id="a file that is gone"),
        pytest.param(
            {**SSH, f"{LIB}ssh.socket": "[Socket]\nListenStream=99999\nListenStream=vsock::22"}, [], id="no port"
        ),
        pytest.param(
            {
                "run/systemd/generator.late/old.socket": "[Socket]\nListenStream=22",
                "run/systemd/generator.late/sockets.target.wants/old.socket": "-> ../old.socket",
            },
            [("tcp", None, 22, 22, "old.socket")],
            id="a generator's",
        ),
        pytest.param(
            {
                f"{LIB}real.socket": "[Socket]\nListenStream=22",
                f"{LIB}other.socket": "-> real.socket",
                f"{WANTED}other.socket": f"-> /{LIB}other.socket",
                f"{ETC}real.socket.d/a.conf": "[Socket]\nListenStream=\nListenStream=23",
            },
            [("tcp", None, 23, 23, "real.socket")],
            id="by another name",
        ),
        pytest.param(
            {**SSH, f"{LIB}other.socket": "-> ssh.socket", f"{ETC}other.socket.d/a.conf": "[Socket]\nListenStream=23"},
            [("tcp", None, 22, 22, "ssh.socket"), ("tcp", None, 23, 23, "ssh.socket")],
            id="a drop-in of its other name",
        ),
        pytest.param(
            {
                f"{LIB}a-b-c.socket": "[Socket]\nListenStream=1",
                f"{WANTED}a-b-c.socket": "-> there",
                f"{LIB}a-.socket.d/a.conf": "[Socket]\nListenStream=\nListenStream=2",
                f"{LIB}a-b-.socket.d/b.conf": "[Socket]\nListenStream=3",
                f"{LIB}socket.d/c.conf": "[Socket]\nListenStream=4",
                f"{LIB}b-c.socket.d/c.conf": "[Socket]\nListenStream=5",
            },
            [("tcp", None, port, port, "a-b-c.socket") for port in (2, 3, 4)],
            id="drop-ins of its prefixes",
        ),
        pytest.param(
            {
                f"{LIB}web.socket": "[Socket]\nListenStream=80",
                f"{ETC}web.service.requires/web.socket": "-> there",
                f"{ETC}shop.target.upholds/web.service": "-> there",
                f"{ETC}multi-user.target.wants/shop.target": "-> there",
            },
            [("tcp", None, 80, 80, "web.socket")],
            id="wanted by a unit that is wanted",
        ),
        pytest.param(
            {f"{LIB}web.socket": "[Socket]\nListenStream=80", f"{ETC}web.service.requires/web.socket": "-> there"},
            [],
            id="wanted by a unit that nobody wants",
        ),
        pytest.param(
            {**SSH, f"{ETC}graphical.target.wants/x.socket": "-> there", WANTED + "ssh.socket": "-> /dev/null"},
            [],
            id="not wanted any more",
        ),
        pytest.param(
            {
                f"{LIB}x.socket": "[Socket]\nListenStream=6000",
                f"{ETC}graphical.target.wants/x.socket": "-> there",
                f"{ETC}default.target": f"-> /{LIB}graphical.target",
            },
            [("tcp", None, 6000, 6000, "x.socket")],
            id="wanted by the default target",
        ),
        pytest.param(
            {f"{LIB}x.socket": "[Socket]\nListenStream=6000", f"{ETC}graphical.target.wants/x.socket": "-> there"},
            [],
            id="wanted by a target that is not the default",
        ),
        pytest.param({**SSH, f"{ETC}ssh.socket.d/a.conf": "[Unit]\nConditionPathExists=/there"}, [], id="a condition"),
        pytest.param(
            {**SSH, f"{ETC}ssh.socket.d/a.conf": "[Unit]\nConditionPathExists=!/there\nAssertPathIsDirectory=/etc"},
            [("tcp", None, 22, 22, "ssh.socket")],
            id="conditions that hold",
        ),
        pytest.param(
            {**SSH, f"{ETC}ssh.socket.d/a.conf": "[Unit]\nConditionPathExists=|/there\nConditionPathExists=|/here"},
            [],
            id="none of several conditions",
        ),
        pytest.param(
            {**SSH, f"{ETC}ssh.socket.d/a.conf": "[Unit]\nConditionPathExists=|/there\nConditionHost=|a"},
            [("tcp", None, 22, 22, "ssh.socket")],
            id="a condition about something else",
        ),
        pytest.param(
            {**SSH, f"{ETC}ssh.socket.d/a.conf": "[Unit]\nConditionPathExists=/there\nConditionPathExists="},
            [("tcp", None, 22, 22, "ssh.socket")],
            id="a condition taken back",
        ),
    ],
)
def test_socket_units(files, expected, root):
    made = root(files)
    assert ports(socket_units.claims(units(made), made)) == expected


@pytest.mark.parametrize(("install", "remedy"), [("[Install]\nWantedBy=sockets.target\n", "disable"), ("", "mask")])
def test_the_remedy_of_a_socket_unit(install, remedy, root):
    made = root({**SSH, f"{LIB}ssh.socket": f"[Socket]\nListenStream=22\n{install}"})
    (claim,) = socket_units.claims(units(made), made)
    assert f"systemctl {remedy} ssh.socket" in claim.remedy


OURS = [("tcp", None, 8080, 8080, "web")]
BINDINGS = {
    "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "53"}],
    "1/sctp": [{"HostPort": "1"}],
    "2/tcp": [{}],
    "3/tcp": None,
}


def config(running=False, code=0, started=True, by_hand=False):
    state = {"Running": running, "ExitCode": code}
    return {"Name": "/web", "State": state, "HasBeenStartedBefore": started, "HasBeenManuallyStopped": by_hand}


def host(policy="always", bindings=None, network="bridge"):
    usual = {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}
    return {"RestartPolicy": {"Name": policy}, "PortBindings": bindings or usual, "NetworkMode": network}


@pytest.mark.parametrize(
    ("config", "host", "expected"),
    [
        pytest.param(config(), host(), OURS, id="always"),
        pytest.param(config(by_hand=True), host(), OURS, id="always, though it was stopped by hand"),
        pytest.param(config(started=False), host(), [], id="it never ran"),
        pytest.param(config(), host("no"), [], id="no policy"),
        pytest.param(config(by_hand=True), host("unless-stopped"), [], id="unless stopped, and it was"),
        pytest.param(config(), host("unless-stopped"), OURS, id="unless stopped, and it was not"),
        pytest.param(config(), host("on-failure"), [], id="on failure, and it did not fail"),
        pytest.param(config(code=1), host("on-failure"), OURS, id="on failure, and it failed"),
        pytest.param(config(), host(bindings=BINDINGS), [("udp", "127.0.0.1", 53, 53, "web")], id="other bindings"),
        pytest.param(config(), host(network="host"), [], id="the host's network"),
        pytest.param(config(), host(network="container:1234"), [], id="another container's network"),
        pytest.param([], None, [], id="other files"),
    ],
)
def test_containers(config, host, expected, root):
    folder = "var/lib/docker/containers/1234"
    made = root({f"{folder}/config.v2.json": json.dumps(config), f"{folder}/hostconfig.json": json.dumps(host)})
    assert ports(containers.claims(made)) == expected


@pytest.mark.parametrize(
    ("policy", "sockets", "expected"),
    [
        pytest.param("always", ("/run/docker.sock",), [], id="it runs"),
        pytest.param("always", (), OURS, id="always"),
        pytest.param("unless-stopped", (), OURS, id="unless stopped"),
        pytest.param("on-failure", (), OURS, id="on failure"),
        pytest.param("no", (), [], id="no policy"),
    ],
)
def test_a_container_that_ran_when_the_engine_died(policy, sockets, expected, root, monkeypatch):
    monkeypatch.setattr(containers, "find", lambda _root: docker_daemon.Daemon(sockets, "/var/lib/docker"))
    test_containers(config(running=True), host(policy), expected, root)


PLACE, SHIPPED = "etc/containers/systemd", "usr/share/containers/systemd"
INSTALLED = "[Install]\nWantedBy=default.target\n"
PORT = "PublishPort=8080:80\n"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param(
            "web.container",
            f"[Container]\n{PORT}{INSTALLED}",
            [("tcp", None, 8080, 8080, "systemd-web")],
            id="a container",
        ),
        pytest.param(
            "web.pod",
            f"[Pod]\nPodName=shop\nPublishPort=127.0.0.1:53:53/udp\nPublishPort=80\nPublishPort=x:1\n{INSTALLED}",
            [("udp", "127.0.0.1", 53, 53, "shop-infra")],
            id="a pod",
        ),
        pytest.param("web.container", f"[Container]\n{PORT}", [], id="not installed"),
        pytest.param("web.container", f"[Container]\nNetwork=host\n{PORT}{INSTALLED}", [], id="the host's network"),
    ],
)
def test_quadlets(name, text, expected, root):
    assert ports(quadlets.claims([PLACE], (), root({f"{PLACE}/{name}": text}))) == expected


WEB = [("tcp", None, 8080, 8080, "systemd-web")]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({f"{PLACE}/shop/web.container": f"[Container]\n{PORT}{INSTALLED}"}, WEB, id="in a subfolder"),
        pytest.param({f"{PLACE}/users/1000/web.container": f"[Container]\n{PORT}{INSTALLED}"}, [], id="a user's"),
        pytest.param(
            {f"{PLACE}/web.container": f"[Container]\n{PORT}", f"{PLACE}/container.d/a.conf": INSTALLED},
            WEB,
            id="installed by a drop-in",
        ),
        pytest.param(
            {f"{PLACE}/web.container": f"[Container]\n{PORT}{INSTALLED}", f"{ETC}web.service": "-> /dev/null"},
            [],
            id="its service is masked",
        ),
        pytest.param({f"{PLACE}/web@.container": f"[Container]\n{PORT}{INSTALLED}"}, [], id="a template"),
        pytest.param(
            {f"{PLACE}/web.container": "-> /dev/null", f"{SHIPPED}/web.container": f"[Container]\n{PORT}{INSTALLED}"},
            [],
            id="the administrator took it away",
        ),
        pytest.param({f"{SHIPPED}/web.container": f"[Container]\n{PORT}{INSTALLED}"}, WEB, id="a package's"),
    ],
)
def test_where_quadlets_are(files, expected, root):
    made = root({"run/systemd/system/x.service": "", **files})
    assert ports(gate.find(made)) == expected


def test_a_host_without_any_of_them(tmp_path):
    assert gate.find(str(tmp_path)) == []


def test_without_systemd_its_units_claim_nothing(root):
    files = {**SSH, "etc/containers/systemd/web.container": "[Container]\nPublishPort=1:1\n[Install]\nWantedBy=x"}
    made = root(files)
    assert gate.find(made) == []
    os.makedirs(f"{made}/run/systemd/system")
    assert [claim.name for claim in gate.find(made)] == ["ssh.socket", "systemd-web"]


def test_hostile_names_are_made_safe(root):
    name = "\x1b[31m.socket"
    made = root({f"{LIB}{name}": "[Socket]\nListenStream=22", f"{WANTED}{name}": "-> there"})
    (claim,) = socket_units.claims(units(made))
    assert claim.name == r"\x1b[31m.socket"


@pytest.mark.parametrize(
    ("held_by", "allowed"),
    [(["ssh"], True), (["unit:ssh.socket"], True), (["process:ssh"], False), (["nginx"], False), ([], False)],
)
def test_who_is_allowed(held_by, allowed):
    claim = Claim("tcp", None, 22, 22, "unit", "ssh.socket", "", "")
    assert claim.is_allowed(list(map(parse_pattern, held_by))) is allowed


@pytest.mark.parametrize(
    ("held_by", "allowed"),
    [
        (["container:web"], True),
        (["unit:web.service"], True),
        (["unit:web"], True),
        (["unit:db"], False),
        (["container:db"], False),
    ],
)
def test_a_quadlet_is_allowed_by_its_unit_too(held_by, allowed):
    claim = Claim("tcp", None, 80, 80, "container", "web", "", "", "web.service")
    assert claim.is_allowed(list(map(parse_pattern, held_by))) is allowed
