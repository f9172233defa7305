# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pwd

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._kernel import as_user, bind, child
from ansible_collections.preflight.ports.plugins.module_utils._kernel.as_user import UserError, probe
from ansible_collections.preflight.ports.plugins.module_utils._kernel.bind import ProbeError
from ansible_collections.preflight.ports.plugins.module_utils._model.question import questions_of
from support.records import want

QUESTIONS = questions_of(want("127.0.0.1:80"), 80)


@pytest.fixture
def identities(monkeypatch):
    """Runs the child's part in this process, and gives what it makes of itself."""
    made = []
    for name in ("setgroups", "setresgid", "setresuid"):
        monkeypatch.setattr(os, name, lambda *identity, name=name: made.append((name, *identity)))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(child, "ask", lambda answer, _seconds: answer())
    monkeypatch.setattr(bind, "probe", lambda _question: "free")
    monkeypatch.setattr(os, "getgrouplist", lambda _name, group: [group, 4])
    return made


def _entry(name):
    return pwd.struct_passwd((name, "x", 33, 34, "", "/", "/bin/false"))


def _unknown(_key):
    raise KeyError


@pytest.mark.parametrize(
    ("user", "groups", "uid"),
    [
        pytest.param("www-data", ([34, 4], 34), 33, id="by name"),
        pytest.param("33", ([34, 4], 34), 33, id="by number"),
        pytest.param("4242", ([], 4242), 4242, id="a number without a name"),
    ],
)
def test_probe(user, groups, uid, identities, monkeypatch):
    monkeypatch.setattr(pwd, "getpwnam", _entry)
    monkeypatch.setattr(pwd, "getpwuid", lambda number: _entry("www-data") if number == 33 else _unknown(number))
    assert probe(user, QUESTIONS) == ["free"]
    supplementary, group = groups
    assert [(name, *map(_comparable, rest)) for name, *rest in identities] == [
        ("setgroups", supplementary),
        ("setresgid", group, group, group),
        ("setresuid", uid, uid, uid),
    ]


def _comparable(value):
    return list(value) if isinstance(value, tuple) else value


def test_probe_as_root_changes_nothing(identities):
    assert probe("root", QUESTIONS) == ["free"]
    assert identities == []


def test_probe_as_nobody_known(monkeypatch):
    monkeypatch.setattr(pwd, "getpwnam", _unknown)
    with pytest.raises(UserError, match="user: 'ngnix' does not exist on this host"):
        probe("ngnix", QUESTIONS)


def test_probe_takes_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UserError, match="run the task with become: true"):
        probe("root", QUESTIONS)


def test_probe_without_an_answer(identities, monkeypatch):
    def fail(_answer, _seconds):
        raise child.ChildError("no answer")

    monkeypatch.setattr(as_user.child, "ask", fail)
    with pytest.raises(ProbeError, match="bind\\(2\\) as user root: no answer"):
        probe("root", QUESTIONS)
