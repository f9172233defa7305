# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import time

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import containers, processes
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Container, Process
from support.records import CONTAINER_ID, HARMLESS, HOSTILE

PID = 812
NOBODYS = 2**30  # greater than any pid
TICKS = os.sysconf("SC_CLK_TCK")


def stat(name, started=0):
    fields = ["S", "1", *["0"] * 17, str(started), "0", "0"]
    return f"{PID} ({name}) {' '.join(fields)}\n"


@pytest.fixture
def read(tmp_path):
    """Reads a process whose files are given; those not given are missing."""
    (tmp_path / "stat").write_text("cpu  1 2 3\nbtime 1700000000\nprocesses 5\n")
    folder = tmp_path / str(PID)
    folder.mkdir()

    def read_it(exe=None, cmdline="", **files):
        if exe:
            (folder / "exe").symlink_to(exe)
        for name, text in files.items():
            (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
        process = processes.read(PID, str(tmp_path))
        return process and processes.with_arguments(process, cmdline.rstrip("\0").split("\0"))

    return read_it


def test_read(read, monkeypatch):
    monkeypatch.setattr(processes, "user_name", {os.geteuid(): "www-data"}.get)
    assert read(
        exe="/usr/sbin/apache2",
        stat=stat("apache2", 250 * TICKS),
        cgroup="0::/system.slice/apache2.service\n",
    ) == (PID, "apache2", "/usr/sbin/apache2", os.geteuid(), "www-data", "apache2.service", None, 1700000250.0,
          False, None)  # fmt: skip


def test_read_on_a_host_with_many_interrupts(read, tmp_path):
    (tmp_path / "stat").write_text(f"cpu  1 2 3\nintr 9{' 0' * 100000}\nbtime 1700000000\n")
    assert read(stat=stat("nginx", 250 * TICKS)).started == 1700000250.0


def test_read_leaves_nothing_open(read, leaves_nothing_open):
    assert read(stat=stat("nginx"), cgroup="0::/\n")


def test_read_what_may_be_read(read, monkeypatch):
    monkeypatch.setattr(processes, "user_name", {}.get)
    seen = read(stat=stat("kworker/0:1"))
    assert seen == (PID, "kworker/0:1", None, os.geteuid(), None, None, None, 1700000000.0, False, None)


@pytest.mark.parametrize("files", [{}, {"stat": ""}], ids=["no files", "an empty file"])
def test_read_a_process_that_is_gone(files, read):
    assert read(**files) is None


@pytest.mark.parametrize(
    ("comm", "exe", "cmdline", "expected"),
    [
        pytest.param("nginx", "/usr/sbin/nginx", "nginx: master\0", "nginx", id="short"),
        pytest.param(
            "prometheus-node",
            "/usr/bin/prometheus-node-exporter",
            "",
            "prometheus-node-exporter",
            id="cut, whole in the program's path",
        ),
        pytest.param(
            "my-long-script-",
            "/usr/bin/python3",
            "/opt/my-long-script-name.py\0-v\0",
            "my-long-script-name.py",
            id="cut, whole in the command line",
        ),
        pytest.param(
            "myworker-daemon",
            "/usr/bin/python3",
            "myworker-daemon-7 --token=s3cret\0",
            "myworker-daemon-7",
            id="a title, with a secret behind the name",
        ),
        pytest.param(
            "fifteen-letters", None, "fifteen-letters" + "x" * 5000, "fifteen-letters" + "x" * 240, id="a huge name"
        ),
        pytest.param(
            "fifteen-letters", "/usr/bin/other", "other\0", "fifteen-letters", id="cut, and nobody knows more"
        ),
        pytest.param("fifteen-letters", None, "", "fifteen-letters", id="cut, and nothing may be read"),
        pytest.param("python3", "/usr/bin/python3.11", "python3\0", "python3", id="a name is not made longer"),
        pytest.param(
            "\u00fc" * 7 + "x", "/opt/" + "\u00fc" * 7 + "xyz", "", "\u00fc" * 7 + "xyz", id="15 bytes, not letters"
        ),
    ],
)
def test_read_the_whole_name(comm, exe, cmdline, expected, read):
    assert read(exe, cmdline, stat=stat(comm)).name == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param("/usr/sbin/nginx", "/usr/sbin/nginx", id="there"),
        pytest.param("/usr/sbin/nginx (deleted)", "/usr/sbin/nginx", id="replaced by an update"),
    ],
)
def test_read_the_program(target, expected, read):
    assert read(target, stat=stat("nginx")).exe == expected


def test_a_program_is_here_if_its_path_leads_to_the_same_file(read, tmp_path):
    program, other = tmp_path / "haproxy", tmp_path / "other"
    program.touch()
    other.touch()
    assert read(str(program), stat=stat("haproxy")).exe_is_here
    # What a mount namespace of one's own looks like from here: the link's text names one file, and leads to another.
    assert not processes._is_one_file(str(other), str(program))
    assert not processes._is_one_file(str(tmp_path / "gone"), str(program))


@pytest.mark.linux
def test_read_a_name_that_the_locale_cannot_write():
    script = """
import os
from ansible_collections.preflight.ports.plugins.module_utils._holders import processes
with open("/proc/self/comm", "wb") as comm:
    comm.write("\\u65e5\\u672c\\u8a9e".encode())
print(ascii(processes.read(os.getpid()).name))
"""
    environment = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    name = subprocess.check_output(
        [sys.executable, "-c", script], text=True, env={**os.environ, **environment, **paths}
    )
    assert name.strip() == ascii("\u65e5\u672c\u8a9e")


def test_read_hostile_text(read):
    escaped = "\\x1b[31mroot\\x07\\r\\u202egpj\\xff"
    seen = read(
        exe=f"/opt/{HOSTILE}",
        stat=stat("\x1b[31mroot\x07\r\u202egpj\udcff"),
        cgroup="0::/x\x1b[31m.service\n",
        cmdline=f"{HOSTILE}\0{HOSTILE}\0",
    )
    assert seen.name == escaped
    assert seen.exe == f"/opt/{HARMLESS}"
    assert seen.unit == "x\\x1b[31m.service"


@pytest.mark.parametrize(
    ("cgroup", "cmdline", "comm", "expected"),
    [
        pytest.param(
            f"0::/system.slice/docker-{CONTAINER_ID}.scope\n",
            "nginx\0",
            "nginx",
            Container(CONTAINER_ID, f"named {HARMLESS}", "docker"),
            id="by its cgroup",
        ),
        pytest.param(
            "0::/system.slice/docker.service\n",
            f"docker-proxy\0-container-ip\0{HOSTILE}\0",
            "docker-proxy",
            Container(HARMLESS, None, "docker"),
            id="by its command line",
        ),
        pytest.param(
            "0::/machine.slice/libpod-conmon.scope\n",
            f"conmon\0-c\0{HOSTILE}\0",
            "conmon",
            Container(HARMLESS, None, "docker"),
            id="by that of podman's helper",
        ),
        pytest.param("0::/\n", "docker-proxy\0", "docker-proxy", None, id="a helper of nobody knows whom"),
        pytest.param(
            "0::/machine.slice/machine-a\\x1bb.scope\n",
            "nginx\0",
            "nginx",
            Container("a\\x1bb", f"named {HARMLESS}", "nspawn"),
            id="by a hostile cgroup",
        ),
        pytest.param("0::/system.slice/nginx.service\n", "nginx\0-c\0a\0", "nginx", None, id="none"),
    ],
)
def test_read_the_container(cgroup, cmdline, comm, expected, read, monkeypatch):
    def published_by(process, arguments):
        return Container(arguments[2], None, "docker") if len(arguments) > 2 else None

    monkeypatch.setattr(containers, "named", lambda container: container._replace(name=f"named {HOSTILE}"))
    monkeypatch.setattr(containers, "published_by", published_by)
    monkeypatch.setattr(processes, "_effective_user", lambda _folder: 0)
    assert read(None, cmdline, stat=stat(comm), cgroup=cgroup).container == expected


@pytest.mark.parametrize(
    ("comm", "uid", "needed"),
    [("conmon", 0, True), ("docker-proxy", 0, True), ("conmon", 1001, False), ("nginx", 0, False), ("a" * 15, 1, True)],
)
def test_whose_arguments_are_needed(comm, uid, needed):
    process = Process(PID, comm, uid=uid)
    assert processes.needs_arguments(process) is needed
    if uid:
        assert processes.with_arguments(process, [comm, "-c", "deadbeef", "-n", "web"]).container is None


def test_what_an_interpreter_runs(read):
    seen = read("/usr/bin/python3.11", f"python3\0/opt/{HOSTILE}.py\0--token\0s3cret\0", stat=stat("python3"))
    assert seen.program == f"/opt/{HARMLESS}.py"


def test_a_users_container_has_no_name_of_roots(read, monkeypatch):
    monkeypatch.setattr(containers, "named", lambda container: container._replace(name="web"))
    cgroup = f"0::/user.slice/user-1001.slice/user@1001.service/user.slice/libpod-{CONTAINER_ID}.scope\n"
    assert read(stat=stat("nginx"), cgroup=cgroup).container == Container(CONTAINER_ID, None, "podman", "1001")


@pytest.mark.parametrize(("identity", "expected"), [("web", Container("web", "web", "containerd")), ("other", None)])
def test_a_container_of_containerd_alone(identity, expected, read, tmp_path, monkeypatch):
    (tmp_path / "tasks/default/web").mkdir(parents=True)
    monkeypatch.setattr(processes, "_TASKS", str(tmp_path / "tasks"))
    assert read(stat=stat("nginx"), cgroup=f"0::/default/{identity}\n").container == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(stat("nginx", 0), ("nginx", 1700000000.0), id="with the host"),
        pytest.param(stat("nginx", 50 * TICKS), ("nginx", 1700000050.0), id="later"),
        pytest.param(
            stat("a) S 1 2 (b", 50 * TICKS), ("a) S 1 2 (b", 1700000050.0), id="a name with parentheses and spaces"
        ),
        pytest.param(stat("a\nb", 50 * TICKS), ("a\\nb", 1700000050.0), id="a name of two lines"),
        pytest.param(stat("a\\nb", 50 * TICKS), ("a\\\\nb", 1700000050.0), id="a name with a backslash"),
        pytest.param(stat("", 50 * TICKS), ("", 1700000050.0), id="no name"),
        pytest.param(f"{PID} (nginx) S{' 0' * 18}\n", ("nginx", None), id="one field too few"),
    ],
)
def test_read_name_and_start(text, expected, read):
    seen = read(stat=text)
    assert (seen.name, seen.started) == expected


def test_read_where_the_host_does_not_tell_its_start(read, tmp_path):
    (tmp_path / "stat").unlink()
    assert read(stat=stat("nginx", 50)).started is None


def test_user_name(monkeypatch):
    user = pwd.getpwuid(os.geteuid())
    assert processes.user_name(os.geteuid()) == user.pw_name
    assert processes.user_name(2**32 - 2) is None
    hostile = pwd.struct_passwd((HOSTILE, *user[1:]))
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: hostile)
    assert processes.user_name(2**32 - 3) == HARMLESS


@pytest.mark.linux
def test_read_from_the_real_proc(child):
    seen = processes.read(child)
    assert (seen.pid, seen.uid, seen.user) == (child, os.geteuid(), processes.user_name(os.geteuid()))
    assert os.path.samefile(seen.exe, sys.executable)
    assert seen.exe_is_here
    assert 0 < time.time() - seen.started < 3600
    assert processes.read(NOBODYS) is None
