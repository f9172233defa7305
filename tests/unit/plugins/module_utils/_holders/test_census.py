# Copyright (c) 2026, preflight.ports contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys

import pytest
from ansible_collections.preflight.ports.plugins.module_utils._holders import (
    census,
    containers,
    kernel_owned,
    owners,
    processes,
    psutil_process,
)
from ansible_collections.preflight.ports.plugins.module_utils._holders.owners import Owners
from ansible_collections.preflight.ports.plugins.module_utils._kernel import links
from ansible_collections.preflight.ports.plugins.module_utils._model.holder import Census, Process
from ansible_collections.preflight.ports.plugins.module_utils._model.sockets import BOUND, CONNECTED, LISTENING
from support.records import APACHE, CURL, WEB, row

SYSTEMD = Process(1, "systemd")
OTHER_INIT = Process(1, "init")


class Host:
    """Owners by inode, processes by pid, and what was asked about them."""

    def __init__(self, monkeypatch):
        self.owners = {}
        self.processes = {process.pid: process for process in (APACHE, CURL)}
        self.searched = None
        self.commands = []
        self.cmdlines_read = set()
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(owners, "find", self._find)
        monkeypatch.setattr(kernel_owned, "kernel_owns", lambda held, owners, links: held.port in links)
        self.links_read = 0
        monkeypatch.setattr(links, "read", self._read_links)
        monkeypatch.setattr(processes, "read", self._read_process)
        monkeypatch.setattr(processes, "user_name", {33: "www-data"}.get)

    def _read_process(self, pid, cmdline):
        self.cmdlines_read.add(cmdline)
        return self.processes.get(pid)

    def _read_links(self):
        self.links_read += 1
        return [4789]

    def _find(self, inodes):
        self.searched = sorted(inodes)
        return Owners({inode: self.owners[inode] for inode in inodes if inode in self.owners}, True)

    def run_command(self, command, handle_exceptions):
        self.commands.append(command)
        return 0, "Id=ssh.socket\nListen=[::]:22 (Stream)\n", ""

    def census(self, *sockets, **options):
        return census.take(sockets, self.run_command, **options)


@pytest.fixture
def host(monkeypatch):
    return Host(monkeypatch)


def test_of_nobody(host):
    assert host.census() == Census({}, {})
    assert host.commands == []


def test_of_processes(host):
    host.owners = {42: [812], 43: [812, 4711]}
    taken = host.census(row(LISTENING, inode=42, uid=0), row(CONNECTED, inode=43, uid=0), row(LISTENING, inode=0))
    assert host.searched == [42, 43]
    assert taken == Census({42: [812], 43: [812, 4711]}, {812: APACHE, 4711: CURL})
    assert host.commands == []


def test_devices_are_read_only_for_sockets_without_an_owner(host):
    host.owners = {42: [812]}
    host.census(row(LISTENING, inode=42), row(LISTENING, pids=(4711,)))
    assert host.links_read == 0
    host.census(row(LISTENING, inode=43), row(LISTENING, inode=44))
    assert host.links_read == 1


def test_of_processes_that_the_source_knows_already(host):
    assert host.census(row(LISTENING, pids=(4711,))).processes == {4711: CURL}


@pytest.mark.parametrize(("options", "read"), [({}, True), ({"cmdline": False}, False)], ids=["usual", "not wanted"])
def test_command_lines_are_read_unless_nobody_wants_them(options, read, host):
    host.owners = {42: [812]}
    host.census(row(LISTENING, inode=42), **options)
    assert host.cmdlines_read == {read}


def test_of_a_process_that_is_gone(host):
    host.owners = {42: [812, 999]}
    assert host.census(row(LISTENING, inode=42)).processes == {812: APACHE}


def test_of_hidden_processes(host):
    taken = host.census(row(LISTENING, inode=42, uid=33), row(LISTENING, inode=43, uid=34), row(LISTENING, inode=44))
    assert taken == Census({}, {}, users={33: "www-data", 34: None})


def test_of_the_kernel(host):
    host.owners = {42: [812]}
    vxlan = row(BOUND, port=4789, inode=77, uid=0, protocol="udp")
    other = row(BOUND, port=4790, inode=78, uid=0, protocol="udp")
    assert host.census(vxlan, other, row(LISTENING, port=4789, inode=42)).kernel_owned == {vxlan}


@pytest.mark.parametrize(
    ("init", "units", "programs"),
    [
        pytest.param(SYSTEMD, {("tcp", "::", 22): "ssh.socket"}, ["systemctl"], id="systemd"),
        pytest.param(OTHER_INIT, {}, [], id="another init"),
    ],
)
def test_of_pid_1(init, units, programs, host):
    host.owners = {42: [1], 43: [1]}
    host.processes[1] = init
    assert host.census(row(LISTENING, "::", 22, inode=42), row(LISTENING, port=80, inode=43)).socket_units == units
    assert [command[0] for command in host.commands] == programs


@pytest.mark.parametrize(
    ("name", "uid", "expected"),
    [
        pytest.param("dockerd", 0, {("tcp", 80): WEB}, id="Docker without its proxy"),
        pytest.param("dockerd", 1000, {}, id="a user's process of that name"),
        pytest.param("docker-proxy", 0, {}, id="the proxy"),
    ],
)
def test_of_an_engine_that_publishes(name, uid, expected, host, monkeypatch):
    monkeypatch.setattr(
        containers, "published", lambda protocol, port: WEB if (protocol, port) == ("tcp", 80) else None
    )
    host.owners = {42: [7], 43: [7]}
    host.processes[7] = CURL._replace(pid=7, name=name, uid=uid)
    taken = host.census(row(LISTENING, inode=42), row(LISTENING, port=81, inode=43))
    assert taken.published == expected


def test_of_processes_elsewhere(host, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(psutil_process, "process", {4711: CURL}.get)
    host.processes.clear()
    assert host.census(row(LISTENING, pids=(4711,))).processes == {4711: CURL}
