# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever stands in the files of those who may claim ports: units, quadlets, containers."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.preflight.ports.plugins.module_utils._claims import gate, quadlet, settings
from hypothesis import given
from hypothesis import strategies as st

PORTS = ["80", "0", "65535", "65536", "-1", "9" * 30, "9" * 4400, "٣", "8000-8010", "9-1", "%i", "%I", "%%", ""]
ADDRESSES = ["", "0.0.0.0:", "[::]:", "[::1]:", "127.0.0.1:", "[", "vsock:", "/run/", "@", "300.1.1.1:", ":", "::1:"]
values = st.tuples(st.sampled_from(ADDRESSES), st.sampled_from(PORTS), st.sampled_from(["", "/udp", ":80", ":80/tcp"]))
KEYS = ["ListenStream", "ListenDatagram", "PublishPort", "ContainerName", "Network", "WantedBy", "ConditionPathExists"]
KEYS += ["ServiceName", "DefaultInstance", "PodName", "AssertPathExists"]
lines = st.one_of(
    st.sampled_from(["[Socket]", "[Install]", "[Container]", "[Pod]", "[Unit]", "#", ";", "=", "[]", "\\", "x=\\"]),
    st.builds("{}={}".format, st.sampled_from(KEYS), values.map("".join) | st.text(max_size=8)),
    st.text(max_size=8),
)
texts = st.lists(lines, max_size=12).map("\n".join)
published = st.builds("PublishPort={}".format, values.map("".join) | st.just("8080:80"))
listened = st.builds("{}={}{}".format, *map(st.sampled_from, (KEYS[:2], [*ADDRESSES, "", ""], PORTS)))
INSTALLED = "\n[Install]\nWantedBy=multi-user.target\n"


def unit(section: str, setting: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """One that a boot starts, and whatever stands after its first settings."""
    first = st.lists(setting, min_size=1, max_size=4).map("\n".join)
    return st.builds("[{}]\n{}{}{}".format, st.just(section), first, st.sampled_from([INSTALLED, "\n"]), texts)


scalars = st.none() | st.booleans() | st.integers() | st.sampled_from([*PORTS, "always", "host"]) | st.text(max_size=4)
anything = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner))
binding = st.fixed_dictionaries({"HostPort": st.sampled_from(PORTS) | scalars}, optional={"HostIp": scalars})
bindings = st.dictionaries(
    st.sampled_from(["80/tcp", "80", "/", "8000-8010/udp", "x/sctp"]) | st.text(max_size=4),
    st.lists(binding, min_size=1) | anything,
    min_size=1,
)
hosts = st.fixed_dictionaries(
    {
        "RestartPolicy": st.sampled_from([{"Name": "always"}, {"Name": "unless-stopped"}, {"Name": 1}, None]),
        "PortBindings": bindings | anything,
    },
    optional={"NetworkMode": scalars},
)
configs = st.fixed_dictionaries(
    {"State": st.just({"Running": False}) | anything, "HasBeenStartedBefore": st.just(True) | scalars},
    optional={"Name": anything, "HasBeenManuallyStopped": scalars},
)

SCRATCH = tempfile.TemporaryDirectory(prefix="fuzz-")
MADE = Path(SCRATCH.name)


def host(files: dict[str, str]) -> str:
    """The root of one that systemd runs, with these files, until the next call."""
    (MADE / "run/systemd/system").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = MADE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return str(MADE)


def claimed(files: dict[str, str]) -> None:
    for claim in gate.find(host(files)):
        assert claim.protocol in ("tcp", "udp")
        assert 0 < claim.first <= claim.last <= 65535
        assert all(text.isprintable() for text in (claim.name, claim.reason, claim.remedy))


@given(unit("Socket", listened) | texts, texts)
def test_units(text: str, drop_in: str) -> None:
    folder = MADE / "etc/systemd/system/sockets.target.wants"
    host({"etc/systemd/system/a@7.socket": text, "etc/systemd/system/a@7.socket.d/b.conf": drop_in})
    folder.mkdir(exist_ok=True)
    if not (folder / "a@7.socket").is_symlink():
        (folder / "a@7.socket").symlink_to("../a@7.socket")
    claimed({})


@given(st.sampled_from(sorted(quadlet.SECTIONS)), texts, st.data())
def test_quadlets(kind: str, drop_in: str, data: st.DataObject) -> None:
    text = data.draw(unit(quadlet.SECTIONS[kind], published) | texts)
    folder = "etc/containers/systemd"
    claimed({f"{folder}/a.{kind}": text, f"{folder}/a.{kind}.d/b.conf": drop_in})


@given(configs | anything, hosts | anything)
def test_containers(config: Any, settings_of_host: Any) -> None:
    folder = "var/lib/docker/containers/a"
    claimed({f"{folder}/config.v2.json": json.dumps(config), f"{folder}/hostconfig.json": json.dumps(settings_of_host)})


@given(texts | st.text())
def test_settings(text: str) -> None:
    for section, key, value in settings.read(text):
        assert "\n" not in section + key + value
