# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import owners
from ansible_collections.preflight.ports.plugins.module_utils._holders.owners import Owners
from ansible_collections.preflight.ports.plugins.module_utils._kernel import patience

LISTDIR, OPEN = os.listdir, os.open
OURS, FOREIGN = "ours", "foreign"  # network namespaces


class Proc:
    """A /proc below *root*, where chosen paths answer with an error."""

    def __init__(self, root, monkeypatch):
        self.root = root
        self.errors = {}
        self.asked = []
        (root / "namespaces").mkdir()
        for network in (OURS, FOREIGN):
            (root / "namespaces" / network).write_text("")
        self.process("self", [])
        self.opened = {}
        for name in ("listdir", "open", "readlink", "stat"):
            monkeypatch.setattr(os, name, self._watched(getattr(os, name)))
        monkeypatch.setattr(os, "geteuid", lambda: self.uid)
        self.uid = 0

    def _watched(self, real):
        def ask(path, *rest, **options):
            asked = self._whole(path, options.get("dir_fd"))
            self.asked.append(asked)
            if asked in self.errors:
                raise self.errors[asked]
            answer = real(path, *rest, **options)
            if real is OPEN:
                self.opened[answer] = asked
            return sorted(answer) if real is LISTDIR else answer

        return ask

    def _whole(self, path, folder):
        """A path, that of a descriptor, or one below a descriptor."""
        if isinstance(path, int):
            return f"{self.opened[path]}/"
        return str(path) if folder is None else f"{self.opened[folder]}/{path}"

    def process(self, pid, links, network=OURS):
        folder = self.root / str(pid)
        (folder / "fd").mkdir(parents=True)
        for descriptor, target in enumerate(links):
            (folder / "fd" / str(descriptor)).symlink_to(target)
        (folder / "net").mkdir()
        os.link(self.root / "namespaces" / network, folder / "net" / "tcp")
        return self

    def fails(self, path, error):
        self.errors[f"{self.root}/{path}"] = error
        return self

    def find(self, *inodes):
        return owners.find(inodes, str(self.root))


@pytest.fixture
def proc(tmp_path, monkeypatch):
    return Proc(tmp_path, monkeypatch)


def test_find(proc):
    proc.process(10, ["/dev/null", "socket:[1]", "socket:[2]", "pipe:[3]", "socket:[1]"])
    proc.process(11, ["socket:[1]", "anon_inode:[eventpoll]"])
    proc.process(12, ["socket:[99]", "socket:[12]", "/srv/socket:[1]"])
    (proc.root / "sys").mkdir()
    (proc.root / "uptime").write_text("1.0")
    found = proc.find(1, 2, 3)
    assert {inode: sorted(pids) for inode, pids in found.pids.items()} == {1: [10, 11], 2: [10]}
    assert found.all_seen


def test_find_looks_no_further_into_a_process_once_each_is_found(proc):
    proc.process(10, [f"socket:[{inode}]" for inode in range(50)])
    assert proc.find(7).pids == {7: [10]}
    links = [path for path in proc.asked if "/10/fd/" in path]
    assert links[-1].endswith("/7")


def test_find_does_not_touch_proc_for_nothing(proc):
    assert proc.find() == Owners({}, False)
    assert proc.asked == []


def test_find_where_there_is_no_proc(tmp_path):
    assert owners.find([1], str(tmp_path / "missing")) == Owners({}, False)


def test_find_sees_not_everything_as_another_user(proc):
    proc.uid = 1000
    assert proc.process(10, ["socket:[1]"]).find(1) == Owners({1: [10]}, False)


def test_find_looks_at_the_threads_of_a_process_whose_main_thread_has_ended(proc):
    proc.process(10, []).process("10/task/10", []).process("10/task/11", ["socket:[1]"]).process(12, ["socket:[2]"])
    assert proc.find(1, 2) == Owners({2: [12], 1: [10]}, True)


def test_find_looks_at_no_thread_for_nothing(proc):
    proc.process(10, ["socket:[1]"]).process("10/task/10", ["socket:[1]"]).process("10/task/11", ["socket:[1]"])
    assert proc.find(1) == Owners({1: [10]}, True)
    assert [path for path in proc.asked if "/task" in path] == []


VANISHED = [
    pytest.param("10/fd", FileNotFoundError(2, "gone"), id="before its descriptors are looked for"),
    pytest.param("10/fd/", FileNotFoundError(2, "gone"), id="before its descriptors are listed"),
    pytest.param("10/fd/", ProcessLookupError(3, "gone"), id="while its descriptors are listed"),
    pytest.param("10/fd/0", FileNotFoundError(2, "gone"), id="before a descriptor is read"),
    pytest.param("10/fd/0", ProcessLookupError(3, "gone"), id="while a descriptor is read"),
]


@pytest.mark.parametrize(("path", "error"), VANISHED)
def test_find_goes_on_when_a_process_vanishes(path, error, proc):
    proc.process(10, ["socket:[1]"]).process(11, ["socket:[1]"]).fails(path, error)
    assert proc.find(1) == Owners({1: [11]}, True)


def test_find_goes_on_when_a_descriptor_is_closed(proc):
    proc.process(10, ["socket:[1]", "socket:[2]"]).fails("10/fd/0", FileNotFoundError(2, "closed"))
    assert proc.find(1, 2) == Owners({2: [10]}, True)


DENIED = PermissionError(13, "denied")


@pytest.mark.parametrize(
    "path", ["10/fd", "10/fd/", "10/fd/0"], ids=["the folder of descriptors", "the list of them", "a descriptor"]
)
@pytest.mark.parametrize(
    ("network", "all_seen"),
    [pytest.param(OURS, False, id="of this network"), pytest.param(FOREIGN, True, id="of another network")],
)
@pytest.mark.parametrize("error", [DENIED, OSError(24, "no descriptor left")], ids=["denied", "no descriptor left"])
def test_find_notes_a_process_that_it_cannot_look_into(error, path, network, all_seen, proc):
    proc.process(10, ["socket:[1]"], network).process(11, ["socket:[2]"]).fails(path, error)
    assert proc.find(1, 2) == Owners({2: [11]}, all_seen)


@pytest.mark.parametrize("networks", [(OURS, FOREIGN), (FOREIGN, OURS)], ids=["ours first", "ours last"])
def test_find_does_not_forget_what_it_may_not_look_into(networks, proc):
    for pid, network in zip((10, 11), networks):
        proc.process(pid, ["socket:[1]"], network).fails(f"{pid}/fd", DENIED)
    assert proc.find(1) == Owners({}, False)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        pytest.param("10/net/tcp", DENIED, id="denied"),
        pytest.param("10/net/tcp", FileNotFoundError(2, "gone"), id="vanished"),
        pytest.param("self/net/tcp", DENIED, id="of this process itself"),
    ],
)
def test_find_in_doubt_takes_a_process_for_one_of_this_network(path, error, proc):
    proc.process(10, ["socket:[1]"], FOREIGN).fails("10/fd", DENIED).fails(path, error)
    assert proc.find(1) == Owners({}, False)


def test_find_leaves_nothing_open(proc):
    proc.process(10, ["socket:[1]"]).process(11, ["socket:[2]"]).fails("10/fd/0", DENIED).find(1, 2)
    for descriptor in proc.opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


@pytest.mark.linux
def test_find_in_the_real_proc(loopback):
    server = loopback.listening()
    inode = os.fstat(server.fileno()).st_ino
    assert owners.find([inode]).pids == {inode: [os.getpid()]}


def test_a_walk_that_takes_too_long_has_not_seen_all(monkeypatch, tmp_path):
    clock = iter(range(1000))
    monkeypatch.setattr(patience.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for pid in range(1, 9):
        (tmp_path / str(pid) / "fd").mkdir(parents=True)
        (tmp_path / str(pid) / "fd" / "0").symlink_to("socket:[42]" if pid == 1 else "/")
    found = owners.find([42, 43], str(tmp_path))
    assert not found.all_seen
    assert found.pids in ({}, {42: [1]}), "what was seen until then"
