# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._selinux import selinuxfs
from ansible_collections.preflight.ports.plugins.module_utils._selinux.selinuxfs import Access, Permission

INIT = "system_u:system_r:init_t:s0-s0:c0.c1023"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(selinuxfs, "ROOT", str(tmp_path))
    monkeypatch.setattr(selinuxfs, "_PAUSE", 0)
    return tmp_path


def put(root, path, text):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.fixture
def kernel(root, monkeypatch):
    """Answers to transactions, and keeps what it was asked."""
    said, asked = [], []

    def read(_file, _size):
        answer = said.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    for name in ("access", "context"):
        put(root, name, "")
    monkeypatch.setattr(selinuxfs.os, "write", lambda _file, question: asked.append(question.decode()))
    monkeypatch.setattr(selinuxfs.os, "read", read)
    return said, asked


@pytest.mark.parametrize(("text", "expected"), [("1", True), ("0", False)])
def test_is_enforcing(root, text, expected):
    put(root, "enforce", text)
    assert selinuxfs.is_enforcing() is expected


def test_initial_context(root):
    put(root, "initial_contexts/port", "system_u:object_r:port_t:s0\0")
    assert selinuxfs.initial_context("port") == "system_u:object_r:port_t:s0"


def test_is_hidden(root):
    assert selinuxfs.is_hidden()
    put(root, "access", "")
    assert not selinuxfs.is_hidden()


def test_permission(root):
    put(root, "class/tcp_socket/index", "13\n")
    put(root, "class/tcp_socket/perms/name_bind", "21")
    assert selinuxfs.permission("tcp_socket", "name_bind") == Permission(13, 1 << 20)


def test_service_context(tmp_path, kernel):
    said, asked = kernel
    put(tmp_path, "proc/1/attr/current", f"{INIT}\n\0")
    said += [b"system_u:system_r:httpd_t:s0\0", OSError(errno.EINVAL, ""), OSError(errno.EACCES, "")]
    proc = str(tmp_path / "proc")
    assert selinuxfs.service_context("httpd_t", proc) == "system_u:system_r:httpd_t:s0"
    assert asked == ["system_u:system_r:httpd_t:s0-s0:c0.c1023"]
    assert selinuxfs.service_context("nosuch_t", proc) is None
    with pytest.raises(PermissionError):
        selinuxfs.service_context("httpd_t", proc)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(b"100000 ffffffff 0 ffffffff 1 0", Access(True, True), id="allowed"),
        pytest.param(b"200000 ffffffff 0 ffffffff 1 0", Access(False, True), id="something else is allowed"),
        pytest.param(b"0 ffffffff 0 ffffffff 1 1\0", Access(False, False), id="a permissive domain"),
    ],
)
def test_access(kernel, said, expected):
    answers, asked = kernel
    answers.append(said)
    assert selinuxfs.access("u:r:httpd_t", "u:r:http_port_t", Permission(13, 1 << 20)) == expected
    assert asked == ["u:r:httpd_t u:r:http_port_t 13"]


def test_transition(root, kernel):
    said, asked = kernel
    put(root, "create", "")
    put(root, "class/process/index", "2\n")
    said += [b"u:r:httpd_t\0", OSError(errno.EINVAL, "")]
    assert selinuxfs.transition("u:r:init_t", "u:r:httpd_exec_t") == "u:r:httpd_t"
    assert asked == ["u:r:init_t u:r:httpd_exec_t 2"]
    with pytest.raises(ValueError, match="u:r:init_t nosuch 2"):
        selinuxfs.transition("u:r:init_t", "nosuch")


def test_nothing_stays_open(kernel):
    before = os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd") else []
    kernel[0].append(OSError(errno.EINVAL, ""))
    with pytest.raises(ValueError, match="a b 13"):
        selinuxfs.access("a", "b", Permission(13, 1))
    assert (os.listdir("/proc/self/fd") if before else []) == before


def test_policy(root):
    put(root, "policy", "binary")
    assert selinuxfs.policy() == b"binary"


def test_a_policy_that_others_read(root, monkeypatch):
    attempts = []

    def busy(*arguments):
        attempts.append(arguments)
        raise OSError(errno.EBUSY, "busy")

    monkeypatch.setattr("builtins.open", busy)
    with pytest.raises(OSError, match="another process keeps reading the policy"):
        selinuxfs.policy()
    assert len(attempts) > 1
