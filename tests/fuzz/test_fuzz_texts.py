# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever stands in the text files and outputs that are read on a target."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ansible_collections.preflight.ports.plugins.module_utils._holders import cgroups, processes, programs, socket_units
from ansible_collections.preflight.ports.plugins.module_utils._kernel import ephemeral
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import EVERY_STATE, SourceError
from ansible_collections.preflight.ports.plugins.module_utils._table import proc_net
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = ["0", "1", "80", "1000", "65535", "65536", "-1", "0A", "4294967296", "9" * 30, "9" * 4400, "", "٣", "x"]
ENDS = ["0100007F:0050", "00000000:0000", "0" * 32 + ":0050", "0100007F:50", "0100007F", ":", "+100007F:0050", "0" * 31]
CGROUP = [
    *("0", ":", "::", "/", "\n", "name=systemd", "memory,cpu", "-", ".", "\\x2d", "\\xff", "@"),
    *("system.slice", "nginx.service", ".service", "session-1.scope", "user@1000.service", "x.socket"),
    *(
        "docker",
        "docker-",
        "libpod-",
        "crio-",
        "cri-containerd-",
        "nerdctl-",
        "kubepods",
        "lxc",
        "lxc.payload.",
        "a" * 64,
    ),
    *("machine-", "machine-a.scope", "systemd-nspawn@", "systemd-nspawn@a.service", "machine-qemu"),
]
UNITS = [
    *("Id=", "Listen=", "a.socket", "\n", "\n\n", " ", ":", "[", "]", "::", "0.0.0.0", "::1", "/run/x.sock", "80"),
    *("Listen=0.0.0.0:", "Listen=[::1]:", "65536"),
    *("9" * 4400, "(Stream)", "(Datagram)", "(SequentialPacket)", " (Stream)", "Id=b.socket\nListen=[::]:22 (Stream)"),
]
PORTS = [
    "80",
    "32768\t60999\n",
    "0-99999999999",
    "-",
    ",",
    "\n",
    "\t",
    " ",
    "0",
    "65535",
    "1-3",
    "32768",
    "60999",
    "9" * 12,
    "9" * 4400,
    "٣",
    "x",
]


def joined(words: list[str], separator: str = "", more: int = 8) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(words) | st.text(max_size=4), max_size=more).map(separator.join)


fields = st.sampled_from([*NUMBERS, *ENDS, "0A", "06", "00:00000000"]) | st.text(max_size=6)
plausible = st.tuples(st.just("0:"), *[st.sampled_from(ENDS)] * 2, *[st.sampled_from(NUMBERS)] * 9).map(" ".join)
rows = (plausible | st.lists(fields, max_size=14).map(" ".join)).map(lambda text: text.encode("utf-8", "replace"))


@given(rows | st.binary(max_size=150), st.sampled_from(["tcp", "udp"]))
def test_a_row_of_procfs(row: bytes, protocol: str) -> None:
    tables = folder((f"{protocol}6", "header\n"))
    Path(tables, protocol).write_bytes(b"header\n" + row)
    try:
        sockets = proc_net.read(protocol, 0, 65535, EVERY_STATE, tables)
    except SourceError as error:
        assert str(error)
        return
    for found in sockets:
        assert 0 <= found.port <= 65535
        assert found.state in EVERY_STATE
        assert str(found.endpoint)


@given(joined(CGROUP, more=12))
def test_cgroups(text: str) -> None:
    paths = cgroups.paths(text)
    unit = cgroups.unit(paths)
    container = cgroups.container(paths)
    assert unit is None or unit in text
    assert container is None or (container.id and container.runtime)


listens = st.builds(
    "Id={}\nListen={}:{} ({})\n\n".format,
    st.sampled_from(["a.socket", ""]),
    st.sampled_from(["0.0.0.0", "[::1]", "::", "/run/x.sock"]),
    st.sampled_from(NUMBERS),
    st.sampled_from(["Stream", "Datagram", "SequentialPacket"]),
)


@given(st.lists(listens | joined(UNITS), max_size=4).map("".join))
def test_socket_units(output: str) -> None:
    for (protocol, address, port), unit in socket_units.parse(output).items():
        assert protocol in ("tcp", "udp")
        assert address
        assert port >= 0
        assert unit


@given(st.just("32768\t60999\n") | joined(PORTS), joined(PORTS, ",") | joined(PORTS))
def test_sysctls(port_range: str, reserved: str) -> None:
    settings = ephemeral.read(folder(("ip_local_port_range", port_range), ("ip_local_reserved_ports", reserved)))
    if settings:
        assert settings.reserved <= frozenset(range(65536))
        ephemeral.merged(settings.reserved)


names = st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), min_size=1, max_size=15)


@given(names, st.text(max_size=30), joined(CGROUP, more=12))
def test_a_process(name: str, cmdline: str, cgroup: str) -> None:
    """It may call itself anything."""
    stat = f"7 ({name}) S " + " ".join(map(str, range(3, 52)))
    files = {"stat": stat, "cgroup": cgroup}
    process = processes.read(7, folder(*((f"7/{name}", text) for name, text in files.items())))
    assert process
    assert process.uid == os.geteuid()
    process = processes.with_arguments(process, cmdline.split("\0"))
    container = process.container or ()
    for text in (process.name, process.unit, *container):
        assert text is None or text.isprintable()


INTERPRETERS = {"python3": "-c -W --new", "java": "-cp --new", "node": "-e -r --new", "ruby": "-e -I", "perl": "-e -I"}


@given(st.sampled_from(sorted(INTERPRETERS)), st.lists(st.sampled_from(["-u", "--", "app.py", "", "\n"])), st.data())
def test_a_program(interpreter: str, before: list[str], data: st.DataObject) -> None:
    """Neither code nor the value of an option is ever told."""
    option = data.draw(st.sampled_from(INTERPRETERS[interpreter].split()))
    found = programs.program(interpreter, [interpreter, *before, option, "secret"])
    assert found in (None, "app.py", "\n")


@given(st.lists(st.text()))
def test_any_command_line(arguments: list[str]) -> None:
    for interpreter in (*INTERPRETERS, "php", "bash", "nginx"):
        found = programs.program(interpreter, arguments)
        assert found is None or found.rpartition(" ")[2] in " ".join(arguments)


MADE = tempfile.TemporaryDirectory(prefix="fuzz-")


def folder(*files: tuple[str, str]) -> str:
    """One with these files, until the next call."""
    for name, text in files:
        path = Path(MADE.name, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return MADE.name
