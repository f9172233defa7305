# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import docker, docker_daemon
from ansible_collections.preflight.ports.plugins.module_utils._holders.docker import Known, containers

ID, OTHER_ID = "0123456789abcdef" * 4, "fedcba9876543210" * 4
WEB = {
    "Id": ID,
    "Names": ["/web"],
    "NetworkSettings": {"Networks": {"a": {"IPAddress": "172.18.0.2", "GlobalIPv6Address": "fd00::2"}, "b": None}},
}
KNOWN = Known(ID, "web", ("172.18.0.2", "fd00::2"))


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A root below which dockerd runs with these arguments, and where containers have these files."""
    monkeypatch.setattr(docker_daemon, "_is_roots", lambda _folder: True)
    docker._containers.cache_clear()

    def furnish(arguments=("dockerd",), configured=None, files=(), data_root="var/lib/docker"):
        texts = {f"{data_root}/containers/{identity}/config.v2.json": json.dumps(text) for identity, text in files}
        if arguments:
            texts["proc/7/comm"] = "dockerd\n"
            texts["proc/7/cmdline"] = "\0".join(arguments) + "\0"
            texts["run/docker.pid"] = "7"
        if configured is not None:
            texts["etc/docker/daemon.json"] = configured
        texts["proc/8/comm"] = "nginx\n"
        for name, text in texts.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        (tmp_path / "run").mkdir(exist_ok=True)
        return str(tmp_path)

    return furnish


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """Serves an answer on a socket, as Docker does."""
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    servers = []

    def serve(answer, path="run/docker.sock"):
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen()
        servers.append(server)

        def run():
            with contextlib.suppress(OSError), server.accept()[0] as client:  # it may have hung up
                assert client.recv(1 << 16).startswith(b"GET /containers/json HTTP/1.0\r\n")
                answer(client)

        threading.Thread(target=run, daemon=True).start()

    yield serve
    for server in servers:
        server.close()


def saying(body, status=b"200 OK"):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda client: client.sendall(b"HTTP/1.0 " + status + b"\r\nContent-Type: application/json\r\n\r\n" + text)


FILE = (OTHER_ID, {"Name": "/db", "NetworkSettings": {"Networks": {"a": {"IPAddress": "172.18.0.3"}}}})
FROM_FILES = (Known(OTHER_ID, "db", ("172.18.0.3",)),)


def test_the_engine_is_asked(host, engine):
    root = host(files=[FILE])
    engine(saying([WEB]))
    assert containers(root) == (KNOWN,)


@pytest.mark.parametrize(
    "arguments", [("dockerd", "-H", "unix://run/own.sock"), ("dockerd", "--host=unix://run/own.sock")]
)
def test_the_engine_is_asked_where_it_listens(arguments, host, engine):
    root = host(arguments)
    engine(saying([WEB]), "run/own.sock")
    assert containers(root) == (KNOWN,)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(saying([WEB], b"500 Internal Server Error"), id="an error"),
        pytest.param(saying(b"[{"), id="no JSON"),
        pytest.param(saying({"Id": ID}), id="no list"),
        pytest.param(saying(b"[" * 100_000), id="too deep"),
        pytest.param(lambda client: client.sendall(b"rubbish"), id="no HTTP"),
        pytest.param(lambda client: None, id="nothing"),
    ],
)
def test_an_engine_that_answers_rubbish(answer, host, engine):
    root = host(files=[FILE])
    engine(answer)
    assert containers(root) == FROM_FILES


def _slowly(client):
    while True:
        client.sendall(b"x")
        time.sleep(0.01)


@pytest.mark.parametrize("answer", [lambda client: time.sleep(3600), _slowly], ids=["never", "byte by byte"])
def test_an_engine_that_hangs(answer, host, engine, monkeypatch):
    monkeypatch.setattr(docker, "_SECONDS", 0.05)
    root = host(files=[FILE])
    engine(answer)
    assert containers(root) == FROM_FILES


def test_all_sockets_of_an_engine_that_hangs_share_the_time(host, engine, monkeypatch):
    monkeypatch.setattr(docker, "_SECONDS", 0.2)
    names = [f"run/{number}.sock" for number in range(10)]
    root = host(("dockerd", *(word for name in names for word in ("-H", f"unix://{name}"))), files=[FILE])
    for name in names:
        engine(lambda client: time.sleep(3600), name)
    before = time.monotonic()
    assert containers(root) == FROM_FILES
    assert time.monotonic() - before < 5 * 0.2


def test_an_engine_that_says_too_much(host, engine, monkeypatch):
    monkeypatch.setattr(docker, "_MOST_BYTES", 100)
    root = host(files=[FILE])
    engine(saying([WEB] * 10))
    assert containers(root) == FROM_FILES


def test_a_socket_without_an_engine_is_not_asked(host, engine):
    """systemd listens there, and a connection would start the engine."""
    asked = []
    root = host(arguments=(), files=[FILE])
    engine(asked.append)
    assert containers(root) == FROM_FILES
    assert asked == []


@pytest.mark.parametrize(
    ("arguments", "configured"),
    [
        pytest.param(("dockerd", "--data-root", "/srv/docker"), None, id="an option"),
        pytest.param(("dockerd", "--data-root=/srv/docker"), None, id="an option with its value"),
        pytest.param(("dockerd", "-g", "/srv/docker"), None, id="the old option"),
        pytest.param(("dockerd",), '{"data-root": "/srv/docker"}', id="the file"),
        pytest.param((), '{"graph": "/srv/docker"}', id="the file's old name"),
    ],
)
def test_the_files_may_be_anywhere(arguments, configured, host):
    assert containers(host(arguments, configured, [FILE], "srv/docker")) == FROM_FILES


@pytest.mark.parametrize("configured", ["{", "[]", '{"data-root": null}'])
def test_a_broken_file_of_settings(configured, host):
    assert containers(host((), configured, [FILE])) == FROM_FILES


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        pytest.param([], (), id="none"),
        pytest.param([{"Id": ID, "Names": []}], (Known(ID, None, ()),), id="no name"),
        pytest.param([{"Id": ID, "Names": "web"}], (Known(ID, None, ()),), id="names that are no list"),
        pytest.param([{"Id": 5}, "x", None], (), id="no containers"),
        pytest.param(
            [{"Id": ID, "Names": ["/web"], "NetworkSettings": {"Networks": {"host": {"IPAddress": ""}}}}],
            (Known(ID, "web", ()),),
            id="an empty address is nobody's",
        ),
    ],
)
def test_what_the_engine_says(listed, expected, host, engine):
    root = host()
    engine(saying(listed))
    assert containers(root) == expected


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        pytest.param(
            [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8081, "Type": "tcp"}], {("tcp", 8081)}, id="published"
        ),
        pytest.param([{"PrivatePort": 80, "Type": "tcp"}], set(), id="only exposed"),
        pytest.param([5, {"PublicPort": "x"}], set(), id="rubbish"),
        pytest.param(None, set(), id="none"),
    ],
)
def test_the_ports_that_the_engine_publishes(ports, expected, host, engine):
    root = host()
    engine(saying([{"Id": ID, "Ports": ports}]))
    assert [known.published for known in containers(root)] == [expected]


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        pytest.param({"53/udp": [{"HostIp": "", "HostPort": "5353"}]}, {("udp", 5353)}, id="published"),
        pytest.param({"53/udp": None}, set(), id="only exposed"),
        pytest.param({"53/udp": [5]}, set(), id="rubbish"),
    ],
)
def test_the_ports_that_a_file_publishes(ports, expected, host):
    root = host((), files=[(ID, {"NetworkSettings": {"Ports": ports}})])
    assert [known.published for known in containers(root)] == [expected]


def test_the_engine_is_asked_once(host, engine):
    root = host(files=[FILE])
    engine(saying([WEB]))
    assert containers(root) == containers(root) == (KNOWN,)
